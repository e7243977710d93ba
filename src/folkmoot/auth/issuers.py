"""Tokens of outside issuers, whose keys are known by address or by a shared secret."""

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from joserfc.jwk import Key, OctKey

from folkmoot.auth.errors import IssuerUnreachable
from folkmoot.auth.issuer_settings import (
    ASYMMETRIC,
    SYMMETRIC,
    BadIssuer,
    IssuerSettings,
    check_issuers,
)
from folkmoot.auth.jws import Registry, UnverifiedToken, unverified, verified_payload
from folkmoot.auth.key_sets import FetchLimits, KeySource, fitting
from folkmoot.auth.tokens import timely
from folkmoot.core.accounts.errors import TokenExpired, TokenInvalid
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.ids import Clock, Uid
from folkmoot.core.shared.refusals import ServerPart

if TYPE_CHECKING:
    import httpx2

__all__ = ["BadIssuer", "FetchLimits", "IssuerSettings", "Issuers", "KeySource", "VerifiedSubject"]

MAX_SUBJECT_CHARS: Final = 255
_NOT_VERIFIED: Final = (False, 0, "false", "False", "0")
"""How issuers say that nobody has looked at an address; some write it as a text."""
_log = logging.getLogger(__name__)


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


class _IssuerClaims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    sub: str
    exp: float
    iat: float | None = None
    nbf: float | None = None
    jti: str | None = None
    preferred_username: Any = None
    email: Any = None
    email_verified: Any = None
    name: Any = None


class _NotBelieved(Exception):
    """Why a token of an issuer proves nothing here; the text is ours alone."""


class Issuers:
    """The outside issuers that this server believes.

    ``client`` fetches key sets; it belongs to the caller, who closes it. What keeps keys from being
    had is told to ``health``, and why a token was refused to the log, without a word of it.
    """

    def __init__(
        self,
        settings: Sequence[IssuerSettings],
        clock: Clock,
        client: "httpx2.AsyncClient",
        *,
        limits: FetchLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        health: Health | None = None,
    ) -> None:
        check_issuers(settings)
        self._health = health or Health()
        self._sources: dict[str, KeySource] = {}
        self._unreachable: set[str] = set()
        for one in settings:
            if one.secret is None:
                self._sources[one.issuer] = KeySource(
                    one.jwks_url,
                    client,
                    limits,
                    monotonic,
                    issuer=one.issuer,
                    report=partial(self._note, one.issuer),
                )
        self._issuers = {
            one.issuer: _Issuer(one, clock, self._sources.get(one.issuer)) for one in settings
        }

    async def read(self, issuer: str, token: str) -> VerifiedSubject:
        """What the token proves; ``issuer`` is who it says it is of.

        Raises:
            TokenInvalid, TokenExpired
            IssuerUnreachable: the issuer's keys are not known and cannot be had.
        """
        known = self._issuers.get(issuer)
        if known is None:
            _log.info("a token of an issuer that is not set was refused")
            raise TokenInvalid
        try:
            return await known.read(token)
        except _NotBelieved as why:
            _log.info("a token of %s was refused: %s", known.name, why)
            raise TokenInvalid from None

    async def examine(self) -> Mapping[str, str]:
        """Fetch the keys that may be asked for again; by an issuer, why its cannot be had.

        `health` is told, too.
        """
        faults = {name: await source.refresh() for name, source in self._sources.items()}
        return {name: fault.reason for name, fault in faults.items() if fault is not None}

    async def check(self) -> None:
        """Return if the keys of all can be had.

        Raises:
            IssuerUnreachable: of one whose keys cannot be had.
        """
        for reason in (await self.examine()).values():
            raise IssuerUnreachable(reason)

    def _note(self, name: str, fault: IssuerUnreachable | None) -> None:
        if fault is not None:
            self._unreachable.add(name)
            self._health.failed(fault)
            return
        self._unreachable.discard(name)
        if not self._unreachable:
            self._health.well(ServerPart.ISSUER)


class _Issuer:
    def __init__(self, settings: IssuerSettings, clock: Clock, source: KeySource | None) -> None:
        self.name = settings.issuer
        self._audience = settings.audience
        self._clock = clock
        self._source = source
        self._secret = OctKey.import_key((settings.secret or "").encode()) if not source else None
        usual = ASYMMETRIC if source else frozenset({"HS256"})
        wanted = frozenset(settings.algorithms)
        if wanted & {"Ed25519", "EdDSA"}:
            wanted |= {"Ed25519", "EdDSA"}  # two names of one algorithm, of RFC 9864 and RFC 8037
        self._allowed = wanted or None
        self._registry = Registry(wanted or usual)
        self._possible = wanted or usual

    async def read(self, token: str) -> VerifiedSubject:
        face = unverified(token)
        if face.alg not in self._possible:
            known = face.alg if face.alg in ASYMMETRIC | SYMMETRIC else "another"
            raise _NotBelieved(f"it is signed with an algorithm that is not set ({known})")
        key = await self._key_for(face)
        try:
            payload = verified_payload(token, key, self._registry)
        except TokenInvalid:
            raise _NotBelieved("its signature is not of the key that it names") from None
        try:
            claims = msgspec.json.decode(payload, type=_IssuerClaims)
        except (ValueError, RecursionError):
            raise _NotBelieved("iss, aud, sub or exp is missing, or a claim is odd") from None
        return self._believed(claims, token)

    def _believed(self, claims: _IssuerClaims, token: str) -> VerifiedSubject:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self.name:
            raise _NotBelieved("it is of another issuer")
        if self._audience not in audiences:
            raise _NotBelieved("it is for another audience (aud)")
        if not 0 < len(claims.sub) <= MAX_SUBJECT_CHARS or "\0" in claims.sub:
            raise _NotBelieved("its subject (sub) is empty, odd or too long")
        try:
            expires_at = timely(self._clock.now(), exp=claims.exp, iat=claims.iat, nbf=claims.nbf)
        except TokenInvalid:
            raise _NotBelieved("it begins in the future (nbf, iat), or its exp is odd") from None
        except TokenExpired:
            _log.debug("a token of %s has expired", self.name)
            raise
        return _vouched(claims, token, expires_at)

    async def _key_for(self, face: UnverifiedToken) -> Key:
        if self._secret is not None:
            return self._secret
        assert self._source is not None  # noqa: S101 - one of the two is there
        key = fitting(await self._source.candidates(face.kid), face.alg, self._allowed)
        if key is None:
            raise _NotBelieved("no key of the issuer has the name (kid) and algorithm of it")
        return key


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
        email=None if claims.email_verified in _NOT_VERIFIED else _text(claims.email),
        full_name=_text(claims.name),
    )


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and len(claim) <= MAX_SUBJECT_CHARS else None
