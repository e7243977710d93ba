"""The people of every test, the conversation they meet in, a frozen clock, counting ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.messages.model import Draft, Message, Posted
from folkmoot.core.messages.posting import Posting
from folkmoot.core.messages.service import Messages
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.service import Social
from folkmoot.core.work import Storage, UnitOfWork

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAX_CHARS = 10_000


class FrozenClock:
    """Time that passes only when it is told to."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def pass_by(self, time: timedelta = timedelta(seconds=1)) -> datetime:
        self._now += time
        return self._now


class CountingIds:
    """Ids that count up; ``process`` keeps those of two processes apart."""

    def __init__(self, process: int = 0) -> None:
        self._process = process
        self._count = 0

    def uid(self) -> Uid:
        self._count += 1
        return Uid(f"00000000-0000-7000-{0x8000 + self._process:04x}-{self._count:012d}")

    def secret(self) -> str:
        self._count += 1
        return f"secret-number-{self._count:032d}"


@dataclass
class Cast:
    """Ana, who began the LOBBY, Bo, who is in it, and Cy, who knows nobody; and what they can do.

    Whatever they do is one unit of work each; ``events`` is what came of all of it.
    """

    storage: Storage
    clock: FrozenClock
    ids: CountingIds
    events: list[object]
    ana: Account
    bo: Account
    cy: Account
    lobby: Conversation

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.clock, self.ids)

    @property
    def social(self) -> Social:
        return Social(self.clock)

    @property
    def conversations(self) -> Conversations:
        return Conversations(self.clock, self.ids)

    @property
    def marks(self) -> Watermarks:
        return Watermarks(self.clock)

    @property
    def messages(self) -> Messages:
        return Messages(self.clock, max_chars=MAX_CHARS)

    @property
    def posting(self) -> Posting:
        return Posting(self.clock, self.ids)

    async def do(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What the service's ``act`` returns, done in one unit of work of its own."""

        async def job(work: UnitOfWork) -> tuple[Any, list[object]]:
            return await act(work, *arguments, **options), work.events

        result, events = await self.storage.write(job)
        self.events += events
        return result

    async def see(self, look: Callable[[UnitOfWork], Any]) -> Any:
        """What a reading job sees."""

        async def job(work: UnitOfWork) -> Any:
            return await look(work)

        return await self.storage.read(job)

    async def account(self, username: str, role: Role = Role.USER) -> Account:
        return await self.do(_added, self.accounts, username, role)

    def draft(self, author: Account, content: str, **options: Any) -> Draft:
        where = options.pop("where", self.lobby)
        return self.messages.draft(author.id, content, **options).to(where.id)

    async def post(self, *drafts: Draft) -> list[Posted | Refusal]:
        return await self.do(self.posting.post, drafts)

    async def say(self, author: Account, content: str, **options: Any) -> Message:
        """The message that the author posted in the LOBBY, or ``where``."""
        (answer,) = await self.post(self.draft(author, content, **options))
        if isinstance(answer, Refusal):
            raise answer
        return answer.message

    async def head(self, conversation_id: ConversationId | None = None) -> Conversation:
        number = conversation_id or self.lobby.id
        return (await self.see(lambda work: work.conversations.heads([number])))[number]

    async def members(self, conversation_id: ConversationId | None = None) -> Sequence[AccountId]:
        number = conversation_id or self.lobby.id
        found = await self.see(lambda work: work.conversations.members([number]))
        return [member.person.id for member in found[number]]

    async def timeline(self, after: int = 0, limit: int = 1000) -> Sequence[Any]:
        return await self.see(lambda work: work.timeline.after(self.lobby.id, after, limit=limit))


async def enter(storage: Storage) -> Cast:
    """The cast, entered into an empty storage."""
    clock, ids, events = FrozenClock(), CountingIds(), []

    async def job(work: UnitOfWork) -> tuple[list[Account], Conversation]:
        accounts = Accounts(clock, ids)
        people = [await _added(work, accounts, name) for name in ("ana", "bo", "cy")]
        lobby = await Conversations(clock, ids).start(
            work, people[0].id, [people[1].id], title="LOBBY"
        )
        return people, lobby

    (ana, bo, cy), lobby = await storage.write(job)
    return Cast(storage, clock, ids, events, ana, bo, cy, lobby)


async def _added(
    work: UnitOfWork, accounts: Accounts, username: str, role: Role = Role.USER
) -> Account:
    new = accounts.draft(
        username=username,
        email=f"{username}@example.com",
        full_name=username.title(),
        role=role,
        password_hash=f"hash of {username}",
    )
    return await work.accounts.add(new)
