"""Decisions about accounts and logins: who may be called what, and who still has a right."""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.core.accounts.errors import AccountInactive, LastAdmin, LoginRevoked, NoSuchAccount
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import (
    DELETED,
    Account,
    AccountChange,
    AccountName,
    Login,
    NewAccount,
    Role,
    checked_avatar,
    checked_email,
    checked_full_name,
    checked_username,
    username_key,
)
from folkmoot.core.accounts.store import AccountStores, AccountWork
from folkmoot.core.shared.ids import AccountId, Clock, Ids, Uid


class Accounts:
    """Who there is, and who may come in."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    def draft(
        self,
        *,
        username: str,
        email: str,
        full_name: str = "",
        role: Role = Role.USER,
        password_hash: str | None = None,
        issuer: str | None = None,
        subject: str | None = None,
    ) -> NewAccount:
        """An account that may be added; the names are checked before anybody hashes a password.

        Raises:
            Invalid: a name cannot be an account's.
        """
        return NewAccount(
            uid=self._ids.uid(),
            username=checked_username(username),
            email=checked_email(email),
            full_name=checked_full_name(full_name),
            role=role,
            created_at=self._clock.now(),
            password_hash=password_hash,
            issuer=issuer,
            subject=subject,
        )

    async def find(self, work: AccountStores, names: Sequence[AccountName]) -> list[Account]:
        """The accounts that the names mean, in their order.

        Raises:
            NoSuchAccount: the first name that means none.
        """
        found = await self.look_up(work, names)
        for name, account in zip(names, found, strict=True):
            if account is None:
                raise NoSuchAccount(account=name.value)
        return [account for account in found if account is not None]

    async def look_up(
        self, work: AccountStores, names: Sequence[AccountName]
    ) -> list[Account | None]:
        """The accounts that the names mean, in their order; ``None`` for a name that means none."""
        numbers = [AccountId(name.value) for name in names if isinstance(name.value, int)]
        uids = [name.uid for name in names if name.uid is not None]
        keys = [
            username_key(name.value)
            for name in names
            if isinstance(name.value, str) and name.uid is None
        ]
        by_id = await work.accounts.by_ids(numbers) if numbers else {}
        by_uid = await work.accounts.by_uids(uids) if uids else {}
        by_key = await work.accounts.by_usernames(keys) if keys else {}

        def meant(name: AccountName) -> Account | None:
            if isinstance(name.value, int):
                return by_id.get(AccountId(name.value))
            if name.uid is not None:
                return by_uid.get(name.uid)
            return by_key.get(username_key(name.value))

        return [meant(name) for name in names]

    async def named(self, work: AccountStores, name: int | str) -> Account:
        """The account that a number, a UUID or a username means.

        Raises:
            NoSuchAccount
        """
        return (await self.find(work, [AccountName(name)]))[0]

    async def change_profile(
        self,
        work: AccountWork,
        account_id: AccountId,
        *,
        full_name: str | None = None,
        avatar: str | None = None,
        email: str | None = None,
    ) -> Account:
        """The account after its owner changed how it is shown."""
        change = AccountChange(
            full_name=None if full_name is None else checked_full_name(full_name),
            avatar=None if avatar is None else checked_avatar(avatar),
            email=None if email is None else checked_email(email),
        )
        account = await work.accounts.change(account_id, change)
        work.record(AccountChanged(account.person))
        return account

    async def set_role(self, work: AccountWork, account_id: AccountId, role: Role) -> Account:
        """The account in its new role; its logins end, so that no token carries the old right."""
        if role is not Role.ADMIN:
            await self._spare_last_admin(work, account_id)
        account = await work.accounts.change(account_id, AccountChange(role=role))
        work.record(AccountChanged(account.person))
        await self.end_logins(work, account_id)
        return account

    async def deactivate(self, work: AccountWork, account_id: AccountId) -> Account:
        """The account, switched off: it can neither log in nor speak, and its logins end."""
        await self._spare_last_admin(work, account_id)
        account = await work.accounts.change(account_id, AccountChange(is_active=False))
        await self.end_logins(work, account_id)
        work.record(AccountDeactivated(account_id))
        return account

    async def activate(self, work: AccountWork, account_id: AccountId) -> Account:
        """The account, switched on again."""
        return await work.accounts.change(account_id, AccountChange(is_active=True))

    async def erase(self, work: AccountWork, account_id: AccountId) -> Account:
        """The account without anything that was its owner's; its names are free again."""
        nobody = f"{DELETED}{account_id}"
        change = AccountChange(
            username=nobody,
            full_name="Deleted account",
            avatar="",
            email=f"{nobody}@.invalid",
            role=Role.USER,
            is_active=False,
            password_hash="",
            subject=nobody,
        )
        account = await work.accounts.change(account_id, change)
        work.record(AccountChanged(account.person))
        return account

    async def set_email(self, work: AccountWork, account_id: AccountId, email: str) -> Account:
        """The account with an address that an operator vouches for.

        Raises:
            EmailInvalid, EmailTaken
        """
        change = AccountChange(email=checked_email(email))
        return await work.accounts.change(account_id, change)

    async def set_password(
        self,
        work: AccountWork,
        account_id: AccountId,
        password_hash: str,
        *,
        keep: Uid | None = None,
    ) -> None:
        """Store a new password; every login ends but ``keep``, the one that asked."""
        await work.accounts.change(account_id, AccountChange(password_hash=password_hash))
        await self.end_logins(work, account_id, keep=keep)

    async def start_login(
        self, work: AccountWork, account: Account, *, lasting: timedelta
    ) -> Login:
        """A new login of the account.

        Raises:
            AccountInactive: whichever contract asked.
        """
        if not account.is_active:
            raise AccountInactive
        now = self._clock.now()
        login = Login(self._ids.uid(), account.id, created_at=now, expires_at=now + lasting)
        await work.logins.add(login)
        return login

    async def end_logins(
        self, work: AccountWork, account_id: AccountId, *, keep: Uid | None = None
    ) -> None:
        """End all of the account's logins but ``keep``, and tell their connections."""
        now = self._clock.now()
        ended = [login.id for login in await work.logins.live_of(account_id, now)]
        await self.end_login(work, account_id, *(uid for uid in ended if uid != keep))

    async def end_login(self, work: AccountWork, account_id: AccountId, *login_ids: Uid) -> None:
        """End these logins, and tell their connections."""
        if login_ids:
            await work.logins.revoke(login_ids, self._clock.now())
            work.record(LoginsEnded(account_id, frozenset(login_ids)))

    async def holder(self, work: AccountWork, login_id: Uid) -> tuple[Account, Login]:
        """Whose login this is.

        Raises:
            AccountInactive: the account may do nothing any more, which also ended its logins.
            LoginRevoked: it was ended, or its time is over.
        """
        login = await work.logins.get(login_id)
        if login is None:
            raise LoginRevoked
        account = (await work.accounts.by_ids([login.account_id])).get(login.account_id)
        if account is None or not account.is_active:
            raise AccountInactive
        if login.revoked_at is not None or login.expires_at <= self._clock.now():
            raise LoginRevoked
        return account, login

    async def _spare_last_admin(self, work: AccountWork, account_id: AccountId) -> None:
        account = (await work.accounts.by_ids([account_id])).get(account_id)
        if account is None:
            raise NoSuchAccount(account=account_id)
        is_active_admin = account.role is Role.ADMIN and account.is_active
        if is_active_admin and await work.accounts.count(active_role=Role.ADMIN) <= 1:
            raise LastAdmin
