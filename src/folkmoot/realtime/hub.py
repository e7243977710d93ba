"""The live connections of this process: who listens to which conversation, and what they are sent.

Nobody is awaited here. An event is encoded once for each contract present (and once more for the
account it is about), and the same bytes go to everybody; whoever is too slow is the outbox's
affair. Rights are held by being in a channel: who loses one is taken out before the next event.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.audience import about, hears, hidden_authors
from folkmoot.core.conversations.events import Durable, MemberJoined, MemberLeft, ReadMoved
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.presence.model import Entered, Exited, Roster, Typing, TypingBoard
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.events import BlockLifted, BlockSet
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.contract import Dialect, Ending

MAX_HELD_EVENTS = 1000

_Live = Durable | ReadMoved | Entered | Exited | Typing
_PASSING = (Entered, Exited, Typing)


class Backlog:
    """The events that came while a connection is still catching up, to be sent after that.

    Past `MAX_HELD_EVENTS` all are let go: storage has them, and ``overflowed`` says to read on.
    """

    __slots__ = ("events", "overflowed")

    def __init__(self) -> None:
        self.events: list[Durable | ReadMoved] = []
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

    __slots__ = ("conversation", "held", "listeners")

    def __init__(self) -> None:
        self.conversation: Conversation | None = None
        self.listeners: dict[Dialect, dict[Connection, None]] = {}
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

    def know(self, conversation: Conversation, since: Iterable[object]) -> None:
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

    def discard(self, connection: Connection) -> bool:
        """Take a connection out; whether it had been let in."""
        self.held.pop(connection, None)
        group = self.listeners.get(connection.dialect)
        if group is None or connection not in group:
            return False
        del group[connection]
        if not group:
            del self.listeners[connection.dialect]
        return True


class Hub:
    """All live connections of this process, by account and by conversation."""

    def __init__(self) -> None:
        self.roster = Roster()
        self.typing = TypingBoard()
        self._channels: dict[ConversationId, Channel] = {}
        self._accounts: dict[AccountId, dict[Connection, None]] = {}

    # -- connections ---------------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Take a new connection in; it hears of nothing yet but the loss of its rights."""
        connection.is_open = True
        self._accounts.setdefault(connection.person.id, {})[connection] = None

    def close(self, connection: Connection) -> None:
        """Forget a connection that is gone, or is to hear nothing more."""
        if not connection.is_open:
            return
        connection.is_open = False
        group = self._accounts[connection.person.id]
        del group[connection]
        if not group:
            del self._accounts[connection.person.id]
        for conversation_id in connection.conversations:
            self.release(connection, conversation_id)
        if connection.home is not None:
            self.release(connection, connection.home)

    def connections_of(self, account_id: AccountId) -> tuple[Connection, ...]:
        """The connections of one account."""
        return tuple(self._accounts.get(account_id, ()))

    def connections(self) -> list[Connection]:
        """Every connection of this process."""
        return [connection for group in self._accounts.values() for connection in group]

    def is_online(self, account_id: AccountId) -> bool:
        """Whether the account has a connection of any contract."""
        return account_id in self._accounts

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

    def admit(self, connection: Connection, conversation: Conversation) -> None:
        """Send a held connection everything from now on; its account's first is announced.

        ``conversation`` is as it was read after the connection was last held.
        """
        channel = self._channels.get(conversation.id)
        backlog = channel.held.pop(connection, None) if channel else None
        if channel is None or backlog is None:
            return  # It lost its right while it was catching up.
        if not connection.is_open:
            self.release(connection, conversation.id)
            return
        channel.listeners.setdefault(connection.dialect, {})[connection] = None
        channel.know(conversation, backlog.events)
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

    def announce(self, events: Iterable[object]) -> None:
        """Let everybody concerned know what is now durable, in order."""
        for event in events:
            match event:
                case MessagePosted(message=message):
                    self._stop_typing(event.conversation_id, message.author_id)
                    self.deliver(event)
                case MemberJoined():
                    self._recount(event)
                    self.deliver(event)
                case MemberLeft(member=member):
                    self._expel(event.conversation_id, member.id)
                    self._recount(event)
                    self.deliver(event)
                case Durable() | ReadMoved():
                    self.deliver(event)
                case _:
                    self._apply_to_accounts(event)

    def deliver(self, event: _Live) -> None:
        """Send one event to everybody who listens to its conversation and may hear of it."""
        channel = self._channels.get(event.conversation_id)
        if channel is None:
            return
        for backlog in channel.held.values():
            backlog.add(event)
        subject = about(event)
        passing = isinstance(event, _PASSING)
        for dialect, group in channel.listeners.items():
            frames = (dialect.frame(event, own=False), dialect.frame(event, own=True))
            if frames == (None, None):
                continue
            for connection in group:
                if connection.blocked and not self._hears(channel, connection, event):
                    continue
                frame = frames[connection.person.id == subject]
                if frame is None:
                    continue
                if passing:
                    connection.outlet.offer(frame)
                else:
                    connection.push(frame)

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
                self.end(connection, Ending.TOKEN_EXPIRED)

    def hidden_from(
        self, connection: Connection, conversation_id: ConversationId
    ) -> Collection[AccountId]:
        """Those whose messages a connection that listens to the conversation is not shown."""
        channel = self._channels.get(conversation_id)
        if channel is None or channel.conversation is None:
            return connection.blocked
        return hidden_authors(channel.conversation, connection.blocked)

    def end(self, connection: Connection, ending: Ending) -> None:
        """Take a connection out at once, and say why."""
        self.close(connection)
        connection.end(ending)

    @staticmethod
    def _hears(channel: Channel, connection: Connection, event: _Live) -> bool:
        if channel.conversation is None:
            return True
        return hears(event, hidden_authors(channel.conversation, connection.blocked))

    def _stop_typing(self, conversation_id: ConversationId, account_id: AccountId | None) -> None:
        if account_id is not None:
            typing = self.typing.stop(conversation_id, account_id)
            if typing is not None:
                self.deliver(typing)

    def _recount(self, event: MemberJoined | MemberLeft) -> None:
        channel = self._channels.get(event.conversation_id)
        if channel is not None:
            channel.count(event)

    def _expel(self, conversation_id: ConversationId, account_id: AccountId) -> None:
        for connection in self.connections_of(account_id):
            if connection.home == conversation_id:
                self.end(connection, Ending.REMOVED)
            else:
                self.release(connection, conversation_id)

    def _apply_to_accounts(self, event: object) -> None:
        match event:
            case AccountChanged(person=person):
                for connection in self.connections_of(person.id):
                    connection.person = person
            case BlockSet(blocker=blocker, blocked=blocked):
                for connection in self.connections_of(blocker):
                    connection.blocked |= {blocked}
            case BlockLifted(blocker=blocker, blocked=blocked):
                for connection in self.connections_of(blocker):
                    connection.blocked -= {blocked}
            case _:
                self._end_rights(event)

    def _end_rights(self, event: object) -> None:
        match event:
            case LoginsEnded(account_id=account_id, login_ids=login_ids):
                for connection in self.connections_of(account_id):
                    if connection.login_id in login_ids:
                        self.end(connection, Ending.LOGIN_ENDED)
            case AccountDeactivated(account_id=account_id):
                for connection in self.connections_of(account_id):
                    self.end(connection, Ending.ACCOUNT_INACTIVE)
