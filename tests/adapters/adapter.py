"""What every contract can do, in one shape: the base of the adapters that stand beside this file.

A test that must hold for all contracts is written once against `ContractClient` and
`ContractConnection`. Another contract joins with one class of each, and its line in `every.py`.
"""

import re
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from tests.clients import Client, LoggedIn

Frame = dict[str, Any]
Shape = Mapping[str, Any]
MESSAGE, EDITED, DELETED, REACTION = "message", "edited", "deleted", "reaction"


@dataclass(frozen=True)
class SharedConversation:
    """A conversation under all of its names. ``people`` are the two in it; who began it first."""

    kind: str
    number: int
    uid: str
    people: tuple[LoggedIn, LoggedIn]

    @property
    def customer(self) -> LoggedIn:
        return self.people[0]

    def other(self, keys: LoggedIn) -> LoggedIn:
        return next(person for person in self.people if person.uid != keys.uid)

    def uid_of(self, number: int) -> str:
        """The UUID of somebody of whom a contract shows the number."""
        return next(person.uid for person in self.people if person.id == number)


@dataclass(frozen=True)
class ShownEvent:
    """One event as a contract showed it, reduced to what all contracts say of it.

    ``text`` is the content, or the emoji; ``cursor`` is what this contract wants to be given back.
    """

    what: str
    uid: str
    seq: int
    author: str
    text: str
    cursor: Any

    @property
    def fact(self) -> tuple[str, str, int, str, str]:
        """What must be the same, whichever contract shows it."""
        return self.what, self.uid, self.seq, self.author, self.text


class RequestRefused(Exception):
    """What was asked for was refused; the code is all that the text says, ``facts`` the rest."""

    def __init__(self, code: str, facts: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(code)
        self.facts = facts


class ConnectionGone(ConnectionError):
    """The connection has ended."""


class ContractConnection(ABC):
    """One connection, as far as one conversation is concerned."""

    def __init__(self, client: Client, conversation: SharedConversation) -> None:
        self.client, self.conversation = client, conversation
        self._kept: deque[ShownEvent] = deque()
        self._recorded: list[Frame] = []

    def recorded(self) -> list[Frame]:
        """Every frame that it is sent from here on, as far as it is looked for."""
        self._recorded = []
        return self._recorded

    async def hears(self) -> ShownEvent:
        """The next event that the connection was sent, other than answers to its own requests."""
        while not self._kept:
            self._keep(await self._next())
        return self._kept.popleft()

    async def until(self, what: str, uid: str) -> ShownEvent:
        """The next event of this kind about this message; others before it are passed over."""
        while True:
            heard = await self.hears()
            if (heard.what, heard.uid) == (what, uid):
                return heard

    @abstractmethod
    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        """The message, once it was acknowledged; raises `RequestRefused`."""

    @abstractmethod
    async def edits(self, message: ShownEvent, text: str) -> None:
        """Ask for another content; raises `RequestRefused`."""

    @abstractmethod
    async def deletes(self, message: ShownEvent) -> None:
        """Ask for a deletion; raises `RequestRefused`."""

    @abstractmethod
    async def reacts(self, message: ShownEvent, emoji: str) -> None:
        """Ask for an emoji on a message; raises `RequestRefused`."""

    @abstractmethod
    async def everything(self) -> list[ShownEvent]:
        """All that has come so far and was not asked for."""

    @abstractmethod
    async def floods(self, size: int) -> None:
        """Send one frame of this many bytes."""

    @abstractmethod
    async def ended(self) -> Any:
        """How the server ends the connection, once it does."""

    @abstractmethod
    async def _next(self) -> Frame:
        """The next frame; raises `ConnectionGone`."""

    @abstractmethod
    def _shown_event(self, frame: Frame) -> ShownEvent | None:
        """What a frame tells, if it is one of the four."""

    def _keep(self, frame: Frame) -> None:
        self._recorded.append(frame)
        heard = self._shown_event(frame)
        if heard is not None:
            self._kept.append(heard)

    async def _until(self, is_it: Callable[[Frame], bool]) -> Frame:
        """The next frame that is it; what others tell is kept."""
        while not is_it(frame := await self._next()):
            self._keep(frame)
        return frame

    def _all_kept(self) -> list[ShownEvent]:
        kept = list(self._kept)
        self._kept.clear()
        return kept


class ContractClient(ABC):
    """One contract. ``opens`` are the kinds of conversations that it shows to their members."""

    name: ClassVar[str]
    opens: ClassVar[frozenset[str]]
    live: ClassVar[Shape]
    kept: ClassVar[Shape]

    @abstractmethod
    def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AbstractAsyncContextManager[ContractConnection]:
        """A connection that hears what comes after a cursor, or after 0: all that ever was."""

    @abstractmethod
    def pages(self, client: Client, conversation: SharedConversation) -> AsyncIterator[list[Frame]]:
        """The whole history as this contract shows it, page by page from its beginning."""

    @abstractmethod
    def read(self, conversation: SharedConversation, shown: Frame) -> ShownEvent:
        """What a message of the history says."""

    @abstractmethod
    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        """How somebody is answered who is not in the conversation, by what they tried."""

    async def history(self, client: Client, conversation: SharedConversation) -> list[ShownEvent]:
        """All messages, oldest first, each checked to have this contract's shape."""
        found = []
        async for page in self.pages(client, conversation):
            for shown in page:
                assert_holds(self.kept, shown)
                found.append(self.read(conversation, shown))
        return found


# -- shapes ----------------------------------------------------------------------------------------


def an_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def a_text(value: Any) -> bool:
    return isinstance(value, str)


def a_truth(value: Any) -> bool:
    return isinstance(value, bool)


def a_list(value: Any) -> bool:
    return isinstance(value, list)


def an_object(value: Any) -> bool:
    return isinstance(value, dict)


def a_uuid(value: Any) -> bool:
    return isinstance(value, str) and str(uuid.UUID(value)) == value


def a_time(value: Any) -> bool:
    """UTC as ISO 8601 has it."""
    return isinstance(value, str) and bool(re.fullmatch(r"[-\d]{10}T[\d:]{8}(\.\d+)?Z", value))


def a_time_with_a_space(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[-\d]{10} [\d:]{8}Z", value))


def maybe(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Or null."""
    return lambda value: value is None or holds(value)


def assert_holds(shape: Any, value: Any, where: str = "frame") -> None:
    """The value has every field of the shape, each of its type or its value; it may have more."""
    if isinstance(shape, Mapping):
        assert isinstance(value, dict), f"{where} is {value!r}"
        for name, part in shape.items():
            assert name in value, f"{where} has no {name}: {value}"
            assert_holds(part, value[name], f"{where}.{name}")
    elif callable(shape):
        assert shape(value), f"{where} is {value!r}"
    else:
        assert value == shape, f"{where} is {value!r}, not {shape!r}"
