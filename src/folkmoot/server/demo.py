"""Demo data: a few accounts, two conversations, some words in them. Its passwords are public."""

from dataclasses import dataclass

from folkmoot.auth.passwords import Passwords
from folkmoot.core.accounts.model import Account, NewAccount, Role, username_key
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.services import Services
from folkmoot.server.errors import StartRefused


@dataclass(frozen=True, slots=True)
class _Cast:
    username: str
    full_name: str
    password: str
    role: Role


CAST = (
    _Cast("testuser", "Test User", "TestPassword123", Role.USER),
    _Cast("alice", "Alice Example", "TestPassword123", Role.USER),
    _Cast("admin", "Ada Admin", "AdminPassword123", Role.ADMIN),
    _Cast("agent", "Agnes Agent", "AgentPassword123", Role.AGENT),
    _Cast("analyst", "Anton Analyst", "AnalystPassword123", Role.ANALYST),
)
_WORDS = (
    ("alice", "Hi! Is this the chat that survives a power cut?"),
    ("testuser", "So they say. Pull the plug, if you like."),
    ("alice", "Later. First tell me where lunch is."),
)
_QUESTION = "My parcel says delivered, but it is not here. Can you have a look?"


async def fill(services: Services, passwords: Passwords) -> bool:
    """Fill an empty database; whether it was empty. One that was filled before is left alone.

    Raises:
        StartRefused: there are accounts that are not the demo's.
    """
    keys = [username_key(one.username) for one in CAST]

    async def look(work: UnitOfWork) -> tuple[int, int]:
        return await work.accounts.count(), len(await work.accounts.by_usernames(keys))

    count, known = await services.storage.read(look)
    if known == len(CAST):
        return False
    if count:
        raise StartRefused(
            "The database has accounts of its own, and --demo would add ones whose passwords are "
            "public: start without --demo, or with another --data folder."
        )
    hashes = {one.password: await passwords.hashed(one.password) for one in CAST}
    drafts = [_draft(services, one, hashes[one.password]) for one in CAST]

    async def job(work: UnitOfWork) -> list[Account]:
        return [await work.accounts.add(draft) for draft in drafts]

    accounts = {one.username: one for one in await services.writer.write(job)}
    await _converse(services, accounts)
    await _befriend(services, accounts)
    await _ask_the_desk(services, accounts["testuser"])
    return True


def _draft(services: Services, one: _Cast, password_hash: str) -> NewAccount:
    return services.accounts.draft(
        username=one.username,
        email=f"{one.username}@example.com",
        full_name=one.full_name,
        role=one.role,
        password_hash=password_hash,
    )


async def _converse(services: Services, accounts: dict[str, Account]) -> None:
    async def start(work: UnitOfWork) -> None:
        await services.conversations.start(
            work, accounts["testuser"].id, [accounts["alice"].id], title="Welcome"
        )

    await services.writer.write(start)
    conversation_id = await services.storage.read(
        lambda work: work.views.conversations_of(accounts["testuser"].id)
    )
    for username, words in _WORDS:
        draft = services.messages.draft(accounts[username].id, words).to(conversation_id[0])
        await services.writer.post(draft)


async def _befriend(services: Services, accounts: dict[str, Account]) -> None:
    async def befriend(work: UnitOfWork) -> None:
        one, other = accounts["testuser"].id, accounts["alice"].id
        request = await services.friends.request(work, other, one)
        await services.friends.accept(work, one, request.id)

    await services.writer.write(befriend)


async def _ask_the_desk(services: Services, customer: Account) -> None:
    async def start(work: UnitOfWork) -> ConversationId:
        return (await services.desks.open(work, customer, title="Where is my parcel?")).id

    session = await services.writer.write(start)
    await services.writer.post(services.messages.draft(customer.id, _QUESTION).to(session))
