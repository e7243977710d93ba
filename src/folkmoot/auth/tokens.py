"""Access tokens: made and read here, and nowhere else understood."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from joserfc import jws
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from folkmoot.auth.jws import unverified, verified_payload
from folkmoot.core.accounts.errors import TokenExpired, TokenInvalid
from folkmoot.core.accounts.model import Login
from folkmoot.core.shared.ids import Clock, Uid

ALGORITHM: Final = "HS256"
LEEWAY_SECONDS: Final = 60
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999, where datetimes end


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a proven token says: this account, through this login, until then."""

    account_uid: Uid
    login_id: Uid
    expires_at: datetime


class _AccessClaims(msgspec.Struct, omit_defaults=True):
    iss: str
    aud: str
    sub: str
    lid: str
    iat: int
    exp: int
    typ: Literal["access"]
    nbf: int | None = None


class AccessTokens:
    """JWTs signed with this server's secret; only ``HS256``, whatever their header says.

    ``life`` is how long one is good for, never longer than its login.
    """

    def __init__(
        self,
        secret: bytes,
        clock: Clock,
        *,
        issuer: str = "folkmoot",
        audience: str = "folkmoot",
        life: timedelta = timedelta(minutes=3000),
    ) -> None:
        self.issuer = issuer
        self._audience = audience
        self._key = OctKey.import_key(secret)
        self._registry = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
        self._clock = clock
        self._life = life

    def issue(self, account_uid: Uid, login: Login) -> tuple[str, datetime]:
        """A token for the login, and when it expires."""
        now = self._clock.now()
        expires_at = _full_second(min(now + self._life, login.expires_at))
        claims = _AccessClaims(
            iss=self.issuer,
            aud=self._audience,
            sub=account_uid,
            lid=login.id,
            iat=int(now.timestamp()),
            exp=int(expires_at.timestamp()),
            typ="access",
        )
        payload = msgspec.json.encode(claims)
        header = {"alg": ALGORITHM, "typ": "JWT"}
        return jws.serialize_compact(
            header, payload, self._key, registry=self._registry
        ), expires_at

    def read(self, token: str) -> AccessGrant:
        """What the token grants.

        Raises:
            TokenInvalid: it was not issued here, was altered, or is of another kind.
            TokenExpired: it was good once.
        """
        face = unverified(token)
        if face.alg != ALGORITHM:
            raise TokenInvalid
        payload = verified_payload(token, self._key, self._registry)
        try:
            claims = msgspec.json.decode(payload, type=_AccessClaims)
        except (ValueError, RecursionError):
            raise TokenInvalid from None
        if claims.iss != self.issuer or claims.aud != self._audience:
            raise TokenInvalid
        expires_at = timely(self._clock.now(), exp=claims.exp, iat=claims.iat, nbf=claims.nbf)
        return AccessGrant(Uid(claims.sub), Uid(claims.lid), expires_at)


def _full_second(at: datetime) -> datetime:
    """The first full second that is not before: a token lasts no less than was promised."""
    return at.replace(microsecond=0) + timedelta(seconds=1 if at.microsecond else 0)


def timely(now: datetime, *, exp: float, iat: float | None, nbf: float | None) -> datetime:
    """When a token expires that is good now. Seconds may have a fraction (RFC 7519, 2).

    Clocks may differ by `LEEWAY_SECONDS` about when a token began, by nothing about its end.

    Raises:
        TokenExpired, TokenInvalid: it is not good now.
    """
    second = now.timestamp()
    begins = max(claim for claim in (0, iat, nbf) if claim is not None)
    if begins > second + LEEWAY_SECONDS or not 0 < exp <= _LAST_SECOND:
        raise TokenInvalid
    if exp <= second:
        raise TokenExpired
    return datetime.fromtimestamp(exp, UTC)
