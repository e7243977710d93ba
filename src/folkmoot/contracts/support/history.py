"""All of a customer's sessions as one thread: which messages make up a page of it.

The order is that of the messages' numbers, which is that of their storing, whatever session each
is in. A session is opened only when the walk comes to its time.
"""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from folkmoot.core.accounts.model import Person
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation, DeskFilter, Member
from folkmoot.core.conversations.sight import sight_of
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.core.work import UnitOfWork

STRIDE = 100
MAX_SESSIONS = 1000


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Which stretch of a thread is asked for.

    ``before_seq`` and ``after_seq`` are places in ``session``; without one, in the youngest
    that reaches before the one, or the oldest that has come as far as the other.
    """

    limit: int
    offset: int = 0
    before_seq: int | None = None
    after_seq: int | None = None
    session: Uid | None = None

    @property
    def is_forward(self) -> bool:
        """Whether it is read from the old to the new."""
        return self.after_seq is not None and self.before_seq is None


@dataclass(frozen=True, slots=True)
class Found:
    """A page, oldest first, and who has read its sessions how far."""

    messages: list[Message]
    members: dict[ConversationId, list[Member]]

    def is_read(self, message: Message, customer: AccountId) -> bool:
        """Whether the other side has read a message."""
        return any(
            member.read_seq >= message.seq
            for member in self.members.get(message.conversation_id, ())
            if (member.person.id == customer) != (message.author_id == customer)
        )


async def page_of(
    work: UnitOfWork, viewer: AccountId, customer: Person, passage: HistoryPage, *, direction: str
) -> Found:
    """A page of the customer's thread; ``direction`` is as the desk sees it."""
    found = await work.desks.listed(DeskFilter(owner=customer.id), Slice(MAX_SESSIONS))
    heads = list((await work.conversations.heads(found)).values())
    blocked = await work.social.blocked_by(viewer)
    walk = _Walk(work, heads, passage, blocked)
    messages: list[Message] = []
    skip = 0 if passage.before_seq is not None or passage.is_forward else passage.offset
    await walk.begin()
    while len(messages) < passage.limit and (message := await walk.next_message()) is not None:
        is_inbound = message.author_id == customer.id
        if direction != "both" and is_inbound != (direction == "inbound"):
            continue
        if skip:
            skip -= 1
            continue
        messages.append(message)
    conversation_ids = {message.conversation_id for message in messages}
    members = await work.conversations.members(conversation_ids) if conversation_ids else {}
    sight = await sight_of(work, viewer)
    members = {key: sight.of_all(group) for key, group in members.items()}
    return Found(messages if passage.is_forward else messages[::-1], members)


@dataclass(order=True, slots=True)
class _Stretch:
    """What was read of one session and not given yet, by the number of the next message."""

    key: int
    head: Conversation = field(compare=False)
    messages: list[Message] = field(compare=False)
    is_all: bool = field(compare=False)


class _Walk:
    """From message to message through all sessions, to the old or to the new."""

    def __init__(
        self,
        work: UnitOfWork,
        heads: Sequence[Conversation],
        passage: HistoryPage,
        blocked: Collection[AccountId],
    ) -> None:
        self._work = work
        self._forward = passage.is_forward
        self._blocked = blocked
        self._first = _session_meant(heads, passage)
        self._edge = passage.after_seq if self._forward else passage.before_seq
        # Next is always the last of these.
        self._ahead = sorted(heads, key=self._time, reverse=self._forward)
        self._open: list[_Stretch] = []
        self._bound: int | None = None

    def _time(self, head: Conversation) -> tuple[object, ...]:
        at = head.created_at if self._forward else head.last_activity_at
        return at, head.id

    async def begin(self) -> None:
        """Stand where the passage begins."""
        if self._edge is not None and self._first is not None:
            self._ahead.remove(self._first)
            await self._find_bound(self._first, self._edge)
            await self._enter(self._first, self._edge)

    async def next_message(self) -> Message | None:
        """The next message, or None where there is none left."""
        while await self._come_near():
            stretch = heapq.heappop(self._open)
            message = stretch.messages.pop()
            await self._go_on(stretch, message.seq)
            if not self._is_past(message):
                return message
        return None

    def _is_past(self, message: Message) -> bool:
        """Whether a message of another session lies on the far side of where the walk began."""
        if self._bound is None:
            return False
        return message.id <= self._bound if self._forward else message.id >= self._bound

    async def _find_bound(self, head: Conversation, edge: int) -> None:
        """The number of the message at the edge, or of its neighbour outside the page."""
        outside = Page(1, before_seq=edge + 1) if self._forward else Page(1, after_seq=edge - 1)
        page = await self._work.views.page(head.id, outside)
        self._bound = page[0].id if page else None

    async def _come_near(self) -> bool:
        """Open every session that the next message may be in; whether there is a next one."""
        while self._ahead:
            head = self._ahead[-1]
            if self._open and not self._reaches(head, self._open[0].messages[-1]):
                break
            self._ahead.pop()
            await self._enter(head, None)
        return bool(self._open)

    def _reaches(self, head: Conversation, message: Message) -> bool:
        if self._forward:
            return head.created_at <= message.created_at
        return head.last_activity_at >= message.created_at

    async def _enter(self, head: Conversation, edge: int | None) -> None:
        page = await self._read(head, edge)
        if page:
            self._push(head, page)

    async def _go_on(self, stretch: _Stretch, seq: int) -> None:
        if stretch.messages:
            stretch.key = self._key(stretch.messages[-1])
            heapq.heappush(self._open, stretch)
        elif not stretch.is_all:
            await self._enter(stretch.head, seq)

    async def _read(self, head: Conversation, edge: int | None) -> list[Message]:
        """The next messages of one session, in the reverse of the order of the walk."""
        page = Page(STRIDE, before_seq=edge)
        if self._forward:
            page = Page(STRIDE, after_seq=edge or 0)
        hidden = hidden_authors(head, self._blocked)
        messages = await self._work.views.page(head.id, page, hidden=hidden)
        return messages[::-1] if self._forward else messages

    def _push(self, head: Conversation, messages: list[Message]) -> None:
        is_all = len(messages) < STRIDE
        heapq.heappush(self._open, _Stretch(self._key(messages[-1]), head, messages, is_all=is_all))

    def _key(self, message: Message) -> int:
        return message.id if self._forward else -message.id


def _session_meant(heads: Sequence[Conversation], passage: HistoryPage) -> Conversation | None:
    thread = sorted(heads, key=lambda head: head.id)
    named = [head for head in thread if head.uid == passage.session]
    if named or not thread:
        return named[0] if named else None
    if passage.is_forward:
        reached = [head for head in thread if head.last_seq >= (passage.after_seq or 0)]
        return (reached or thread[-1:])[0]
    return thread[-1]
