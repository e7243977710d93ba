"""The threads that connections of this process listen to: each is all sessions of one customer.

What is kept here follows announced events and is for one purpose: that the connections of a
thread hear of every session in it, and are told with each event where the whole thread stands.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from folkmoot.bus.port import Bus
from folkmoot.bus.topics import account_topic, conversation_topic
from folkmoot.contracts.support.cursor import MOST_SESSIONS, cursor_of
from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import ConversationEnded, ConversationStarted, Durable
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


class Follower(Protocol):
    """A connection in a thread."""

    @property
    def account_id(self) -> AccountId:
        """Whose connection it is."""

    def begin(self, head: Conversation, members: Collection[AccountId]) -> None:
        """Another session of the thread has begun, with these members."""

    def turn(self) -> None:
        """The thread has an open session now, or has none any more."""


class StaffClient(Protocol):
    """A client of one of staff, who is brought into sessions by others."""

    @property
    def account_id(self) -> AccountId:
        """Whose client it is."""

    def call(self, conversation_id: ConversationId, seq: int) -> None:
        """Listen to a session, from after ``seq`` on."""


class Thread:
    """One customer's sessions, and where each of them stands by what was announced."""

    __slots__ = ("_cursor", "customer", "followers", "open", "positions")

    def __init__(self, customer: Person) -> None:
        self.customer = customer
        self.positions: dict[ConversationId, int] = {}
        self.open: dict[ConversationId, Uid] = {}
        """The open sessions, the one that was last written in last."""
        self.followers: dict[Follower, None] = {}
        self._cursor: str | None = None

    @property
    def cursor(self) -> str:
        """Where the thread stands."""
        if self._cursor is None:
            self._cursor = cursor_of(self.positions)
        return self._cursor

    @property
    def current(self) -> ConversationId | None:
        """The session that takes new messages, where that is known without asking storage."""
        return next(reversed(self.open), None)

    @property
    def last_seq(self) -> int:
        """Where the session stands that takes new messages, or the last that did."""
        newest = self.current or max(self.positions, default=None)
        return 0 if newest is None else self.positions[newest]

    def add(self, head: Conversation, seq: int) -> None:
        """Take a session in that stands at ``seq``, unless it is in already."""
        if head.id in self.positions:
            return
        self.positions[head.id] = seq
        self._cursor = None
        if head.desk is not None and not head.desk.is_closed:
            self.open[head.id] = head.uid

    def note(self, event: TimelineEvent) -> None:
        """Follow what happened in a session of the thread."""
        number = event.conversation_id
        if event.seq > self.positions[number]:
            if len(self.positions) > MOST_SESSIONS:  # A cursor names those last used.
                del self.positions[number]
            self.positions[number] = event.seq
            self._cursor = None
        if isinstance(event, MessagePosted) and number in self.open:
            self.open[number] = self.open.pop(number)


class ThreadRegistry:
    """All threads that somebody listens to; it hears of these customers and sessions alone."""

    def __init__(self, bus: Bus) -> None:
        self._subscription = bus.subscribe((), self)
        self._by_customer: dict[AccountId, Thread] = {}
        self._by_session: dict[ConversationId, Thread] = {}
        self._staff: dict[AccountId, dict[StaffClient, None]] = {}

    def enlist(self, client: StaffClient) -> None:
        """Take in a client of one of staff."""
        self._staff.setdefault(client.account_id, {})[client] = None

    def dismiss(self, client: StaffClient) -> None:
        """Forget a client of one of staff, if it was taken in."""
        clients = self._staff.get(client.account_id, {})
        clients.pop(client, None)
        if not clients:
            self._staff.pop(client.account_id, None)

    def is_enlisted(self, client: StaffClient) -> bool:
        """Whether the client was taken in."""
        return client in self._staff.get(client.account_id, ())

    def enlisted(self, account_id: AccountId) -> tuple[StaffClient, ...]:
        """The clients of one of staff."""
        return tuple(self._staff.get(account_id, ()))

    def of(self, session: ConversationId) -> Thread | None:
        """The thread that a session belongs to, if somebody listens to it."""
        return self._by_session.get(session)

    def enter(self, customer: Person, follower: Follower) -> Thread:
        """The customer's thread, with this follower in it."""
        thread = self._by_customer.get(customer.id)
        if thread is None:
            thread = self._by_customer[customer.id] = Thread(customer)
            self._subscription.add(account_topic(customer.id))
        thread.followers[follower] = None
        return thread

    def leave(self, thread: Thread, follower: Follower) -> None:
        """Take a follower out, and forget a thread that has none left."""
        thread.followers.pop(follower, None)
        if not thread.followers and self._by_customer.get(thread.customer.id) is thread:
            del self._by_customer[thread.customer.id]
            self._subscription.remove(account_topic(thread.customer.id))
            for number in thread.positions:
                self._by_session.pop(number, None)
                self._subscription.remove(conversation_topic(number))

    def learn(self, thread: Thread, heads: Iterable[Conversation]) -> None:
        """Take in sessions as storage has them, the least recently used first."""
        is_first = len(thread.followers) == 1
        for head in heads:
            # What others listen to was announced to them or will be, and is counted then.
            self._add(thread, head, head.last_seq if is_first else 0)

    def _add(self, thread: Thread, head: Conversation, seq: int) -> None:
        thread.add(head, seq)
        self._by_session[head.id] = thread
        self._subscription.add(conversation_topic(head.id))

    def apply(self, event: Event) -> None:
        """Follow what is announced, before anybody is sent it."""
        if isinstance(event, ConversationStarted):
            head = event.conversation
            thread = self._by_customer.get(head.created_by)
            if head.desk is not None and thread is not None:
                self._begin(thread, head, event.members)
        elif isinstance(event, Durable):
            thread = self._by_session.get(event.conversation_id)
            if thread is not None:
                thread.note(event)
                if isinstance(event, ConversationEnded):
                    thread.open.pop(event.conversation_id, None)
                    _turn(thread)

    def _begin(self, thread: Thread, head: Conversation, members: Collection[AccountId]) -> None:
        self._add(thread, head, 0)
        for follower in tuple(thread.followers):
            follower.begin(head, members)
        _turn(thread)


def _turn(thread: Thread) -> None:
    for follower in tuple(thread.followers):
        follower.turn()
