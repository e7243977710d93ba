"""How a contract of JSON frames serves one connection: from what came in to what is answered."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.admitted_client import AdmittedClient
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.refused import end_flood, note_refused
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.realtime.services import Services

Asked = TypeVar("Asked")
Intention = TypeVar("Intention", bound=Struct)


class FrameHandler(ABC, Generic[Intention, Asked]):
    """Serves one connection: every frame is decoded, counted, done, and refused in one place.

    ``Asked`` is what a contract keeps of a frame to answer it with, such as its ``client_id``.
    """

    __slots__ = ("_patience", "_sender", "connection", "unanswered")

    kinds: ClassVar[Mapping[type[Struct], IntentionKind]]
    """Which kind of intention each frame is."""

    def __init__(self, client: AdmittedClient, connection: Connection) -> None:
        self.connection = connection
        self.unanswered = 0
        self._sender = client.sender
        self._patience = self._services.entrance.patience(connection.person.id)

    @property
    def _services(self) -> Services:
        return self._sender.services

    def receive(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in; posting goes on while the next frame is read."""
        asked = None
        try:
            entrance, me = self._services.entrance, self.connection.person.id
            entrance.enter(me, IntentionKind.FRAME)
            intention = self._decode(data)
            asked = self._asked(intention)
            entrance.enter(me, self.kinds[type(intention)])
            doing = self._do(intention)
        except Refusal as refusal:
            self._refuse(refusal, asked)
            return None
        return None if doing is None else self._attempt(doing, asked)

    def report_fault(self) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self.show_fault(None)

    def _send(self, frame: Struct) -> None:
        """Send a frame to this client alone."""
        self.connection.push(json_frame(frame))

    async def _attempt(self, doing: Awaitable[object], asked: Asked | None) -> None:
        """Do it; a refusal is shown to the client."""
        try:
            await doing
        except (Refusal, Unavailable) as refusal:
            self._refuse(refusal, asked)

    def _refuse(self, refusal: Refusal | Unavailable, asked: Asked | None) -> None:
        """Say why, and close the connection of whoever does not wait when they are told to."""
        note_refused(self._services, refusal, self.connection.person)
        self.show_refusal(refusal, asked)
        if self._patience.ends_at(refusal):
            end_flood(self._services, self.connection)

    @abstractmethod
    def _decode(self, data: str | bytes) -> Intention:
        """What a frame asks for.

        Raises:
            Invalid
        """

    @abstractmethod
    def _asked(self, intention: Intention) -> Asked | None:
        """What is kept of a frame to answer it with."""

    @abstractmethod
    def _do(self, intention: Intention) -> Awaitable[object] | None:
        """Do what a frame asks for. What is returned is awaited before the next frame is read.

        Raises:
            Refusal
        """

    @abstractmethod
    def show_posted(self, posted: Posted, asked: Asked | None, *, is_echoed: bool) -> None:
        """Tell the client that its message is durable, unless its echo has told it already."""

    @abstractmethod
    def show_refusal(self, refusal: Refusal | Unavailable, asked: Asked | None) -> None:
        """Tell the client why a frame was refused; ``None``: nothing could be read of it."""

    @abstractmethod
    def show_fault(self, asked: Asked | None) -> None:
        """Tell the client that a frame met a fault of ours."""
