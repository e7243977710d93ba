"""Changing an e-mail address: what is sent to the new one, and proves that it arrived there.

Nothing is kept of an address that was only asked for: the token says it all. It is good once, since
the address that it replaces must be the account's still.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, Protocol

import msgspec
from joserfc import jws
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from folkmoot.auth.jws import unverified, verified_payload
from folkmoot.auth.tokens import ALGORITHM, timely
from folkmoot.core.accounts.errors import TokenInvalid
from folkmoot.core.accounts.model import Account, email_key
from folkmoot.core.shared.ids import Clock, Uid

LIFE: Final = timedelta(hours=24)
SUBJECT: Final = "Confirm your e-mail address"


class Mailer(Protocol):
    """Sends letters; it never fails and is never waited for."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Have a letter sent, if letters can be sent at all."""
        ...


class NoMailer:
    """Sends nothing: an operator confirms addresses (`folkmoot account email`)."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True)
class EmailGrant:
    """What a proven token says: this account may have this address instead of its old one."""

    account_uid: Uid
    old_key: str
    email: str


class _EmailClaims(msgspec.Struct):
    iss: str
    sub: str
    old: str
    email: str
    exp: int
    typ: Literal["email"]


class EmailTokens:
    """JWTs for one change of an address, signed with this server's secret."""

    def __init__(self, secret: bytes, clock: Clock, *, issuer: str = "folkmoot") -> None:
        self._key = OctKey.import_key(secret)
        self._registry = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
        self._clock = clock
        self._issuer = issuer

    def issue(self, account: Account, email: str) -> str:
        """A token for the account to have this address."""
        claims = _EmailClaims(
            iss=self._issuer,
            sub=account.uid,
            old=email_key(account.email),
            email=email,
            exp=int((self._clock.now() + LIFE).timestamp()),
            typ="email",
        )
        header = {"alg": ALGORITHM, "typ": "JWT"}
        payload = msgspec.json.encode(claims)
        return jws.serialize_compact(header, payload, self._key, registry=self._registry)

    def read(self, token: str) -> EmailGrant:
        """What the token grants.

        Raises:
            TokenInvalid: it was not issued here, was altered, or is of another kind.
            TokenExpired
        """
        if unverified(token).alg != ALGORITHM:
            raise TokenInvalid
        payload = verified_payload(token, self._key, self._registry)
        try:
            claims = msgspec.json.decode(payload, type=_EmailClaims)
        except (ValueError, RecursionError):
            raise TokenInvalid from None
        if claims.iss != self._issuer:
            raise TokenInvalid
        timely(self._clock.now(), exp=claims.exp, iat=None, nbf=None)
        return EmailGrant(Uid(claims.sub), claims.old, claims.email)


def letter(account: Account, token: str) -> str:
    """What is written to the new address."""
    return (
        f"The account {account.username} wants to have this e-mail address. If you want that too,\n"
        "confirm it within a day with this token (POST /auth/email):\n\n"
        f"{token}\n\n"
        "If you know nothing of this, do nothing: nothing changes then.\n"
    )
