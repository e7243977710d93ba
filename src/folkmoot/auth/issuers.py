"""Tokens of outside issuers, whose keys are known by URL or by a shared secret.

What asks for keys over HTTP is imported only by a server that has somebody to ask.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from folkmoot.auth.errors import IssuerUnreachable
from folkmoot.auth.jws import UnverifiedToken, unverified, verified_payload
from folkmoot.auth.signing import MIN_BYTES
from folkmoot.auth.tokens import timely
from folkmoot.core.accounts.errors import TokenInvalid
from folkmoot.core.shared.ids import Clock, Uid

if TYPE_CHECKING:
    import httpx2

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"}
)
SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})
MAX_SUBJECT_CHARS: Final = 255
RSA_BITS: Final = range(2048, 8193)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_KEY_TYPES: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}


class BadIssuer(Exception):
    """An outside issuer is set up so that its tokens would prove nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """An outside issuer as it is set: exactly one of ``jwks_url`` and ``secret``.

    No ``algorithms`` means ``RS256`` and ``ES256`` for a URL, ``HS256`` for a secret.
    """

    issuer: str
    audience: str
    jwks_url: str | None = None
    secret: str | None = field(default=None, repr=False)
    algorithms: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VerifiedSubject:
    """What an outside issuer proves of a subject. The names are claims: checked by nobody yet.

    ``login_id`` is the same whenever the same token is shown.
    """

    issuer: str
    subject: str
    login_id: Uid
    expires_at: datetime
    username: str | None = None
    email: str | None = None
    full_name: str | None = None


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """When keys are fetched (seconds), and how much of an answer is read."""

    fresh_for: float = 3600.0
    usable_for: float = 86_400.0
    at_most_every: float = 60.0
    timeout: float = 5.0
    max_bytes: int = 262_144


class _IssuerClaims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    sub: str
    exp: int
    iat: int | None = None
    nbf: int | None = None
    jti: str | None = None
    preferred_username: Any = None
    email: Any = None
    email_verified: Any = None
    name: Any = None


class Issuers:
    """The outside issuers that this server believes.

    ``client`` fetches key sets; it belongs to the caller, who closes it.
    """

    def __init__(
        self,
        settings: Sequence[IssuerSettings],
        clock: Clock,
        client: "httpx2.AsyncClient",
        *,
        limits: FetchLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = limits or FetchLimits()
        self._issuers = {
            one.issuer: _Issuer(one, clock, client, limits, monotonic) for one in settings
        }
        if len(self._issuers) != len(settings):
            raise BadIssuer("Two issuers are set with the same name.")

    async def read(self, issuer: str, token: str) -> VerifiedSubject:
        """What the token proves; ``issuer`` is who it says it is of.

        Raises:
            TokenInvalid, TokenExpired
            IssuerUnreachable: the issuer's keys are not known and cannot be had.
        """
        known = self._issuers.get(issuer)
        if known is None:
            raise TokenInvalid
        return await known.read(token)


class _Issuer:
    def __init__(
        self,
        settings: IssuerSettings,
        clock: Clock,
        client: "httpx2.AsyncClient",
        limits: FetchLimits,
        monotonic: Callable[[], float],
    ) -> None:
        self._name = settings.issuer
        self._audience = settings.audience
        self._clock = clock
        self._algorithms = _algorithms(settings)
        self._registry = JWSRegistry(algorithms=sorted(self._algorithms), strict_check_header=False)
        self._keys: KeySource | OctKey
        if settings.jwks_url is not None:
            self._keys = KeySource(settings.jwks_url, client, limits, monotonic)
        else:
            self._keys = OctKey.import_key(_shared_secret(settings))

    async def read(self, token: str) -> VerifiedSubject:
        face = unverified(token)
        if face.alg not in self._algorithms:
            raise TokenInvalid
        payload = verified_payload(token, await self._key_for(face), self._registry)
        try:
            claims = msgspec.json.decode(payload, type=_IssuerClaims)
        except (ValueError, RecursionError):
            raise TokenInvalid from None
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self._name or self._audience not in audiences:
            raise TokenInvalid
        if not 0 < len(claims.sub) <= MAX_SUBJECT_CHARS or "\0" in claims.sub:
            raise TokenInvalid
        expires_at = timely(self._clock.now(), exp=claims.exp, iat=claims.iat, nbf=claims.nbf)
        return _vouched(claims, token, expires_at)

    async def _key_for(self, face: UnverifiedToken) -> Key:
        if isinstance(self._keys, OctKey):
            return self._keys
        key = await self._keys.find(face.kid)
        if key is None or key.alg not in {None, face.alg}:
            raise TokenInvalid
        return key


class KeySource:
    """The public keys behind a URL, remembered.

    They are fetched again when they are old or when a token names a key that is not among them,
    but at most every so often, by one caller for all: nobody can make this server ask an issuer
    over and over by showing it nonsense. While the issuer does not answer, known keys stay good for
    ``usable_for``.
    """

    def __init__(
        self,
        url: str,
        client: "httpx2.AsyncClient",
        limits: FetchLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise BadIssuer(f"The JWKS URL {url} must begin with https://.")
        self._url = url
        self._client = client
        self._limits = limits or FetchLimits()
        self._monotonic = monotonic
        self._keys: dict[str | None, Key] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None) -> Key | None:
        """The key of that name, or the only key if there is no name; ``None``: there is none.

        Raises:
            IssuerUnreachable
        """
        key = self._known(kid)
        if key is not None and (self._age() <= self._limits.fresh_for or self._fetching.locked()):
            return key
        async with self._fetching:
            if self._may_ask():
                await self._fetch()
        key = self._known(kid)
        if self._age() > self._limits.usable_for:
            raise IssuerUnreachable
        return key

    def _known(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._monotonic() - self._fetched_at

    def _may_ask(self) -> bool:
        asked = self._asked_at
        return asked is None or self._monotonic() - asked >= self._limits.at_most_every

    async def _fetch(self) -> None:
        import httpx2

        self._asked_at = self._monotonic()
        try:
            async with asyncio.timeout(self._limits.timeout):
                keys = _keys_in(await self._download())
        except (httpx2.HTTPError, TimeoutError, ValueError, RecursionError):
            return
        if keys:
            self._keys = keys
            self._fetched_at = self._monotonic()

    async def _download(self) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", self._url, follow_redirects=False) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise ValueError(answer.status_code)
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._limits.max_bytes:
                    raise ValueError(len(body))
        return bytes(body)


def _algorithms(settings: IssuerSettings) -> frozenset[str]:
    if (settings.jwks_url is None) == (settings.secret is None):
        raise BadIssuer(f"The issuer {settings.issuer} needs either a JWKS URL or a secret.")
    if not settings.issuer or not settings.audience:
        raise BadIssuer("An issuer needs a name and an audience.")
    possible = SYMMETRIC if settings.jwks_url is None else ASYMMETRIC
    usual = {"HS256"} if settings.jwks_url is None else {"RS256", "ES256"}
    wanted = frozenset(settings.algorithms or usual)
    if not wanted <= possible:
        odd = ", ".join(sorted(wanted - possible))
        raise BadIssuer(f"The issuer {settings.issuer} cannot use {odd}.")
    return wanted


def _shared_secret(settings: IssuerSettings) -> bytes:
    secret = (settings.secret or "").encode()
    if len(secret) < MIN_BYTES:
        raise BadIssuer(f"The secret of {settings.issuer} must have at least {MIN_BYTES} bytes.")
    return secret


def _keys_in(body: bytes) -> dict[str | None, Key]:
    """The usable public keys of a key set by their names; what is odd is left out."""
    entries = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
    if not isinstance(entries, list):
        return {}
    keys: dict[str | None, Key] = {}
    for entry in entries:
        key = _key_in(entry)
        if key is not None:
            keys[key.kid] = key
    return keys


def _key_in(entry: object) -> Key | None:
    # Symmetric keys have no place in a public document: whoever reads it could sign.
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kind = _KEY_TYPES.get(str(entry.get("kty")))
    if kind is None:
        return None
    try:
        # Looked at before it is taken in: a small key proves nothing, a huge one takes for ever.
        if kind is RSAKey and _bits_of(entry["n"]) not in RSA_BITS:
            return None
        return kind.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _bits_of(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(number.encode())).bit_length()


def _vouched(claims: _IssuerClaims, token: str, expires_at: datetime) -> VerifiedSubject:
    # Not the signature: ECDSA has two good ones for each token, and a revoked token must not
    # come back in its other dress.
    sign = claims.jti or token.rpartition(".")[0]
    mark = hashlib.sha256("\n".join((claims.iss, claims.sub, sign)).encode()).digest()
    return VerifiedSubject(
        issuer=claims.iss,
        subject=claims.sub,
        login_id=Uid(str(uuid.UUID(bytes=mark[:16], version=5))),
        expires_at=expires_at,
        username=_text(claims.preferred_username),
        email=None if claims.email_verified is False else _text(claims.email),
        full_name=_text(claims.name),
    )


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and len(claim) <= MAX_SUBJECT_CHARS else None
