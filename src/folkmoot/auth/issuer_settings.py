"""Outside issuers as they are set, and what cannot be set, told in a sentence; no I/O."""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final
from urllib.parse import SplitResult, urlsplit

from folkmoot.auth.signing import MIN_BYTES

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
    | {"EdDSA", "Ed25519"}
)
SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})
OWN_NAME: Final = "folkmoot"
"""Who signs this server's own tokens."""
MAX_NAME_CHARS: Final = 255
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BadIssuer(ValueError):
    """An outside issuer is set up so that its tokens would prove nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """An outside issuer as it is set: its ``secret``, or where its keys are, or neither.

    Without both its keys are found by OpenID Connect Discovery, for which its name has to be an
    https address. No ``algorithms`` means what each key is made for, and ``HS256`` for a secret.
    """

    issuer: str
    audience: str
    jwks_url: str | None = None
    secret: str | None = field(default=None, repr=False)
    algorithms: Sequence[str] = ()

    @property
    def how(self) -> str:
        """How its tokens are proven, in a few words."""
        if self.secret is not None:
            return "by a shared secret"
        return "by keys that it names" if self.jwks_url is None else "by keys at a set address"


def check_issuers(settings: Sequence[IssuerSettings]) -> None:
    """Return if these can be believed together.

    Raises:
        BadIssuer
    """
    for one in settings:
        _check(one)
    names = Counter(one.issuer for one in settings)
    for name, count in names.items():
        if count > 1:
            raise BadIssuer(f"The issuer {name} is set {count} times; set it once.")


def is_trusted_address(url: str, *, beside: str | None = None) -> bool:
    """Whether what comes from there comes from whom it names: by https, or from this machine.

    ``beside``: an address that has named this one. What is elsewhere cannot name a machine of the
    network that this server stands in.
    """
    parts = _split(url)
    host = None if parts is None else parts.hostname
    if parts is None or not host or parts.username or parts.password or parts.fragment:
        return False
    if parts.scheme != "https" and (parts.scheme != "http" or host not in _LOOPBACK):
        return False
    if beside is None:
        return True
    named_by = _split(beside)
    return not _is_inside(host) or (named_by is not None and named_by.hostname == host)


def discovery_url(issuer: str) -> str:
    """Where an issuer describes itself (OpenID Connect Discovery 1.0, 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _check(one: IssuerSettings) -> None:
    if not one.issuer.strip() or not one.audience.strip():
        raise BadIssuer("An issuer needs a name (issuer) and an audience.")
    if one.issuer != one.issuer.strip() or len(one.issuer) > MAX_NAME_CHARS:
        raise BadIssuer(
            f"The name of an issuer has no space around it and {MAX_NAME_CHARS} characters at most."
        )
    if one.issuer == OWN_NAME:
        raise BadIssuer(f"No outside issuer can be called {OWN_NAME}, as this server itself is.")
    if one.jwks_url is not None and one.secret is not None:
        raise BadIssuer(
            f"The issuer {one.issuer} has a jwks_url and a secret; leave out one of the two."
        )
    if one.secret is not None and len(one.secret.encode()) < MIN_BYTES:
        raise BadIssuer(f"The secret of {one.issuer} must have at least {MIN_BYTES} bytes.")
    _check_address(one)
    _check_algorithms(one)


def _check_address(one: IssuerSettings) -> None:
    if one.jwks_url is not None:
        if not is_trusted_address(one.jwks_url):
            raise BadIssuer(
                f"The jwks_url of {one.issuer} must be an address that begins with https://, "
                "without a name or password (http:// on this machine alone)."
            )
    elif one.secret is None and (not is_trusted_address(one.issuer) or urlsplit(one.issuer).query):
        raise BadIssuer(
            f"The issuer {one.issuer} needs a secret or a jwks_url; only of one whose name is an "
            "address that begins with https:// the keys are found without."
        )


def _check_algorithms(one: IssuerSettings) -> None:
    possible = ASYMMETRIC if one.secret is None else SYMMETRIC
    for name in one.algorithms:
        if name in possible:
            continue
        if name in ASYMMETRIC | SYMMETRIC:
            kind = "public keys" if one.secret is None else "a shared secret"
            raise BadIssuer(f"The issuer {one.issuer} has {kind}, and {name} is not for these.")
        known = {each.lower(): each for each in possible}
        near = get_close_matches(name.lower(), known, n=1)
        hint = f"perhaps {known[near[0]]}; all are" if near else "there are"
        raise BadIssuer(
            f"The issuer {one.issuer} is set to an algorithm that is not known, {name[:20]!r}: "
            f"{hint} {', '.join(sorted(possible))}."
        )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if url.isprintable() and " " not in url else None


def _is_inside(host: str) -> bool:
    """Whether a host is of this machine or its network, as far as its name tells."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host in _LOOPBACK or host.endswith((".localhost", ".local", ".internal"))
