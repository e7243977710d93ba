"""One live connection, as the hub and a contract's reading side share it."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import ConversationStarted, MemberJoined, MemberLeft
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId, Uid
from folkmoot.core.social.contacts import Contacts
from folkmoot.core.social.events import SocialEvent
from folkmoot.realtime.wire_format import CloseReason, Frame, WireFormat


class Outlet(Protocol):
    """The way out of a connection: never waits, bounded in bytes, harmless once it is closed."""

    def push(self, frame: Frame) -> None:
        """Have a frame sent, or the connection closed for being too slow."""
        ...

    def offer(self, frame: Frame) -> None:
        """Have a frame sent if there is room for it."""
        ...

    async def room(self) -> bool:
        """Wait until the client has read most of what was sent; for its own task only.

        False when nobody is there to read any more.
        """
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what waits, say goodbye, and end the connection."""
        ...


_NOBODY: frozenset[AccountId] = frozenset()

ObservedEvent = SocialEvent | ConversationStarted | MemberJoined | MemberLeft
"""What happens to an account, beside what is said in its conversations."""


class AccountObserver(Protocol):
    """Whoever keeps in mind, for one connection, what happens to its account."""

    def observe(self, event: ObservedEvent) -> None:
        """Reckon with an event that concerns the account, before the connection is sent it.

        A conversation began with it, a friendship or a block changed, it was added somewhere or
        is about to be taken out. Nothing is told once the connection has lost its rights.
        """
        ...


class Connection:
    """A client that is connected, who it is, and what it listens to."""

    __slots__ = (
        "_held",
        "blocked",
        "blocked_by",
        "contacts",
        "conversations",
        "expires_at",
        "home",
        "id",
        "is_open",
        "login_id",
        "observer",
        "outlet",
        "person",
        "push",
        "watched",
        "wire_format",
    )

    def __init__(
        self,
        wire_format: WireFormat,
        outlet: Outlet,
        person: Person,
        login_id: Uid,
        expires_at: datetime,
        home: ConversationId | None = None,
        observer: AccountObserver | None = None,
    ) -> None:
        self.id = ConnectionId(0)
        """Set by the hub that it is opened at."""
        self.wire_format = wire_format
        self.outlet = outlet
        self.person = person
        self.login_id = login_id
        self.expires_at = expires_at
        self.home = home
        """The one conversation that the connection is for; losing it ends the connection."""
        self.blocked: frozenset[AccountId] = _NOBODY
        """Whom the account blocks."""
        self.blocked_by: frozenset[AccountId] = _NOBODY
        """Who blocks the account: of them it is told nothing but what they say."""
        self.contacts: Contacts | None = None
        """Whom it hears of, where it listens as a friend; others' events are kept from it."""
        self.conversations: tuple[ConversationId, ...] = ()
        """What the connection listens to."""
        self.watched: frozenset[AccountId] = _NOBODY
        """Whose coming and going the connection is told of."""
        self.observer = observer
        self.is_open = False
        """Whether it has its rights: the hub gives them, and takes them before it says goodbye."""
        self.push: Callable[[Frame], None] = outlet.push
        self._held: list[Frame] | None = None

    def hold_back(self) -> None:
        """Keep frames that are pushed from here on, so that what was missed comes before them.

        What is missed itself goes to the ``outlet`` directly.
        """
        if self._held is None:
            self._held = []
            self.push = self._held.append

    def let_through(self) -> None:
        """Send what was held back, and what comes from now on as it comes."""
        held, self._held = self._held, None
        self.push = self.outlet.push
        for frame in held or ():
            self.push(frame)

    def end(self, close_reason: CloseReason) -> None:
        """Close the connection with what its contract says for this ending."""
        self.outlet.close(*self.wire_format.close_code(close_reason))
