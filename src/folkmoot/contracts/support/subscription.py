"""One connection in one customer's thread: how it comes to listen, and what it is sent first.

Everything that happens is held back, what is stored after the client's position is read from all
sessions and sent in the order of its time, then what was held; from there on it is live.

Staff hear of those whom they serve from CONNECT on, before they can join a room and say how far
they had got in it. What they were told in between is left out of what they then get.
"""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.cursor import cursor_of
from folkmoot.contracts.support.outlet import SocketOutlet
from folkmoot.contracts.support.threads import ThreadRegistry
from folkmoot.contracts.support.wire_format import SupportWireFormat
from folkmoot.core.accounts.model import Person
from folkmoot.core.audience import about, hears, hidden_authors
from folkmoot.core.conversations.events import DeliveredMoved, Durable, ReadMoved
from folkmoot.core.conversations.model import Conversation, DeskFilter, ReadMark
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Slice
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.subscription import PAGE, Receipt, Snapshot, Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services

MAX_SESSIONS = 200
"""Of a thread with more sessions the longest unused are in history only."""

Since = Callable[[Sequence[Conversation]], dict[ConversationId, int]]
"""From where each session is to be shown; those left out are shown from now on."""
_Positions = dict[ConversationId, int]


def now_on(_heads: Sequence[Conversation]) -> dict[ConversationId, int]:
    """Nothing of what was."""
    return {}


async def sessions_of(work: UnitOfWork, customer: Person) -> list[Conversation]:
    """The customer's sessions, the least recently used first."""
    found = await work.desks.listed(DeskFilter(owner=customer.id), Slice(MAX_SESSIONS))
    heads = await work.conversations.heads(found)
    return [heads[number] for number in reversed(found)]


async def handed_to(work: UnitOfWork, customer: Person) -> dict[ConversationId, int]:
    """How far the customer was handed each of their sessions."""
    heads = await sessions_of(work, customer)
    mine = await work.conversations.memberships([(head.id, customer.id) for head in heads])
    return {
        head.id: mine[head.id, customer.id].delivered_seq
        for head in heads
        if (head.id, customer.id) in mine
    }


@dataclass(slots=True, kw_only=True)
class _SupportSnapshot(Snapshot):
    """What is stored when a connection begins to listen, and what its account is handed by it."""

    handed: list[Conversation]


@dataclass(order=True, slots=True)
class _Stream:
    """What is left to show of one session, ordered by the time of the next event."""

    key: tuple[object, ...]
    conversation_id: ConversationId = field(compare=False)
    events: list[TimelineEvent] = field(compare=False)
    is_all: bool = field(compare=False)


class SupportSubscription:
    """One connection in one thread, from when it joins to when it leaves."""

    def __init__(
        self,
        services: Services,
        threads: ThreadRegistry,
        wire_format: SupportWireFormat,
        connection: Connection,
        outlet: SocketOutlet,
        customer: Person,
        on_turn: Callable[[], None],
    ) -> None:
        self._services = services
        self._threads = threads
        self._wire_format = wire_format
        self._connection = connection
        self._outlet = outlet
        self._on_turn = on_turn
        self.thread = threads.enter(customer, self)
        self._subscription: Subscription | None = None
        self._shown: dict[ConversationId, int] = {}
        """Where each session stands by what was shown: the cursor of what is shown next."""
        self._cursors: dict[ConversationId, int] = {}
        self._begun: set[ConversationId] = set()
        self._is_asked_for = False
        self._first: dict[ConversationId, int] = {}
        """From where on each session was told to a client that had not asked for the thread."""
        self._heard: dict[ConversationId, range] = {}
        """What it was told so, and does not miss now that it asks."""
        self._waited: dict[ConversationId, int] = {}
        """Up to where of each session only what waited for the account is shown."""
        self._sent_unasked: dict[ConversationId, set[int]] = {}
        """What of it was shown, and is left out when the client then asks for what it missed."""
        self._sent_before: dict[ConversationId, set[int]] = {}
        self._count = 0

    @property
    def account_id(self) -> AccountId:
        """Whose connection it is."""
        return self._connection.person.id

    # -- what the thread says ------------------------------------------------------------------

    def begin(self, head: Conversation, members: Collection[AccountId]) -> None:
        """Listen to a session that has just begun."""
        self._note_first({head.id: 0})
        if self._subscription is None:
            is_member = self.account_id in members
            self._services.hub.join(self._connection, head, is_member=is_member)
        elif head.id not in self._subscription.held:
            self._begun.add(head.id)
            self._shown.setdefault(head.id, 0)
            self._subscription.begin(head)

    def turn(self) -> None:
        """Pass on that the thread has an open session now, or none any more."""
        self._on_turn()

    # -- beginning and ending ------------------------------------------------------------------

    async def catch_up(self, since: Since | None, *, with_receipts: bool) -> int:
        """Send what was missed, and then everything as it happens; how many events were sent.

        Without ``since``, what others wrote and the account was not handed yet counts as missed.

        Raises:
            LoginRevoked, AccountInactive, Unavailable
        """
        self._count = 0
        self._sent_before, self._sent_unasked = self._sent_unasked, {}
        self._shown.clear()
        self._begun.clear()
        subscription = self._subscription = Subscription(
            self._services, self._connection, show=self._show, read_receipts=_present_reads
        )
        try:
            with subscription:
                await self._catch_up(subscription, since, with_receipts=with_receipts)
        except BaseException:
            self._threads.leave(self.thread, self)
            raise
        finally:
            self._subscription = None
            self._waited, self._sent_before = {}, {}
        return self._count

    def note_asked(self) -> None:
        """From here on the client itself says from where it wants to be told."""
        self._is_asked_for = True
        self._first.clear()

    def leave(self) -> None:
        """Listen to nothing of the thread any more."""
        for conversation_id in self.thread.positions:
            self._services.hub.release(self._connection, conversation_id)
        self._threads.leave(self.thread, self)

    def forget(self) -> None:
        """The connection is gone, and the hub has let it go already."""
        self._threads.leave(self.thread, self)

    async def _catch_up(
        self, subscription: Subscription, since: Since | None, *, with_receipts: bool
    ) -> None:
        services, customer = self._services, self.thread.customer
        heads = await services.storage.read(lambda work: sessions_of(work, customer))
        subscription.hold({head.id for head in heads} - set(subscription.held))
        told = self._told()
        self._heard = {
            key: range(first, told.get(key, 0) + 1) for key, first in self._first.items()
        }

        handed, me = services.receipts.handed_under_way(), self.account_id

        def starts(heads: Sequence[Conversation], delivered: _Positions) -> _Positions:
            if since is not None:
                return told | since(heads)
            return told | {
                key: max(seq, handed.get((key, me), 0)) for key, seq in delivered.items()
            }

        found = await subscription.read(
            lambda work: self._read(work, subscription.held, starts, with_receipts=with_receipts)
        )
        if since is None:
            self._waited = {head.id: head.last_seq for head in found.heads.values()}
        for head in found.heads.values():
            events = found.missed.get(head.id)
            self._shown[head.id] = events[0].seq - 1 if events else head.last_seq
        self._note_first(self._shown | self._waited)
        await self._replay(subscription, found.missed)
        subscription.show_receipts(found.receipts)
        self._threads.learn(self.thread, subscription.heads.values())
        subscription.cursors |= self._shown
        await subscription.settle()
        self._cursors |= subscription.cursors
        for head in found.handed:
            services.hub.note_handed(self._connection, head)
        self._on_turn()

    def _told(self) -> dict[ConversationId, int]:
        """Up to where the connection was told of each session that it has listened to."""
        listened = set(self._connection.conversations)
        return {
            conversation_id: max(seq, self._cursors.get(conversation_id, 0))
            for conversation_id, seq in self.thread.positions.items()
            if conversation_id in listened
        }

    def _note_first(self, positions: Mapping[ConversationId, int]) -> None:
        if not self._is_asked_for:
            self._first = {
                conversation_id: seq + 1 for conversation_id, seq in positions.items()
            } | self._first

    async def _read(
        self,
        work: UnitOfWork,
        held: Sequence[ConversationId],
        starts_of: Callable[[Sequence[Conversation], _Positions], _Positions],
        *,
        with_receipts: bool,
    ) -> _SupportSnapshot:
        found = await work.conversations.heads(held)
        heads = {key: found[key] for key in held if key in found}
        mine = await work.conversations.memberships([(key, self.account_id) for key in heads])
        delivered = {key: member.delivered_seq for (key, _), member in mine.items()}
        starts = starts_of(list(heads.values()), delivered) | dict.fromkeys(self._begun, 0)
        missed = {
            key: await work.timeline.after(key, starts[key], limit=PAGE)
            for key, head in heads.items()
            if starts.get(key, head.last_seq) < head.last_seq
        }
        receipts = await _present_reads(work, list(heads.values())) if with_receipts else []
        return _SupportSnapshot(
            heads=heads,
            cursors=starts,
            missed=missed,
            receipts=receipts,
            onlooking=frozenset(heads.keys() - delivered.keys()),
            handed=[
                head
                for key, head in heads.items()
                if delivered.get(key, head.last_seq) < head.last_seq
            ],
        )

    # -- sending -------------------------------------------------------------------------------

    async def _replay(
        self,
        subscription: Subscription,
        missed: Mapping[ConversationId, list[TimelineEvent]],
    ) -> None:
        """Show what was missed in all sessions, in the order of its time."""
        streams = [
            _stream(conversation_id, events) for conversation_id, events in missed.items() if events
        ]
        heapq.heapify(streams)
        while streams:
            stream = heapq.heappop(streams)
            event = stream.events.pop()
            self._show(event)
            if not await self._outlet.has_room():
                return
            if not stream.events and not stream.is_all:
                page = await subscription.page_after(stream.conversation_id, event.seq)
                stream = _stream(stream.conversation_id, page) if page else stream
            if stream.events:
                stream.key = _key(stream.events[-1])
                heapq.heappush(streams, stream)

    def _show(self, event: TimelineEvent | ReadMoved | DeliveredMoved) -> None:
        if isinstance(event, Durable):
            self._shown[event.conversation_id] = event.seq
            if event.seq in self._heard.get(event.conversation_id, ()):
                return
            if event.seq in self._sent_before.get(event.conversation_id, ()):
                return
            if event.seq <= self._waited.get(event.conversation_id, 0):
                if not self._waits(event):
                    return
                self._sent_unasked.setdefault(event.conversation_id, set()).add(event.seq)
        connection, subscription = self._connection, self._subscription
        if subscription is None:
            return
        head = subscription.heads[event.conversation_id]
        hidden = hidden_authors(head, connection.blocked)
        if not hears(event, hidden, connection.blocked_by):
            return
        setting = Setting(self.thread.customer, cursor_of(self._shown))
        own = about(event) == connection.person.id
        packet = self._wire_format.missed(event, setting, own=own)
        if packet is not None:
            self._count += isinstance(event, Durable)
            connection.push(packet)

    def _waits(self, event: TimelineEvent) -> bool:
        """Whether it is something for the account that somebody else wrote, and that is there."""
        if not isinstance(event, MessagePosted):
            return False
        return event.message.author_id != self.account_id and not event.message.is_deleted


def _stream(conversation_id: ConversationId, page: list[TimelineEvent]) -> _Stream:
    return _Stream(_key(page[0]), conversation_id, page[::-1], is_all=len(page) < PAGE)


def _key(event: TimelineEvent) -> tuple[object, ...]:
    return event.at, event.conversation_id, event.seq


async def _present_reads(work: UnitOfWork, heads: Sequence[Conversation]) -> list[Receipt]:
    """How far everybody has read the sessions that are open."""
    opened = {head.id: head for head in heads if head.desk is not None and not head.desk.is_closed}
    members = await work.conversations.members(opened) if opened else {}
    read = {
        ReadMark(conversation_id, member.person.id, member.read_seq): member
        for conversation_id, group in members.items()
        for member in group
        if member.read_seq and member.read_at is not None
    }
    newest = await work.receipts.newest(list(read)) if read else {}
    return [
        ReadMoved(
            mark.conversation_id,
            opened[mark.conversation_id].uid,
            member.person,
            mark.up_to_seq,
            member.read_at or opened[mark.conversation_id].created_at,
            newest.get(mark),
        )
        for mark, member in read.items()
    ]
