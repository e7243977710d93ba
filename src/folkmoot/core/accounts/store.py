"""The ports to stored accounts and logins."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from folkmoot.core.accounts.events import LoginEvent
from folkmoot.core.accounts.model import Account, AccountChange, Login, NewAccount, Role
from folkmoot.core.shared.ids import AccountId, Uid


class AccountStore(Protocol):
    """Accounts within one unit of work. Usernames and e-mail addresses are unique by their keys."""

    async def add(self, new: NewAccount) -> Account:
        """The account as stored, its number given.

        Raises:
            UsernameTaken, EmailTaken: another account has the name in some spelling, even if it
                was added at the same moment.
        """
        ...

    async def by_ids(self, ids: Collection[AccountId]) -> dict[AccountId, Account]:
        """Those that exist, active or not."""
        ...

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Account]:
        """Those that exist, active or not."""
        ...

    async def by_usernames(self, keys: Collection[str]) -> dict[str, Account]:
        """Those that exist, by `username_key`."""
        ...

    async def by_email(self, key: str) -> Account | None:
        """The account with this `email_key`."""
        ...

    async def by_subject(self, issuer: str, subject: str) -> Account | None:
        """The account that an outside issuer knows by this subject."""
        ...

    async def change(self, account_id: AccountId, change: AccountChange) -> Account:
        """The account after the change.

        Raises:
            NoSuchAccount, EmailTaken
        """
        ...

    async def password_hash(self, account_id: AccountId) -> str | None:
        """The hash to check a password against; ``None`` when the account has no password."""
        ...

    async def listed(
        self, after: AccountId, *, limit: int, role: Role | None = None
    ) -> list[Account]:
        """Accounts by their numbers, from the one after ``after`` on, all or those of a role."""
        ...

    async def count(self, *, active_role: Role | None = None) -> int:
        """How many accounts there are, or how many active ones of a role."""
        ...

    async def hold(self, account_id: AccountId) -> None:
        """Have units of work that hold the same account wait until this one ends.

        To be asked before what the account has is counted, where it may have only so many.
        """
        ...


class LoginStore(Protocol):
    """Logins, their refresh tokens and tickets, within one unit of work.

    Secrets come as SHA-256 digests: whoever reads the database cannot use what stands there.
    """

    async def add(self, login: Login) -> None:
        """Remember a new login."""
        ...

    async def get(self, login_id: Uid) -> Login | None:
        """The login, revoked or not."""
        ...

    async def revoke(self, login_ids: Collection[Uid], at: datetime) -> None:
        """End logins; those already ended keep their time."""
        ...

    async def live_of(self, account_id: AccountId, at: datetime) -> list[Login]:
        """The account's logins that are neither revoked nor expired at that time."""
        ...

    async def add_refresh(self, digest: bytes, login_id: Uid) -> None:
        """Remember a refresh token of a login."""
        ...

    async def use_refresh(self, digest: bytes, at: datetime) -> tuple[Login, bool] | None:
        """The login of a refresh token, and whether this is its first use. ``None``: unknown."""
        ...

    async def add_ticket(self, digest: bytes, login_id: Uid, expires_at: datetime) -> None:
        """Remember a one-use ticket of a login."""
        ...

    async def take_ticket(self, digest: bytes, at: datetime) -> Login | None:
        """The login of a ticket that has not expired; the ticket is gone after this."""
        ...

    async def forget_ended(self, before: datetime) -> int:
        """Delete tickets, and logins with all their tokens, that expired before that time.

        A login that was revoked stays until then, or its token would be good for a new one."""
        ...


class AccountStores(Protocol):
    """The accounts, as a unit of work sees them."""

    @property
    def accounts(self) -> AccountStore:
        """The accounts."""
        ...


class AccountWork(AccountStores, Protocol):
    """What deciding about accounts needs of a unit of work."""

    @property
    def logins(self) -> LoginStore:
        """Their logins."""
        ...

    def record(self, event: LoginEvent) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...
