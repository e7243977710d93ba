"""What `folkmoot account` has done to accounts, and what it tells of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from folkmoot.auth.passwords import check_password
from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import Account, Login, Role
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.work import UnitOfWork
from folkmoot.server.wiring import Components

PAGE = 2000


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """What a command did, in one sentence for people, and as ``data`` for programs."""

    said: str
    data: Any = None


ControlCommand = Callable[..., Awaitable[ControlAnswer]]
"""Does something to a server's data. Its arguments are texts, by name."""
_Act = Callable[[UnitOfWork, AccountId], Awaitable[Account]]


async def create(
    components: Components, *, username: str, email: str, password: str, role: str, full_name: str
) -> ControlAnswer:
    """Make an account."""
    accounts = components.services.accounts
    draft = accounts.draft(username=username, email=email, full_name=full_name, role=Role(role))
    check_password(password, field="password", names=(username, email))
    new = replace(draft, password_hash=await components.passwords.hashed(password))
    account = await components.services.writer.write(lambda work: work.accounts.add(new))
    said = f"Made account {account.username} (number {account.id}, {account.role})."
    return ControlAnswer(said, shown(account))


async def change_role(components: Components, *, username: str, role: str) -> ControlAnswer:
    """Give an account another role; its logins end."""

    async def act(work: UnitOfWork, account_id: AccountId) -> Account:
        return await components.endings.set_role(work, account_id, Role(role))

    account = await _changed(components, username, act)
    return ControlAnswer(f"{account.username} is {role} now.", shown(account))


async def deactivate(components: Components, *, username: str) -> ControlAnswer:
    """Switch an account off; its logins end, and what it served waits for somebody else."""
    account = await _changed(components, username, components.endings.deactivate)
    return ControlAnswer(f"{account.username} is deactivated.", shown(account))


async def activate(components: Components, *, username: str) -> ControlAnswer:
    """Switch an account on again."""
    account = await _changed(components, username, components.endings.activate)
    return ControlAnswer(f"{account.username} is active.", shown(account))


async def delete(components: Components, *, username: str) -> ControlAnswer:
    """End an account for good."""
    account = await _changed(components, username, components.endings.delete)
    said = f"{username} is deleted; what it wrote is shown as by {account.username}."
    return ControlAnswer(said, shown(account))


async def change_email(components: Components, *, username: str, email: str) -> ControlAnswer:
    """Give an account another e-mail address, which the operator vouches for."""

    async def act(work: UnitOfWork, account_id: AccountId) -> Account:
        return await components.services.accounts.set_email(work, account_id, email)

    account = await _changed(components, username, act)
    return ControlAnswer(f"{account.username} has the address {account.email}.", shown(account))


async def change_password(components: Components, *, username: str, password: str) -> ControlAnswer:
    """Give an account another password; its logins end."""
    check_password(password, field="password", names=(username,))
    hashed = await components.passwords.hashed(password)
    accounts = components.services.accounts

    async def job(work: UnitOfWork) -> Account:
        found = await _named(components, work, username)
        await accounts.set_password(work, found.id, hashed)
        return found

    account = await components.services.writer.write(job)
    return ControlAnswer(f"{account.username} has another password.", shown(account))


async def listed(components: Components, *, after: str = "0", role: str = "") -> ControlAnswer:
    """A page of accounts, by their numbers."""
    wanted = Role(role) if role else None
    found = await components.services.storage.read(
        lambda work: work.accounts.listed(AccountId(int(after)), limit=PAGE, role=wanted)
    )
    return ControlAnswer(f"{len(found)} accounts", [shown(account) for account in found])


async def logins(components: Components, *, username: str) -> ControlAnswer:
    """Where an account is logged in."""
    account, found = await components.services.storage.read(
        lambda work: _logins_of(components, work, username)
    )
    told = [_login_shown(login) for login in found]
    return ControlAnswer(f"{account.username} has {len(found)} logins.", told)


async def end_logins(components: Components, *, username: str) -> ControlAnswer:
    """End all logins of an account; its sockets close."""

    async def job(work: UnitOfWork) -> tuple[Account, list[Login]]:
        account, found = await _logins_of(components, work, username)
        await components.services.accounts.end_logins(work, account.id)
        return account, found

    account, found = await components.services.writer.write(job)
    told = [_login_shown(login) for login in found]
    return ControlAnswer(f"{len(found)} logins of {account.username} ended.", told)


COMMANDS: Mapping[str, ControlCommand] = {
    "create": create,
    "role": change_role,
    "deactivate": deactivate,
    "activate": activate,
    "delete": delete,
    "email": change_email,
    "password": change_password,
    "list": listed,
    "logins": logins,
    "end_logins": end_logins,
}
NOTED: Mapping[str, str] = {
    "create": "account registered",
    "role": "role changed",
    "deactivate": "account deactivated",
    "activate": "account activated",
    "delete": "account deleted",
    "email": "e-mail address changed",
    "password": "password changed",
    "end_logins": "logins ended",
}
"""How a command is called in the audit trail; what only looks is not noted."""


def shown(account: Account) -> dict[str, Any]:
    """An account, for programs."""
    return {**asdict(account), "role": account.role.value, "is_deleted": account.is_deleted}


async def _changed(components: Components, username: str, act: _Act) -> Account:
    async def job(work: UnitOfWork) -> Account:
        return await act(work, (await _named(components, work, username)).id)

    return await components.services.writer.write(job)


async def _named(components: Components, work: UnitOfWork, username: str) -> Account:
    """The account of a name, unless it was deleted.

    Raises:
        NoSuchAccount
    """
    account = await components.services.accounts.named(work, username)
    if account.is_deleted:
        raise NoSuchAccount(account=username)
    return account


async def _logins_of(
    components: Components, work: UnitOfWork, username: str
) -> tuple[Account, list[Login]]:
    account = await _named(components, work, username)
    return account, await work.logins.live_of(account.id, components.services.clock.now())


def _login_shown(login: Login) -> dict[str, str | datetime]:
    return {"id": login.id, "created_at": login.created_at, "expires_at": login.expires_at}
