"""Coming in and going out: registering, logging in, refreshing, logging out, changing a password.

Passwords are hashed and secrets are made before a job begins, since a job awaits only stores and
may run twice. A job that may already have changed something reports; only afterwards is refused.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from folkmoot.auth.audit import Audit, NoAudit
from folkmoot.auth.authenticator import Caller, new_ticket
from folkmoot.auth.email_changes import SUBJECT, EmailTokens, Mailer, NoMailer, letter
from folkmoot.auth.errors import CurrentPasswordWrong
from folkmoot.auth.login_limits import LoginRateLimiter
from folkmoot.auth.passwords import Passwords, check_password
from folkmoot.auth.signing import digest
from folkmoot.auth.tokens import AccessTokens
from folkmoot.core.accounts.errors import (
    AccountInactive,
    LoginRevoked,
    TokenInvalid,
    WrongPassword,
)
from folkmoot.core.accounts.model import (
    Account,
    AccountChange,
    Login,
    checked_email,
    email_key,
    username_key,
)
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.shared.ids import Clock, Ids
from folkmoot.core.shared.refusals import Invalid, Refusal
from folkmoot.core.shared.texts import checked
from folkmoot.core.work import Storage, UnitOfWork, Write

MAX_NAME_CHARS: Final = 254
MAX_REFRESH_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a login lasts however often it is refreshed, and how long a ticket waits."""

    login: timedelta = timedelta(days=90)
    ticket: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds after coming in; ``expires_in`` (seconds) is the access token's."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A right to open one socket within ``expires_in`` seconds."""

    ticket: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The account after a change, and the address that waits to be confirmed, if any does."""

    account: Account
    pending_email: str | None = None


class _LoginOutcome(Enum):
    UNKNOWN = auto()
    REUSED = auto()
    ENDED = auto()
    INACTIVE = auto()


class Logins:
    """Where accounts are made and logins begin and end.

    ``address`` is always the peer's, as the server knows it. ``write`` announces what a job
    recorded, so that the sockets of an ended login close. ``audit`` hears of all of it.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        write: Write,
        accounts: Accounts,
        clock: Clock,
        ids: Ids,
        tokens: AccessTokens,
        passwords: Passwords,
        login_rates: LoginRateLimiter,
        email_tokens: EmailTokens,
        mailer: Mailer | None = None,
        lifetimes: Lifetimes | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._storage = storage
        self._write = write
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._passwords = passwords
        self._login_rates = login_rates
        self._email_tokens = email_tokens
        self._mailer = mailer or NoMailer()
        self._lifetimes = lifetimes or Lifetimes()
        self._audit = audit or NoAudit()

    async def register(
        self, *, username: str, email: str, password: str, full_name: str = "", address: str
    ) -> Account:
        """A new account of the least role.

        Raises:
            Invalid: a name cannot be an account's, or the password is too weak.
            UsernameTaken, EmailTaken, TooManyRequests
        """
        self._login_rates.register(address)
        draft = self._accounts.draft(username=username, email=email, full_name=full_name)
        check_password(password, field="password", names=(draft.username, draft.email))
        new = replace(draft, password_hash=await self._passwords.hashed(password))
        account = await self._write(lambda work: work.accounts.add(new))
        self._audit.note("account registered", account=account.username, address=address)
        return account

    async def login(self, *, name: str, password: str, address: str) -> TokenPair:
        """Keys for whoever knows the password of ``name``, a username or an e-mail address.

        An unknown name, an account without a password and a wrong password look the same and
        take as long.

        Raises:
            WrongPassword, AccountInactive, TooManyRequests
        """
        account, hashed = await self._storage.read(lambda work: _named(work, name))
        # By whichever of its names an account is meant, it is counted as one.
        who = name if account is None else account.id
        self._login_rates.login(who, address)
        # What is no account's name is not noted: it may be a password in the wrong field.
        known = None if account is None else account.username
        try:
            keys = await self._begun(account, hashed, password)
        except Refusal as refusal:
            self._audit.note("login failed", account=known, address=address, reason=refusal.code)
            if isinstance(refusal, WrongPassword):
                self._login_rates.failed(who)
            raise
        if account is not None:
            self._login_rates.succeeded(account.id, address)
        self._audit.note("login", account=known, address=address)
        return keys

    async def _begun(self, account: Account | None, hashed: str | None, password: str) -> TokenPair:
        if not await self._passwords.matches(password, hashed) or account is None:
            raise WrongPassword
        renewed = None
        if hashed is not None and self._passwords.is_outdated(hashed):
            renewed = await self._passwords.hashed(password)
        refresh_token = self._ids.secret()

        async def begin(work: UnitOfWork) -> tuple[Account, Login]:
            # While it was checked, the password may have been changed or the account switched off.
            if await work.accounts.password_hash(account.id) != hashed:
                raise WrongPassword
            present = (await work.accounts.by_ids([account.id]))[account.id]
            login = await self._accounts.start_login(work, present, lasting=self._lifetimes.login)
            await work.logins.add_refresh(digest(refresh_token), login.id)
            if renewed is not None:
                await work.accounts.change(account.id, AccountChange(password_hash=renewed))
            return present, login

        return self._keys(*await self._write(begin), refresh_token)

    async def refresh(self, refresh_token: str, *, address: str) -> TokenPair:
        """New keys for a refresh token, which is used up.

        A token that comes a second time was stolen, or its thief came first: the login ends for
        both of them.

        Raises:
            TokenInvalid, LoginRevoked, AccountInactive, TooManyRequests
        """
        self._login_rates.refresh(address)
        if not 0 < len(refresh_token) <= MAX_REFRESH_CHARS:
            raise TokenInvalid
        old, new_token = digest(refresh_token), self._ids.secret()
        now = self._clock.now()
        outcome = await self._write(lambda work: self._rotate(work, old, digest(new_token), now))
        if isinstance(outcome, _LoginOutcome):
            refusal = _refusal_of(outcome)
            is_theft = outcome is _LoginOutcome.REUSED
            what = "refresh token used twice, refused" if is_theft else "refresh refused"
            self._audit.note(what, address=address, reason=refusal.code)
            raise refusal
        return self._keys(*outcome, new_token)

    async def logout(self, caller: Caller) -> None:
        """End the login that asks; its sockets close."""
        account_id, login_id = caller.account.id, caller.login.id
        await self._write(lambda work: self._accounts.end_login(work, account_id, login_id))
        self._audit.note("logout", account=caller.account.username)

    async def logout_all(self, caller: Caller) -> None:
        """End every login of the account, the one that asks as well."""
        account_id = caller.account.id
        await self._write(lambda work: self._accounts.end_logins(work, account_id))
        self._audit.note("logout everywhere", account=caller.account.username)

    async def ticket(self, caller: Caller) -> Ticket:
        """A ticket with which one socket may be opened, with the right of the caller.

        Raises:
            TooManyRequests
        """
        self._login_rates.ticket(caller.account.id)
        ticket = new_ticket(self._ids.secret(), caller.expires_at)
        expires_at = self._clock.now() + self._lifetimes.ticket
        login_id = caller.login.id
        await self._write(lambda work: work.logins.add_ticket(digest(ticket), login_id, expires_at))
        return Ticket(ticket, int(self._lifetimes.ticket.total_seconds()))

    async def change_password(self, caller: Caller, *, current: str, new: str) -> None:
        """Give the account another password; every login but the one that asks ends.

        Raises:
            CurrentPasswordWrong, PasswordTooWeak, PasswordTooLong, TooManyRequests
        """
        account = caller.account
        self._login_rates.password(account.id)
        check_password(new, field="new_password", names=(account.username, account.email))
        present = await self._prove(account, current)
        hashed = await self._passwords.hashed(new)

        async def change(work: UnitOfWork) -> None:
            if await work.accounts.password_hash(account.id) != present:
                raise CurrentPasswordWrong(field="current_password")
            keep = caller.login.id
            await self._accounts.set_password(work, account.id, hashed, keep=keep)

        await self._write(change)
        self._audit.note("password changed", account=account.username)

    async def change_profile(
        self,
        caller: Caller,
        *,
        full_name: str | None = None,
        avatar: str | None = None,
        email: str | None = None,
        current_password: str | None = None,
    ) -> ProfileChange:
        """The account after its owner changed how it is shown; ``None`` leaves a field as it is.

        Another e-mail address asks for the password, and stays pending until it is confirmed from
        there. Whether somebody has it is not looked up: nobody learns that here.

        Raises:
            Invalid, CurrentPasswordWrong, TooManyRequests
        """
        account = caller.account
        wanted = None if email is None else checked_email(email)
        is_other = wanted is not None and email_key(wanted) != email_key(account.email)
        if is_other:
            self._login_rates.password(account.id)
            await self._prove(account, current_password or "")
        changed = await self._write(
            lambda work: self._accounts.change_profile(
                work,
                account.id,
                full_name=full_name,
                avatar=avatar,
                email=None if is_other else wanted,
            )
        )
        if not is_other or wanted is None:
            return ProfileChange(changed)
        token = self._email_tokens.issue(account, wanted)
        self._mailer.send(wanted, SUBJECT, letter(account, token))
        self._audit.note("e-mail change asked for", account=account.username)
        return ProfileChange(changed, wanted)

    async def confirm_email(self, token: str, *, address: str) -> Account:
        """The account with the address that the token was sent to.

        Raises:
            TokenInvalid, TokenExpired: or it was used, or the address has changed otherwise since.
            EmailTaken: said only to whom the address belongs.
            AccountInactive, TooManyRequests
        """
        self._login_rates.refresh(address)
        grant = self._email_tokens.read(token)

        async def change(work: UnitOfWork) -> Account:
            account = (await work.accounts.by_uids([grant.account_uid])).get(grant.account_uid)
            if account is None or email_key(account.email) != grant.old_key:
                raise TokenInvalid
            if not account.is_active:
                raise AccountInactive
            return await self._accounts.change_profile(work, account.id, email=grant.email)

        account = await self._write(change)
        self._audit.note("e-mail address changed", account=account.username, address=address)
        return account

    async def _prove(self, account: Account, password: str) -> str | None:
        """The hash of the account's password, which whoever asks has to know.

        Raises:
            CurrentPasswordWrong
        """
        present = await self._storage.read(lambda work: work.accounts.password_hash(account.id))
        if not await self._passwords.matches(password, present):
            self._audit.note("password check failed", account=account.username)
            raise CurrentPasswordWrong(field="current_password")
        return present

    def _keys(self, account: Account, login: Login, refresh_token: str) -> TokenPair:
        now = self._clock.now()
        token, expires_at = self._tokens.issue(account.uid, login)
        expires_in = int((expires_at - now).total_seconds())
        return TokenPair(token, refresh_token, expires_in)

    async def _rotate(
        self, work: UnitOfWork, old: bytes, new: bytes, now: datetime
    ) -> tuple[Account, Login] | _LoginOutcome:
        found = await work.logins.use_refresh(old, now)
        if found is None:
            return _LoginOutcome.UNKNOWN
        login, is_first_use = found
        if login.revoked_at is not None or login.expires_at <= now:
            return _LoginOutcome.ENDED
        if not is_first_use:
            await self._accounts.end_login(work, login.account_id, login.id)
            return _LoginOutcome.REUSED
        account = (await work.accounts.by_ids([login.account_id])).get(login.account_id)
        if account is None or not account.is_active:
            return _LoginOutcome.INACTIVE
        await work.logins.add_refresh(new, login.id)
        return account, login


async def _named(work: UnitOfWork, name: str) -> tuple[Account | None, str | None]:
    """The account of a username or e-mail address, and the hash of its password."""
    name = name.strip()
    if not _could_be_a_name(name):
        return None, None
    if "@" in name:
        account = await work.accounts.by_email(email_key(name))
    else:
        key = username_key(name)
        account = (await work.accounts.by_usernames([key])).get(key)
    return account, None if account is None else await work.accounts.password_hash(account.id)


def _could_be_a_name(name: str) -> bool:
    try:
        return 0 < len(checked(name, field="username")) <= MAX_NAME_CHARS
    except Invalid:
        return False


def _refusal_of(outcome: _LoginOutcome) -> Refusal:
    match outcome:
        case _LoginOutcome.UNKNOWN:
            return TokenInvalid()
        case _LoginOutcome.INACTIVE:
            return AccountInactive()
        case _LoginOutcome.REUSED | _LoginOutcome.ENDED:
            return LoginRevoked()
