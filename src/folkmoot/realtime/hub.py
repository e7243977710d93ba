"""The live connections of this process: who listens to which conversation, and what they are sent.

Nobody is awaited here. An event is encoded once for each contract present (and once more for the
account it is about), and the same bytes go to everybody; whoever is too slow is the outbox's
affair. Rights are held by being in a channel: who loses one is taken out before the next event.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol, assert_never

from folkmoot.core.accounts.events import (
    AccountChanged,
    AccountDeactivated,
    LoginEvent,
    LoginsEnded,
)
from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.audience import about, affected, hears, hidden_authors
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.conversations.receipts import KINDS_WITH_DELIVERY
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    AnswerOwed,
    EphemeralNotice,
    MessagePosted,
)
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.presence.model import Roster, TypingBoard
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId
from folkmoot.core.social.contacts import Contacts
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendEvent,
    FriendRequested,
    FriendshipEnded,
    SocialEvent,
)
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.streaming_answers import StreamingAnswers
from folkmoot.realtime.wire_format import CloseReason, WireFormat

MAX_HELD_EVENTS = 1000


class DeliveryReceipts(Protocol):
    """Takes on what accounts were handed, where the kind of conversation keeps track of that."""

    def note_handed(
        self, conversation_id: ConversationId, accounts: Iterable[AccountId], up_to_seq: int
    ) -> None:
        """A message of somebody else reached these accounts as it was posted."""
        ...

    def claim_handed(self, mark: ReadMark) -> None:
        """An account was sent what it had missed."""
        ...


_Live = TimelineEvent | ReadMoved | DeliveredMoved | Entered | Exited | Typing
_PASSING = (Entered, Exited, Typing)


class Backlog:
    """The events that came while a connection is still catching up, to be sent after that.

    Past `MAX_HELD_EVENTS` all are let go: storage has them, and ``overflowed`` says to read on.
    """

    __slots__ = ("events", "overflowed")

    def __init__(self) -> None:
        self.events: list[TimelineEvent | ReadMoved | DeliveredMoved] = []
        self.overflowed = False

    def add(self, event: _Live) -> None:
        """Hold an event back; what is not worth repeating is dropped."""
        if isinstance(event, _PASSING) or self.overflowed:
            return
        self.events.append(event)
        if len(self.events) > MAX_HELD_EVENTS:
            self.events.clear()
            self.overflowed = True


class Channel:
    """One conversation, as far as connections of this process listen to it."""

    __slots__ = ("ahead", "conversation", "held", "listeners", "members")

    def __init__(self) -> None:
        self.ahead: dict[Connection, int] = {}
        """Who was sent, out of storage, what may not have been announced yet, and up to where."""
        self.conversation: Conversation | None = None
        self.listeners: dict[WireFormat, dict[Connection, None]] = {}
        self.members: dict[Connection, None] = {}
        """The listeners who are members; staff may listen to what they are no members of."""
        self.held: dict[Connection, Backlog] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens any more."""
        return not self.listeners and not self.held

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

    def who_had(self, event: _Live) -> Collection[Connection]:
        """The listeners that were sent this event before it was announced; nearly always none."""
        if not self.ahead or not isinstance(event, Durable):
            return ()
        had = {listener for listener, seq in self.ahead.items() if event.seq <= seq}
        self.ahead = {one: seq for one, seq in self.ahead.items() if event.seq < seq}
        return had

    def hold_back(self, event: _Live, origin: ConnectionId | None) -> None:
        """Keep an event for those who are catching up, as far as they would be sent it live."""
        for connection, backlog in self.held.items():
            if connection.id != origin or connection.wire_format.echoes:
                backlog.add(event)

    def discard(self, connection: Connection) -> bool:
        """Take a connection out; whether it had been let in."""
        self.ahead.pop(connection, None)
        self.held.pop(connection, None)
        self.members.pop(connection, None)
        group = self.listeners.get(connection.wire_format)
        if group is None or connection not in group:
            return False
        del group[connection]
        if not group:
            del self.listeners[connection.wire_format]
        return True


class Hub:
    """All live connections of this process, by account and by conversation."""

    def __init__(self, receipts: DeliveryReceipts, *, first_id: int = 1) -> None:
        self._next_id = first_id
        self._receipts = receipts
        self.roster = Roster()
        self.typing = TypingBoard()
        self.streaming = StreamingAnswers()
        self._channels: dict[ConversationId, Channel] = {}
        self._accounts: dict[AccountId, dict[Connection, None]] = {}
        self._watchers: dict[AccountId, dict[Connection, None]] = {}
        self._staff_watchers: dict[Connection, None] = {}

    # -- connections ---------------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Take a new connection in; it hears of nothing yet but the loss of its rights."""
        connection.id = ConnectionId(self._next_id)
        self._next_id += 1
        connection.is_open = True
        group = self._accounts.setdefault(connection.person.id, {})
        group[connection] = None
        if len(group) == 1:
            self._tell_watchers(CameOnline(connection.person))

    def close(self, connection: Connection) -> None:
        """Forget a connection that is gone, or is to hear nothing more."""
        if not connection.is_open:
            return
        connection.is_open = False
        connection.observer = None
        group = self._accounts[connection.person.id]
        del group[connection]
        for conversation_id in connection.conversations:
            self.release(connection, conversation_id)
        if connection.home is not None:
            self.release(connection, connection.home)
        self.watch(connection, frozenset())
        self._staff_watchers.pop(connection, None)
        if not group:
            del self._accounts[connection.person.id]
            self._tell_watchers(WentOffline(connection.person))

    def watch(self, connection: Connection, accounts: frozenset[AccountId]) -> None:
        """Tell a connection when these accounts come online and go, and no others any more."""
        for account_id in connection.watched - accounts:
            watchers = self._watchers[account_id]
            del watchers[connection]
            if not watchers:
                del self._watchers[account_id]
        for account_id in accounts - connection.watched:
            self._watchers.setdefault(account_id, {})[connection] = None
        connection.watched = accounts

    def watch_staff(self, connection: Connection, *, is_on: bool) -> None:
        """Tell a connection when members of staff come online and go, or no longer."""
        if is_on and connection.is_open:
            self._staff_watchers[connection] = None
        else:
            self._staff_watchers.pop(connection, None)

    def surround(self, connection: Connection, contacts: Contacts) -> None:
        """Let a connection that listens as a friend hear of this circle, and of nobody else."""
        connection.contacts = contacts
        self.watch(connection, contacts.companions)

    def _tell_of_presence(self, connection: Connection, before: frozenset[AccountId]) -> None:
        """Show who came into sight and who went out of it, by others than themselves."""
        for account_id in before ^ connection.watched:
            for other in self.connections_of(account_id)[:1]:
                came = account_id in connection.watched
                event = CameOnline(other.person) if came else WentOffline(other.person)
                if (frame := connection.wire_format.frame(event, own=False)) is not None:
                    connection.push(frame)

    def _tell_watchers(self, event: CameOnline | WentOffline) -> None:
        watchers = dict(self._watchers.get(event.person.id, ()))
        if event.person.role in STAFF:
            watchers |= self._staff_watchers
        for connection in watchers:
            frame = connection.wire_format.frame(event, own=False)
            if frame is not None and connection.person.id != event.person.id:
                connection.outlet.offer(frame)

    def connections_of(self, account_id: AccountId) -> tuple[Connection, ...]:
        """The connections of one account."""
        return tuple(self._accounts.get(account_id, ()))

    def connections(self) -> list[Connection]:
        """Every connection of this process."""
        return [connection for group in self._accounts.values() for connection in group]

    def people(self) -> list[Person]:
        """Everybody who is online, whatever they are connected through."""
        return [next(iter(group)).person for group in self._accounts.values()]

    def is_online(self, account_id: AccountId) -> bool:
        """Whether the account has a connection of any contract."""
        return account_id in self._accounts

    def listener_counts(self) -> Iterator[tuple[Conversation, int]]:
        """Every conversation that somebody listens to, and through how many connections."""
        for channel in self._channels.values():
            if channel.conversation is not None and channel.listeners:
                yield channel.conversation, sum(map(len, channel.listeners.values()))

    def __len__(self) -> int:
        """How many connections there are."""
        return sum(map(len, self._accounts.values()))

    # -- listening -----------------------------------------------------------------------------

    def hold(self, connection: Connection, conversation_id: ConversationId) -> Backlog:
        """Begin to keep a conversation's events for a connection, without sending them yet.

        From here on nothing is missed: what is committed before is in storage, what is announced
        after is in the backlog, and some may be in both. For a connection that has ended nothing
        is kept.
        """
        backlog = Backlog()
        if connection.is_open:
            channel = self._channels.setdefault(conversation_id, Channel())
            channel.discard(connection)
            channel.held[connection] = backlog
        return backlog

    def admit(
        self,
        connection: Connection,
        conversation: Conversation,
        *,
        up_to_seq: int = 0,
        is_member: bool = True,
    ) -> None:
        """Send a held connection everything from now on; its account's first is announced.

        ``conversation`` is as it was read after the connection was last held. What has happened
        ``up_to_seq`` is not sent, even if it is announced only now: storage may be read between
        a commit and its announcement. ``is_member``: whether its account was one then; of who only
        looks on nothing is kept track of that was handed to them.
        """
        channel = self._channels.get(conversation.id)
        backlog = channel.held.pop(connection, None) if channel else None
        if channel is None or backlog is None:
            return  # It lost its right while it was catching up.
        if not connection.is_open:
            self.release(connection, conversation.id)
            return
        channel.listeners.setdefault(connection.wire_format, {})[connection] = None
        if up_to_seq:
            channel.ahead[connection] = up_to_seq
        channel.know(conversation, backlog.events)
        if is_member or _joins(connection, backlog.events):
            channel.members[connection] = None
        if conversation.id in connection.conversations:
            return
        connection.conversations = (*connection.conversations, conversation.id)
        if self.roster.enter(conversation.id, connection.person.id):
            self.deliver(
                Entered(
                    conversation.id,
                    conversation.uid,
                    connection.person,
                    self.roster.present(conversation.id),
                )
            )

    def release(self, connection: Connection, conversation_id: ConversationId) -> None:
        """Send a connection nothing more of a conversation; its account's last is announced."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        channel.discard(connection)
        self.streaming.unwatch(connection, conversation_id)
        if conversation_id in connection.conversations:
            connection.conversations = tuple(
                place for place in connection.conversations if place != conversation_id
            )
            if self.roster.exit(conversation_id, connection.person.id):
                self._announce_exit(channel, connection)
        if channel.is_empty:
            del self._channels[conversation_id]

    def _announce_exit(self, channel: Channel, connection: Connection) -> None:
        conversation = channel.conversation
        if conversation is None:
            return
        typing = self.typing.stop(conversation.id, connection.person.id)
        if typing is not None:
            self.deliver(typing)
        present = self.roster.present(conversation.id)
        self.deliver(Exited(conversation.id, conversation.uid, connection.person, present))

    # -- events --------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Let everybody concerned know what has happened."""
        match event:
            case MessagePosted(message=message):
                self._stop_typing(event.conversation_id, message.author_id)
                self.streaming.note_posted(event)
                self.deliver(event)
            case ConversationStarted() | MemberJoined() | MemberLeft():
                self._apply_membership(event)
            case Durable() | ReadMoved() | DeliveredMoved():
                self.deliver(event)
            case AnswerExtended() | AnswerDropped():
                self.streaming.note(event)
            case EphemeralNotice() | LogsProgressed():
                self._notify(event)
            case LoginsEnded() | AccountDeactivated() | AccountChanged():
                self._apply_to_account(event)
            case (
                BlockSet()
                | BlockLifted()
                | FriendRequested()
                | FriendAccepted()
                | FriendDeclined()
                | FriendshipEnded()
            ):
                self._apply_between(event)
            case Entered() | Exited() | CameOnline() | WentOffline() | Typing():
                pass  # Told of as it is noted.
            case AnswerOwed() | TasksAdded():
                pass  # For whoever does it.
            case _:
                assert_never(event)

    def join(
        self, connection: Connection, conversation: Conversation, *, is_member: bool = True
    ) -> None:
        """Have a connection hear of a conversation from this very event on, without looking back.

        Only while an event is announced that brought its account there: there is nothing before.
        """
        if conversation.id not in connection.conversations:
            self.hold(connection, conversation.id)
            self.admit(connection, conversation, is_member=is_member)

    def _tell_accounts(
        self,
        event: ConversationStarted | MemberJoined | MemberLeft | FriendEvent,
        accounts: Iterable[AccountId],
    ) -> None:
        """Send an event that is no conversation's to the connections of those it concerns."""
        subject = about(event)
        for account_id in accounts:
            for connection in self.connections_of(account_id):
                if connection.observer is not None and not isinstance(event, FriendEvent):
                    connection.observer.observe(event)
                if isinstance(event, Durable):
                    continue
                frame = connection.wire_format.frame(event, own=account_id == subject)
                if frame is not None:
                    connection.push(frame)

    def deliver(self, event: _Live) -> None:
        """Send one event to everybody who listens to its conversation and may hear of it."""
        channel = self._channels.get(event.conversation_id)
        if channel is None:
            return
        origin = event.origin if isinstance(event, MessagePosted) else None
        channel.hold_back(event, origin)
        subject = about(event)
        passing = isinstance(event, _PASSING)
        had = channel.who_had(event)
        for wire_format, everybody in channel.listeners.items():
            frames = (wire_format.frame(event, own=False), wire_format.frame(event, own=True))
            if frames == (None, None):
                continue
            group = [one for one in everybody if one not in had] if had else everybody
            answered = None if wire_format.echoes else origin
            for connection in group:
                guarded = connection.blocked or connection.contacts
                if guarded and not self._hears(channel, connection, event, subject):
                    continue
                own = connection.person.id == subject
                frame = frames[own]
                if frame is None or (own and connection.id == answered):
                    continue
                if passing:
                    connection.outlet.offer(frame)
                else:
                    connection.push(frame)
        if isinstance(event, MessagePosted):
            self._note_reach(channel, event)

    def _notify(self, event: EphemeralNotice | LogsProgressed) -> None:
        """Tell the connections of one account, of those that listen to the conversation."""
        for connection in self.connections_of(event.listener):
            frame = connection.wire_format.frame(event, own=True)
            if frame is not None and event.conversation_id in connection.conversations:
                connection.push(frame)

    def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """What is known here, without asking storage, of a conversation that somebody listens to.

        Its kind and its names never change; the rest may be older than what is stored.
        """
        channel = self._channels.get(conversation_id)
        return None if channel is None else channel.conversation

    def note_handed(self, connection: Connection, conversation: Conversation) -> None:
        """A connection has caught up: its account was handed all that there is."""
        if connection.is_open and conversation.kind in KINDS_WITH_DELIVERY:
            me = connection.person.id
            self._receipts.claim_handed(ReadMark(conversation.id, me, conversation.last_seq))

    def _note_reach(self, channel: Channel, event: MessagePosted) -> None:
        head = channel.conversation
        if head is None or head.kind not in KINDS_WITH_DELIVERY:
            return
        reached = {connection.person.id for connection in channel.members}
        reached.discard(event.message.author_id or AccountId(0))
        self._receipts.note_handed(head.id, reached, event.seq)

    def note_typing(self, typing: Typing, now: float) -> None:
        """Show that somebody began or stopped writing, if it is news."""
        if self.typing.note(typing, now):
            self.deliver(typing)

    def sweep(self, clock_now: datetime, now: float) -> None:
        """End what its time has ended: typing (``now``), and logins (``clock_now``)."""
        for typing in self.typing.expired(now):
            self.deliver(typing)
        for connection in self.connections():
            if connection.expires_at <= clock_now:
                self.end(connection, CloseReason.TOKEN_EXPIRED)

    def hidden_from(
        self, connection: Connection, conversation_id: ConversationId
    ) -> Collection[AccountId]:
        """Those whose messages a connection that listens to the conversation is not shown."""
        channel = self._channels.get(conversation_id)
        if channel is None or channel.conversation is None:
            return connection.blocked
        return hidden_authors(channel.conversation, connection.blocked)

    def end(self, connection: Connection, close_reason: CloseReason) -> None:
        """Take a connection out at once, and say why."""
        self.close(connection)
        connection.end(close_reason)

    @staticmethod
    def _hears(
        channel: Channel, connection: Connection, event: _Live, subject: AccountId | None
    ) -> bool:
        is_own = subject == connection.person.id
        if connection.contacts is not None and not is_own and subject not in connection.watched:
            return False
        if not connection.blocked or channel.conversation is None:
            return True
        return hears(event, hidden_authors(channel.conversation, connection.blocked))

    def _stop_typing(self, conversation_id: ConversationId, account_id: AccountId | None) -> None:
        if account_id is not None and (typing := self.typing.stop(conversation_id, account_id)):
            self.deliver(typing)

    def _recount(self, event: MemberJoined | MemberLeft) -> None:
        channel = self._channels.get(event.conversation_id)
        if channel is None:
            return
        channel.count(event)
        if isinstance(event, MemberJoined):
            for connection in self.connections_of(event.member.id):
                if connection in channel.listeners.get(connection.wire_format, ()):
                    channel.members[connection] = None

    def _expel(self, conversation_id: ConversationId, account_id: AccountId) -> None:
        for connection in self.connections_of(account_id):
            if connection.home == conversation_id:
                self.end(connection, CloseReason.REMOVED)
            else:
                self.release(connection, conversation_id)

    def _apply_membership(self, event: ConversationStarted | MemberJoined | MemberLeft) -> None:
        if isinstance(event, ConversationStarted):
            self._tell_accounts(event, event.members)
            return
        if isinstance(event, MemberJoined):
            self._recount(event)
            self._tell_accounts(event, (event.member.id,))
        else:
            self._tell_accounts(event, (event.member.id,))
            self._expel(event.conversation_id, event.member.id)
            self._recount(event)
        self.deliver(event)

    def _apply_between(self, event: SocialEvent) -> None:
        """Have those who listen as friends hear of those, and only those, who still are."""
        if isinstance(event, FriendEvent):
            self._tell_accounts(event, affected(event))
        elif isinstance(event, BlockSet):
            for connection in self.connections_of(event.blocker):
                connection.blocked |= {event.blocked}
        else:
            for connection in self.connections_of(event.blocker):
                connection.blocked -= {event.blocked}
        for account_id in affected(event):
            for connection in self.connections_of(account_id):
                if connection.observer is not None:
                    connection.observer.observe(event)
                if connection.contacts is not None:
                    before = connection.watched
                    self.surround(connection, connection.contacts.after(event))
                    self._tell_of_presence(connection, before)

    def _apply_to_account(self, event: LoginEvent) -> None:
        match event:
            case AccountChanged(person=person):
                for connection in self.connections_of(person.id):
                    connection.person = person
            case LoginsEnded(account_id=account_id, login_ids=login_ids):
                for connection in self.connections_of(account_id):
                    if connection.login_id in login_ids:
                        self.end(connection, CloseReason.LOGIN_ENDED)
            case AccountDeactivated(account_id=account_id):
                for connection in self.connections_of(account_id):
                    self.end(connection, CloseReason.ACCOUNT_INACTIVE)
            case _:
                assert_never(event)


def _joins(connection: Connection, since: Iterable[Event]) -> bool:
    """Whether the connection's account became a member meanwhile."""
    me = connection.person.id
    return any(isinstance(event, MemberJoined) and event.member.id == me for event in since)
