"""The live connections of this process: who listens to which conversation, and what they are sent.

Nobody is awaited here. An event is encoded once for each contract present (and once more for the
account it is about), and the same bytes go to everybody; what becomes of a slow reader is the
outbox's to decide. Rights are held by being in a channel: who loses one is taken out before the
next event.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import permutations
from typing import Protocol, assert_never

from folkmoot.bus.port import Bus
from folkmoot.bus.presence import Presence
from folkmoot.bus.topics import ANSWERS, account_topic, conversation_topic
from folkmoot.core import events
from folkmoot.core.accounts.model import Person
from folkmoot.core.audience import about, affected, hears, hidden_authors
from folkmoot.core.conversations.model import Conversation, Kind, ReadMark
from folkmoot.core.conversations.receipts import KINDS_WITH_DELIVERY
from folkmoot.core.events import Event, FriendEvent, LoginEvent, PresenceEvent, SocialEvent
from folkmoot.core.presence.model import AnyTyping, TypingBoard, Where
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId
from folkmoot.realtime.channel import PASSING, Backlog, Channel, ChannelEvent
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.streaming_answers import StreamingAnswers
from folkmoot.realtime.watchers import Watchers
from folkmoot.realtime.wire_format import CloseReason, Frame


class DeliveryReceipts(Protocol):
    """Takes on what accounts were handed, where the kind of conversation keeps track of that."""

    def note_handed(
        self,
        conversation_id: ConversationId,
        accounts: frozenset[AccountId],
        up_to_seq: int,
        *,
        author: AccountId | None,
    ) -> None:
        """A message reached these accounts as it was posted; of its author it is no news."""
        ...

    def claim_handed(self, mark: ReadMark) -> None:
        """An account was sent what it had missed."""
        ...


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """How many connections of how many accounts there are, and conversations listened to."""

    connections: int
    accounts: int
    conversations: int


class Hub:
    """All live connections of this process, by account and by conversation.

    It subscribes to what they listen to, and to nothing else. ``now`` is in seconds on a clock
    that never goes back.
    """

    def __init__(
        self,
        bus: Bus,
        presence: Presence,
        receipts: DeliveryReceipts,
        now: Callable[[], float],
        *,
        first_id: int = 1,
    ) -> None:
        self._next_id = first_id
        self._presence = presence
        self._receipts = receipts
        self._now = now
        self._subscription = bus.subscribe((ANSWERS,), self)
        self._timelines = bus.timelines
        self.typing = TypingBoard()
        self.streaming = StreamingAnswers()
        self.watchers = Watchers(presence, self._subscription)
        self._channels: dict[ConversationId, Channel] = {}
        self._accounts: dict[AccountId, dict[Connection, None]] = {}

    # -- connections ---------------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Take a new connection in; it hears of nothing yet but the loss of its rights."""
        connection.id = ConnectionId(self._next_id)
        self._next_id += 1
        connection.is_open = True
        group = self._accounts.setdefault(connection.person.id, {})
        group[connection] = None
        if len(group) == 1:
            self._subscription.add(account_topic(connection.person.id))
        self._presence.connect(connection.person)

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
        self.watchers.forget(connection)
        if not group:
            del self._accounts[connection.person.id]
            self._subscription.remove(account_topic(connection.person.id))
        self._presence.disconnect(connection.person)

    def connections_of(self, account_id: AccountId) -> tuple[Connection, ...]:
        """The connections of one account."""
        return tuple(self._accounts.get(account_id, ()))

    def connections(self) -> list[Connection]:
        """Every connection of this process."""
        return [connection for group in self._accounts.values() for connection in group]

    def listener_counts(self) -> Iterator[tuple[Conversation, int]]:
        """Every conversation that somebody listens to, and through how many connections."""
        for channel in self._channels.values():
            if channel.conversation is not None and channel.listeners:
                yield channel.conversation, sum(map(len, channel.listeners.values()))

    def statistics(self) -> HubStatistics:
        """How much there is to do here."""
        return HubStatistics(len(self), len(self._accounts), len(self._channels))

    def connections_by_contract(self) -> Mapping[str, int]:
        """How many connections there are of each contract, by its name."""
        return Counter(
            connection.wire_format.contract
            for group in self._accounts.values()
            for connection in group
        )

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
            channel = self._channels.get(conversation_id)
            if channel is None:
                self._subscription.add(conversation_topic(conversation_id))
                channel = self._channels[conversation_id] = Channel()
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
        self._timelines.follow(
            conversation.id, max(up_to_seq, conversation.last_seq, backlog.last_seq)
        )
        if up_to_seq:
            channel.ahead[connection] = up_to_seq
            self._timelines.expect(conversation.id, up_to_seq)
        channel.know(conversation, backlog.events)
        if is_member or _joins(connection, backlog.events):
            channel.note_member(connection)
        if conversation.id in connection.conversations:
            return
        connection.conversations = (*connection.conversations, conversation.id)
        self._presence.enter(conversation.id, conversation.uid, connection.person)

    def release(self, connection: Connection, conversation_id: ConversationId) -> None:
        """Send a connection nothing more of a conversation; its account's last is announced."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        channel.discard(connection)
        self.streaming.unwatch(connection, conversation_id)
        if conversation_id in connection.conversations:
            connection.conversations = tuple(
                other for other in connection.conversations if other != conversation_id
            )
            self._presence.leave(conversation_id, connection.person)
        if channel.is_empty:
            del self._channels[conversation_id]
            self._timelines.forget(conversation_id)
            self._subscription.remove(conversation_topic(conversation_id))

    # -- events --------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Let everybody concerned know what has happened."""
        match event:
            case events.MessagePosted(message=message):
                self._stop_typing(event.conversation_id, message.author_id)
                self.streaming.note_posted(event)
                self.deliver(event)
            case events.ConversationStarted() | events.MemberJoined() | events.MemberLeft():
                self._apply_membership(event)
            case events.DeliveredMoved() | events.ReadMoved() | events.Durable():
                self.deliver(event)
            case (
                events.Entered()
                | events.Exited()
                | events.CameOnline()
                | events.WentOffline()
                | events.Typing()
                | events.FriendTyping()
                | events.DeskTyping()
            ):
                self._apply_presence(event)
            case events.AnswerExtended() | events.AnswerDropped():
                self.streaming.note(event)
            case events.EphemeralNotice() | events.LogsProgressed():
                self._notify(event)
            case events.LoginsEnded() | events.AccountDeactivated() | events.AccountChanged():
                self._apply_to_account(event)
            case (
                events.BlockSet()
                | events.BlockLifted()
                | events.FriendRequested()
                | events.FriendAccepted()
                | events.FriendDeclined()
                | events.FriendshipEnded()
            ):
                self._apply_between(event)
            case events.TasksAdded():
                pass  # For whoever does it.
            case _:
                assert_never(event)

    def _apply_presence(self, event: PresenceEvent) -> None:
        match event:
            case events.CameOnline() | events.WentOffline():
                self.watchers.tell(event)
                return
            case events.Exited(person=person):
                self._stop_typing(event.conversation_id, person.id)
            case events.Typing() | events.FriendTyping() | events.DeskTyping():
                if self.typing.note(event, self._now()):
                    self._show_typing(event)
                return
            case events.Entered():
                pass
            case _:
                assert_never(event)
        self.deliver(event)

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
        event: events.ConversationStarted | events.MemberJoined | events.MemberLeft | FriendEvent,
        accounts: Iterable[AccountId],
    ) -> None:
        """Send an event that is no conversation's to the connections of those it concerns."""
        subject = about(event)
        for account_id in accounts:
            for connection in self.connections_of(account_id):
                if connection.observer is not None and not isinstance(event, FriendEvent):
                    connection.observer.observe(event)
                if isinstance(event, events.Durable):
                    continue
                frame = connection.wire_format.frame(event, own=account_id == subject)
                if frame is not None:
                    connection.push(frame)

    def deliver(self, event: ChannelEvent) -> None:
        """Send one event to everybody who listens to its conversation and may hear of it."""
        channel = self._channels.get(event.conversation_id)
        if channel is None:
            return
        origin = event.origin if isinstance(event, events.MessagePosted) else None
        channel.hold_back(event, origin)
        had = channel.who_had(event) if channel.ahead else ()
        for wire_format, everybody in channel.listeners.items():
            for_others = wire_format.frame(event, own=False)
            for_subject = wire_format.frame(event, own=True)
            if for_others is None and for_subject is None:
                continue
            group = [one for one in everybody if one not in had] if had else everybody
            answered = None if wire_format.echoes else origin
            self._send(channel, event, group, (for_others, for_subject), answered)
        if isinstance(event, events.MessagePosted):
            self._note_reached(channel, event)

    def _send(
        self,
        channel: Channel,
        event: ChannelEvent,
        group: Iterable[Connection],
        frames: tuple[Frame | None, Frame | None],
        answered: ConnectionId | None,
    ) -> None:
        """Send one contract's frames of an event: to others, and to whom it is about."""
        for_others, for_subject = frames
        subject = about(event)
        passing = isinstance(event, PASSING)
        for connection in group:
            frame = for_others
            if connection.person.id == subject:
                frame = None if connection.id == answered else for_subject
            elif connection.blocked or connection.contacts or connection.blocked_by:
                frame = self._guarded(channel, connection, event, subject, frame)
            if frame is None:
                continue
            if passing:
                connection.outlet.offer(frame)
            else:
                connection.push(frame)

    def _notify(self, event: events.EphemeralNotice | events.LogsProgressed) -> None:
        """Tell the connections of one account, of those that listen to the conversation."""
        for connection in self.connections_of(event.listener):
            if event.conversation_id not in connection.conversations:
                continue
            frame = connection.wire_format.frame(event, own=True)
            if frame is not None:
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

    def _note_reached(self, channel: Channel, event: events.MessagePosted) -> None:
        head = channel.conversation
        if head is None or head.kind not in KINDS_WITH_DELIVERY:
            return
        reached, author = channel.member_accounts, event.message.author_id
        self._receipts.note_handed(head.id, reached, event.seq, author=author)

    def sweep(self, clock_now: datetime) -> None:
        """End what its time has ended: typing, presence, and logins by ``clock_now``."""
        for typing in self.typing.expired(self._now()):
            self._show_typing(typing)
        self._presence.renew()
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

    def _guarded(
        self,
        channel: Channel,
        connection: Connection,
        event: ChannelEvent,
        subject: AccountId | None,
        frame: Frame | None,
    ) -> Frame | None:
        """What a connection that may not hear of everybody is sent of what others do."""
        if connection.contacts is not None and subject not in connection.watched:
            return None
        if not connection.blocked and not connection.blocked_by:
            return frame
        head = channel.conversation
        hidden = hidden_authors(head, connection.blocked) if head is not None else ()
        if not hears(event, hidden, connection.blocked_by):
            return None
        if connection.blocked_by and isinstance(event, PASSING):
            return self._passing_frame(connection, event)
        return frame

    def present_for(self, connection: Connection, conversation_id: ConversationId) -> int:
        """How many listen to a conversation, without those of whom the connection's account is to
        learn nothing."""
        return self.present_without(connection.blocked_by, conversation_id)

    def present_without(self, unseen: Iterable[AccountId], conversation_id: ConversationId) -> int:
        """How many listen to a conversation, other than these."""
        there = sum(self._presence.is_present(conversation_id, one) for one in unseen)
        return self._presence.present(conversation_id) - there

    def _passing_frame(self, connection: Connection, event: ChannelEvent) -> Frame | None:
        """A sign of somebody's presence, for one whom others block: those are not counted."""
        if isinstance(event, events.Entered | events.Exited):
            unseen = (
                self._presence.is_present(event.conversation_id, one)
                for one in connection.blocked_by
            )
            event = replace(event, present=event.present - sum(unseen))
        return connection.wire_format.frame(event, own=False)

    def _stop_typing(self, where: Where, account_id: AccountId | None) -> None:
        if account_id is not None and (typing := self.typing.stop(where, account_id)):
            self._show_typing(typing)

    def _show_typing(self, event: AnyTyping) -> None:
        match event:
            case events.Typing():
                self.deliver(event)
            case events.FriendTyping():
                self.watchers.tell_friend(event)
            case events.DeskTyping(receiver_id=receiver_id):
                self.watchers.tell_at_desk(event, self.connections_of(receiver_id))
            case _:
                assert_never(event)

    def _recount(self, event: events.MemberJoined | events.MemberLeft) -> None:
        channel = self._channels.get(event.conversation_id)
        if channel is None:
            return
        channel.count(event)
        if isinstance(event, events.MemberJoined):
            for connection in self.connections_of(event.member.id):
                if connection in channel.listeners.get(connection.wire_format, ()):
                    channel.note_member(connection)

    def _remove(self, conversation_id: ConversationId, account_id: AccountId) -> None:
        for connection in self.connections_of(account_id):
            if connection.home == conversation_id:
                self.end(connection, CloseReason.REMOVED)
            else:
                self.release(connection, conversation_id)

    def _apply_membership(
        self, event: events.ConversationStarted | events.MemberJoined | events.MemberLeft
    ) -> None:
        if isinstance(event, events.ConversationStarted):
            if event.conversation.kind is Kind.DIRECT:
                for writer, reader in permutations(event.members, 2):
                    self._stop_typing((reader,), writer)
            self._tell_accounts(event, event.members)
            return
        if isinstance(event, events.MemberJoined):
            self._recount(event)
            self._tell_accounts(event, (event.member.id,))
        else:
            self._tell_accounts(event, (event.member.id,))
            self._remove(event.conversation_id, event.member.id)
            self._recount(event)
        self.deliver(event)

    def _apply_between(self, event: SocialEvent) -> None:
        """Have those who listen as friends hear of those, and only those, who still are."""
        if isinstance(event, FriendEvent):
            self._tell_accounts(event, affected(event))
        else:
            self._apply_block(event)
        for account_id in affected(event):
            for connection in self.connections_of(account_id):
                if connection.observer is not None:
                    connection.observer.observe(event)
                self.watchers.update_contacts(connection, event)

    def _apply_block(self, event: events.BlockSet | events.BlockLifted) -> None:
        """Have the blocker not be shown what the other says, nor the other where the blocker is."""
        is_set = isinstance(event, events.BlockSet)
        for connection in self.connections_of(event.blocker):
            others = connection.blocked - {event.blocked}
            connection.blocked = others | {event.blocked} if is_set else others
        person = self._presence.online.get(event.blocker)
        for connection in self.connections_of(event.blocked):
            others = connection.blocked_by - {event.blocker}
            connection.blocked_by = others | {event.blocker} if is_set else others
            if person is not None and connection.contacts is None:
                self._show_absence(connection, person, is_absent=is_set)

    def _show_absence(self, connection: Connection, person: Person, *, is_absent: bool) -> None:
        """Show somebody as gone from everywhere, or as there again where they are."""
        for conversation_id in connection.conversations:
            channel = self._channels[conversation_id]
            head = channel.conversation
            if head is None or not self._presence.is_present(conversation_id, person.id):
                continue
            where, present = (head.id, head.uid, person), self._presence.present(conversation_id)
            shown: ChannelEvent = (
                events.Exited(*where, present) if is_absent else events.Entered(*where, present)
            )
            if is_absent and self.typing.is_typing(conversation_id, person.id):
                self._offer(connection, events.Typing(*where, is_typing=False))
            self._offer(connection, shown)
        self.watchers.show_absence(connection, person, is_absent=is_absent)

    def _offer(self, connection: Connection, event: ChannelEvent) -> None:
        frame = self._passing_frame(connection, event)
        if frame is not None:
            connection.outlet.offer(frame)

    def _apply_to_account(self, event: LoginEvent) -> None:
        match event:
            case events.AccountChanged(person=person):
                self._presence.update(person)
                for connection in self.connections_of(person.id):
                    connection.person = person
            case events.LoginsEnded(account_id=account_id, login_ids=login_ids):
                for connection in self.connections_of(account_id):
                    if connection.login_id in login_ids:
                        self.end(connection, CloseReason.LOGIN_ENDED)
            case events.AccountDeactivated(account_id=account_id):
                for connection in self.connections_of(account_id):
                    self.end(connection, CloseReason.ACCOUNT_INACTIVE)
            case _:
                assert_never(event)


def _joins(connection: Connection, since: Iterable[Event]) -> bool:
    """Whether the connection's account became a member meanwhile."""
    me = connection.person.id
    return any(isinstance(event, events.MemberJoined) and event.member.id == me for event in since)
