"""One conversation in this process: who listens to it, and what is held back for whom.

Who may listen is the hub's to say; here is only what is kept for each listener.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from folkmoot.core.conversations.events import (
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.presence.events import Entered, Exited, Typing
from folkmoot.core.shared.ids import AccountId, ConnectionId
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.wire_format import WireFormat

MAX_HELD_EVENTS = 1000

ChannelEvent = TimelineEvent | ReadMoved | DeliveredMoved | Entered | Exited | Typing
PASSING = (Entered, Exited, Typing)


class Backlog:
    """The events that came while a connection is still catching up, to be sent after that.

    Past `MAX_HELD_EVENTS` all are let go: storage has them, and ``overflowed`` says to read on.
    """

    __slots__ = ("events", "overflowed")

    def __init__(self) -> None:
        self.events: list[TimelineEvent | ReadMoved | DeliveredMoved] = []
        self.overflowed = False

    @property
    def last_seq(self) -> int:
        """The highest ``seq`` of what is held."""
        return max((one.seq for one in self.events if isinstance(one, Durable)), default=0)

    def add(self, event: ChannelEvent) -> None:
        """Hold an event back; what is not worth repeating is dropped."""
        if isinstance(event, PASSING) or self.overflowed:
            return
        self.events.append(event)
        if len(self.events) > MAX_HELD_EVENTS:
            self.events.clear()
            self.overflowed = True


class Channel:
    """One conversation, as far as connections of this process listen to it."""

    __slots__ = ("_member_accounts", "_members", "ahead", "conversation", "held", "listeners")

    def __init__(self) -> None:
        self.ahead: dict[Connection, int] = {}
        """Who was sent, out of storage, what may not have been announced yet, and up to where."""
        self.conversation: Conversation | None = None
        self.listeners: dict[WireFormat, dict[Connection, None]] = {}
        self._members: dict[Connection, None] = {}
        self._member_accounts: frozenset[AccountId] | None = frozenset()
        self.held: dict[Connection, Backlog] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens any more."""
        return not self.listeners and not self.held

    @property
    def member_accounts(self) -> frozenset[AccountId]:
        """The accounts that listen as members; staff may listen to what they are no members of.

        It is the same object until somebody comes or goes: asked for each message, told apart
        by identity.
        """
        if self._member_accounts is None:
            self._member_accounts = frozenset(one.person.id for one in self._members)
        return self._member_accounts

    def note_member(self, connection: Connection) -> None:
        """Take down that a listener is a member."""
        self._members[connection] = None
        self._member_accounts = None

    def connections(self) -> Iterator[Connection]:
        """Everybody who listens, or is about to."""
        for group in self.listeners.values():
            yield from group
        yield from self.held

    def know(self, conversation: Conversation, since: Iterable[Event]) -> None:
        """Learn the conversation's head, if it is newer, and what became of it ``since``."""
        if self.conversation is None or self.conversation.last_seq < conversation.last_seq:
            self.conversation = conversation
        for event in since:
            if isinstance(event, MemberJoined | MemberLeft):
                self.count(event)

    def count(self, event: MemberJoined | MemberLeft) -> None:
        """Count a member more or less, unless the head that is known has counted them already."""
        head = self.conversation
        if head is not None and event.seq > head.last_seq:
            difference = 1 if isinstance(event, MemberJoined) else -1
            count = head.member_count + difference
            self.conversation = replace(head, member_count=count, last_seq=event.seq)

    def who_had(self, event: ChannelEvent) -> Collection[Connection]:
        """The listeners that were sent this event before it was announced; nearly always none."""
        if not isinstance(event, Durable):
            return ()
        had = {listener for listener, seq in self.ahead.items() if event.seq <= seq}
        self.ahead = {one: seq for one, seq in self.ahead.items() if event.seq < seq}
        return had

    def hold_back(self, event: ChannelEvent, origin: ConnectionId | None) -> None:
        """Keep an event for those who are catching up, as far as they would be sent it live."""
        for connection, backlog in self.held.items():
            if connection.id != origin or connection.wire_format.echoes:
                backlog.add(event)

    def discard(self, connection: Connection) -> bool:
        """Take a connection out; whether it had been let in."""
        self.ahead.pop(connection, None)
        self.held.pop(connection, None)
        if connection in self._members:
            del self._members[connection]
            self._member_accounts = None
        group = self.listeners.get(connection.wire_format)
        if group is None or connection not in group:
            return False
        del group[connection]
        if not group:
            del self.listeners[connection.wire_format]
        return True
