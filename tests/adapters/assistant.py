"""The `assistant` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    Frame,
    Heard,
    Place,
    Refused,
    Seat,
    Shape,
    a_text,
    a_time,
    a_uuid,
    an_int,
    an_object,
    assert_holds,
)
from tests.adapters.sessions import CHAT, Sessions
from tests.adapters.websockets import WebSocketSeat, answered, connected
from tests.clients import Visitor

CHANGES = {"message_edited": EDITED, "message_deleted": DELETED, "reaction": REACTION}


class AssistantSeat(WebSocketSeat):
    """One socket that has joined one session."""

    async def joins(self, after: Any = None) -> None:
        """Hear of the session; raises `Refused`."""
        await self._until(lambda frame: frame["type"] == "connection_established")
        cursor = {} if after is None else {"after_seq": after}
        await self.asks("join_session", session_id=self.place.uid, **cursor)
        await self._answer(lambda frame: frame["type"] == "session_joined")

    async def says(self, text: str, *, client_id: str | None = None) -> Heard:
        client_id = client_id or f"{self.place.number} {text}"[:64]
        session = self.place.uid
        await self.asks("chat_message", session_id=session, content=text, client_id=client_id)
        frame = await self._answer(
            lambda frame: frame.get("metadata", {}).get("client_id") == client_id
        )
        return self._shown(frame)

    async def edits(self, message: Heard, text: str) -> None:
        await self._changes("edit_message", message, content=text)

    async def deletes(self, message: Heard) -> None:
        await self._changes("delete_message", message)

    async def reacts(self, message: Heard, emoji: str) -> None:
        await self._changes("react", message, emoji=emoji)

    async def _changes(self, kind: str, message: Heard, **fields: Any) -> None:
        await self.asks(kind, session_id=self.place.uid, message_id=message.uid, **fields)
        await self.settled()

    def _heard(self, frame: Frame) -> Heard | None:
        if frame["type"] == "message":
            return self._shown(frame)
        if frame["type"] not in CHANGES:
            return None
        text = frame.get("content") or frame.get("emoji") or ""
        what, seq = CHANGES[frame["type"]], frame["seq"]
        return Heard(what, frame["message_id"], seq, frame["user_id"], text, seq)

    def _shown(self, frame: Frame) -> Heard:
        assert_holds(Assistant.live, frame)
        author, content, seq = frame["sender_id"], frame["content"], frame["seq"]
        return Heard(MESSAGE, frame["id"], seq, author, content, seq)


class Assistant(Sessions):
    """All sessions of an account on one socket; over REST they are those of `sessions`."""

    name = "assistant"
    live: ClassVar[Shape] = {
        "type": "message",
        "id": a_uuid,
        "session_id": a_uuid,
        "role": lambda value: value in {"user", "assistant", "system"},
        "sender_id": a_uuid,
        "content": a_text,
        "seq": an_int,
        "timestamp": a_time,
        "metadata": an_object,
    }

    @asynccontextmanager
    async def enter(self, visitor: Visitor, place: Place, after: Any = None) -> AsyncIterator[Seat]:
        async with connected(visitor, "/ws/chat") as socket:
            seat = AssistantSeat(visitor, place, socket)
            await seat.joins(after)
            yield seat

    async def intrude(self, stranger: Visitor, place: Place) -> dict[str, Any]:
        path = f"{CHAT}/sessions/{place.uid}/messages"
        async with connected(stranger, "/ws/chat") as socket:
            seat = AssistantSeat(stranger, place, socket)
            try:
                await seat.joins()
                entered = None
            except Refused as refusal:
                entered = str(refusal)
            try:
                await seat.says("Me too")
                said = None
            except Refused as refusal:
                said = str(refusal)
        return {
            "enter": entered,
            "say": said,
            "read": answered(await stranger.ask("GET", path)),
        }
