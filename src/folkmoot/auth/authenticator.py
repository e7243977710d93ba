"""Who is asking? Every request and every socket passes here, however it shows its right."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from folkmoot.auth.credentials import Credentials, credentials_of, normal_origin
from folkmoot.auth.external_accounts import ExternalAccounts
from folkmoot.auth.issuers import Issuers, VerifiedSubject
from folkmoot.auth.jws import unverified
from folkmoot.auth.signing import digest
from folkmoot.auth.tokens import AccessTokens
from folkmoot.core.accounts.errors import (
    AccountInactive,
    LoginRevoked,
    OriginNotAllowed,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from folkmoot.core.accounts.model import Account, Login
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.shared.ids import Clock, Uid
from folkmoot.core.work import Storage, UnitOfWork, Write

__all__ = ["Authenticator", "Caller", "Credentials", "Origins", "credentials_of"]

_TICKET = re.compile(r"[A-Za-z0-9_-]{16,128}\.[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, through which login, and when this right ends by itself."""

    account: Account
    login: Login
    expires_at: datetime


class Origins:
    """Which browser pages may ask.

    A cookie proves only that its owner's browser asks, not that its owner does: with one, a page
    of the same origin or of a listed one may ask, no other, and ``*`` does not change that. A
    socket that shows a token or ticket has proven itself, wherever its page comes from, so
    programs opened from a file or a development server work; but where origins are listed (and
    ``*`` is not among them), that list and the same origin hold for these too.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allow_all = "*" in allowed
        self._allowed = frozenset(normal_origin(one) for one in allowed if one != "*") - {"null"}

    def are_own(self, credentials: Credentials) -> bool:
        """Whether the request comes from a page of the same or of a listed origin."""
        origin = credentials.origin
        if origin is None or origin == "null":
            return False
        return origin == credentials.own_origin or origin in self._allowed

    def check_cookie(self, credentials: Credentials) -> None:
        """Return if a cookie may count for this request.

        Raises:
            OriginNotAllowed: another page asks, or one that does not say where it comes from
                wants something done.
        """
        if credentials.origin is None and not credentials.needs_origin:
            return
        if not self.are_own(credentials):
            raise OriginNotAllowed

    def check_token(self, credentials: Credentials) -> None:
        """Return if a token or ticket may count for this request.

        Raises:
            OriginNotAllowed: a socket from an origin that is not on the list.
        """
        listed_only = bool(self._allowed) and not self._allow_all
        if not credentials.is_socket or credentials.origin is None or not listed_only:
            return
        if not self.are_own(credentials):
            raise OriginNotAllowed


class Authenticator:
    """Tells who is asking, or refuses. One read of the storage a request, no write but the first.

    Tokens of ``issuers`` count too; the first of a subject makes its account, and the first sight
    of each token makes it a login, so that it can be revoked like our own.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        write: Write,
        accounts: Accounts,
        clock: Clock,
        tokens: AccessTokens,
        origins: Origins | None = None,
        issuers: Issuers | None = None,
        external_accounts: ExternalAccounts | None = None,
    ) -> None:
        self._storage = storage
        self._write = write
        self._accounts = accounts
        self._clock = clock
        self._tokens = tokens
        self.origins = origins or Origins()
        self._issuers = issuers
        self._external_accounts = external_accounts or ExternalAccounts(accounts)

    async def prepare(self) -> None:
        """Have the keys of outside issuers, or the reason in the log, before anybody needs them."""
        if self._issuers is not None:
            await self._issuers.examine()

    async def caller(self, credentials: Credentials) -> Caller:
        """Who is asking. A ticket counts before a token, and both before a cookie.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired, LoginRevoked, AccountInactive
            OriginNotAllowed: see `Origins`.
            Unavailable: nobody can tell right now.
        """
        if credentials.ticket is not None:
            self.origins.check_token(credentials)
            return await self._by_ticket(credentials.ticket, credentials.token)
        if credentials.token is not None:
            self.origins.check_token(credentials)
            return await self._by_token(credentials.token)
        if credentials.cookie is not None:
            self.origins.check_cookie(credentials)
            return await self._by_token(credentials.cookie)
        raise TokenMissing

    async def _by_token(self, token: str) -> Caller:
        issuer = unverified(token).issuer
        if issuer != self._tokens.issuer:
            return await self._by_outside_token(issuer, token)
        grant = self._tokens.read(token)
        account, login = await self._holder(grant.login_id)
        if account.uid != grant.account_uid:
            raise TokenInvalid
        return Caller(account, login, min(grant.expires_at, login.expires_at))

    async def _holder(self, login_id: Uid) -> tuple[Account, Login]:
        async def job(work: UnitOfWork) -> tuple[Account, Login]:
            return await self._accounts.holder(work, login_id)

        return await self._storage.read(job)

    async def _by_outside_token(self, issuer: str | None, token: str) -> Caller:
        if self._issuers is None or issuer is None:
            raise TokenInvalid
        verified = await self._issuers.read(issuer, token)
        known = await self._storage.read(lambda work: _seen(work, verified.login_id))
        if known is None:
            now = self._clock.now()
            known = await self._write(
                lambda work: self._external_accounts.admit(work, verified, now)
            )
        return _standing(known, verified)

    async def _by_ticket(self, ticket: str, token: str | None) -> Caller:
        # Taking a ticket is a write: what cannot be one shall not cost any.
        if not _TICKET.fullmatch(ticket):
            raise TokenInvalid
        owner = None if token is None else await self._by_token(token)
        now = self._clock.now()
        taken = await self._write(lambda work: _take(work, ticket, now))
        if taken is None:
            raise TokenInvalid
        account, login = taken
        if owner is not None and owner.account.id != account.id:
            raise TokenInvalid
        if not account.is_active:
            raise AccountInactive
        if login.revoked_at is not None or login.expires_at <= now:
            raise LoginRevoked
        expires_at = min(ticket_right(ticket), login.expires_at)
        if expires_at <= now:
            raise TokenExpired
        return Caller(account, login, expires_at)


def _standing(known: tuple[Account, Login], verified: VerifiedSubject) -> Caller:
    account, login = known
    if not account.is_active:
        raise AccountInactive
    if login.revoked_at is not None:
        raise LoginRevoked
    return Caller(account, login, min(verified.expires_at, login.expires_at))


def new_ticket(secret: str, right: datetime) -> str:
    """A ticket that carries when the right of who asked for it ends.

    It is stored as one digest, so nobody can give themselves more time than they had.
    """
    return f"{secret}.{int(right.timestamp())}"


def ticket_right(ticket: str) -> datetime:
    """When the right of who asked for this ticket ends; only for tickets known to be ours."""
    return datetime.fromtimestamp(int(ticket.rpartition(".")[2]), UTC)


async def _seen(work: UnitOfWork, login_id: Uid) -> tuple[Account, Login] | None:
    login = await work.logins.get(login_id)
    if login is None:
        return None
    account = (await work.accounts.by_ids([login.account_id])).get(login.account_id)
    return None if account is None else (account, login)


async def _take(work: UnitOfWork, ticket: str, now: datetime) -> tuple[Account, Login] | None:
    # Refusing is left to the caller: a job that has changed something reports.
    login = await work.logins.take_ticket(digest(ticket), now)
    return None if login is None else await _seen(work, login.id)
