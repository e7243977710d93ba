"""Signed tokens as bytes: their shape and signature, strictly; what they claim is not judged here.

Everything about a token is hostile until its signature is proven, and the header may never choose
the key's place or the algorithm.
"""

import re
from collections.abc import Collection
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeyFlexible
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from folkmoot.core.accounts.errors import TokenInvalid

MAX_TOKEN_CHARS: Final = 8192
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Parameters that bring a key along, point to one, or change what is signed.
_REFUSED = frozenset({"jku", "jwk", "x5u", "crit", "b64", "zip", "enc"})


class Registry(JWSRegistry):
    """The algorithms that may be used, and no others, whichever the library would warn of.

    ``EdDSA`` is the name in use (RFC 8037), though RFC 9864 has a newer one.
    """

    def __init__(self, algorithms: Collection[str]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name."""
        if self.allowed is None or name not in self.allowed:
            raise UnsupportedAlgorithmError(f"{name} is not allowed")
        return self.algorithms[name]


class UnverifiedToken(msgspec.Struct, frozen=True):
    """What a token says of itself before anything is proven."""

    alg: str
    kid: str | None
    issuer: str | None


class _UnverifiedHeader(msgspec.Struct):
    iss: str | None = None


def unverified(token: str) -> UnverifiedToken:
    """What the token says of itself; nothing of it is proven.

    Raises:
        TokenInvalid: it is no signed token, or its header brings a key along.
    """
    if len(token) > MAX_TOKEN_CHARS or not _COMPACT.fullmatch(token):
        raise TokenInvalid
    head, body, _ = token.split(".")
    try:
        header = msgspec.json.decode(urlsafe_b64decode(head.encode()), type=dict[str, Any])
        claimed = msgspec.json.decode(urlsafe_b64decode(body.encode()), type=_UnverifiedHeader)
    except (ValueError, RecursionError):
        raise TokenInvalid from None
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or not isinstance(kid, str | None) or _REFUSED & header.keys():
        raise TokenInvalid
    return UnverifiedToken(alg, kid, claimed.iss)


def verified_payload(token: str, key: KeyFlexible, registry: JWSRegistry) -> bytes:
    """The payload of a token that `face_of` took, its signature proven.

    Raises:
        TokenInvalid: this key has not signed it with one of the registry's algorithms.
    """
    try:
        return jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError, TypeError):
        raise TokenInvalid from None
