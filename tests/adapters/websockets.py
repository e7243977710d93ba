"""What the contracts over plain WebSockets have in common in tests."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from websockets.exceptions import ConnectionClosed

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    ConnectionGone,
    ContractConnection,
    Frame,
    RequestRefused,
    SharedConversation,
    ShownEvent,
)
from tests.clients import Client, Socket
from tests.deadlines import WITHIN_S


class WebSocketConnection(ContractConnection):
    """A connection whose frames are JSON objects; ``tag`` is the field with their kind.

    ``kind_of`` has what is asked for to change a message, ``told`` what is told of a change.
    """

    tag: ClassVar[str] = "type"
    kind_of: ClassVar[Mapping[str, str]] = {EDITED: "edit", DELETED: "delete", REACTION: "react"}
    told: ClassVar[Mapping[str, str]] = {
        "message": MESSAGE,
        "message_edited": EDITED,
        "message_deleted": DELETED,
        "reaction": REACTION,
    }

    def __init__(self, client: Client, conversation: SharedConversation, socket: Socket) -> None:
        super().__init__(client, conversation)
        self._socket = socket

    async def asks(self, kind: str, **fields: Any) -> None:
        """Send a frame of this kind."""
        await self.sends({self.tag: kind, **fields})

    async def sends(self, frame: Frame | str) -> None:
        """Send something; raises `ConnectionGone`."""
        try:
            await self._socket.says(frame)
        except ConnectionClosed as closed:
            raise ConnectionGone from closed

    async def edits(self, message: ShownEvent, text: str) -> None:
        await self._changes(EDITED, message, content=text)

    async def deletes(self, message: ShownEvent) -> None:
        await self._changes(DELETED, message)

    async def reacts(self, message: ShownEvent, emoji: str) -> None:
        await self._changes(REACTION, message, emoji=emoji)

    async def _changes(self, what: str, message: ShownEvent, **fields: Any) -> None:
        await self.asks(self.kind_of[what], message_id=self.name_of(message), **fields)
        await self.settled()

    def name_of(self, message: ShownEvent) -> Any:
        """How this contract names a message."""
        return message.uid

    def facts(self, frame: Frame) -> Frame:
        """Where in a frame the message, its place and the emoji are named."""
        return frame

    def event_of(self, what: str, frame: Frame) -> ShownEvent:
        facts = self.facts(frame)
        text, seq = frame.get("content") or facts.get("emoji") or "", facts["seq"]
        return ShownEvent(what, facts["message_id"], seq, frame["user_id"], text, seq)

    @abstractmethod
    def shown(self, frame: Frame) -> ShownEvent:
        """What a frame with a message says, once it was checked to have its shape."""

    def _shown_event(self, frame: Frame) -> ShownEvent | None:
        what = self.told.get(frame[self.tag])
        if what is None:
            return None
        return self.shown(frame) if what == MESSAGE else self.event_of(what, frame)

    async def everything(self) -> list[ShownEvent]:
        await self.asks("ping")
        await self._until(lambda frame: frame[self.tag] == "pong")
        return self._all_kept()

    async def floods(self, size: int) -> None:
        await self.sends("x" * size)

    async def ended(self) -> Any:
        while True:
            try:
                await self._next()
            except ConnectionGone:
                return self._socket.connection.close_code

    async def settled(self) -> None:
        """What was asked for has been done; raises `RequestRefused` if it was refused."""
        await self.asks("ping")
        frame = await self._until(lambda frame: frame[self.tag] in {"pong", "error"})
        if frame[self.tag] == "error":
            await self._until(lambda frame: frame[self.tag] == "pong")
            raise RequestRefused(self.code_of(frame))

    async def _answer(self, is_it: Callable[[Frame], bool]) -> Frame:
        """The frame that is it; raises `RequestRefused` if an error comes before."""
        frame = await self._until(lambda frame: frame[self.tag] == "error" or is_it(frame))
        if frame[self.tag] == "error":
            raise RequestRefused(self.code_of(frame), frame.get("metadata", frame))
        return frame

    def code_of(self, error: Frame) -> str:
        return str(error["code"])

    async def _next(self) -> Frame:
        try:
            # Not `hears`, which knows frames by another field in each contract.
            text = await asyncio.wait_for(self._socket.connection.recv(), WITHIN_S)
        except ConnectionClosed as closed:
            raise ConnectionGone from closed
        frame: Frame = json.loads(text)
        return frame


@asynccontextmanager
async def connected(client: Client, path: str) -> AsyncIterator[Socket]:
    """A socket that is gone in the end, whatever the server has to say about it."""
    socket = await client.connect(path)
    try:
        yield socket
    finally:
        socket.connection.transport.abort()


async def end_of(client: Client, path: str) -> int | None:
    """The code with which a socket is closed that should not have been opened."""
    async with connected(client, path) as socket:
        await asyncio.wait_for(socket.connection.wait_closed(), WITHIN_S)
        return socket.connection.close_code


def answered(answer: Any) -> tuple[int, str]:
    """The status and code of a refusal over REST."""
    return answer.status_code, answer.json()["code"]
