"""The `sessions` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    Door,
    Frame,
    Heard,
    Place,
    Seat,
    Shape,
    a_list,
    a_text,
    a_time,
    a_uuid,
    an_int,
    an_object,
    assert_holds,
    maybe,
)
from tests.adapters.websockets import WebSocketSeat, answered, connected, end_of
from tests.clients import Visitor

CHAT = "/api/v1/chat"
FILE_SHAPE = {
    "file_url": maybe(a_text),
    "file_name": maybe(a_text),
    "file_size": maybe(an_int),
    "file_type": maybe(a_text),
}
CHANGES = {"message_edited": EDITED, "message_deleted": DELETED, "reaction": REACTION}


class SessionsSeat(WebSocketSeat):
    """One socket in one session."""

    tag = "message_type"

    async def says(self, text: str, *, client_id: str | None = None) -> Heard:
        client_id = client_id or f"{self.place.number} {text}"[:64]
        await self.asks("text", content=text, client_id=client_id)
        frame = await self._answer(lambda frame: frame["metadata"].get("client_id") == client_id)
        return self._shown(frame)

    async def edits(self, message: Heard, text: str) -> None:
        await self.asks("edit", message_id=message.uid, content=text)
        await self.settled()

    async def deletes(self, message: Heard) -> None:
        await self.asks("delete", message_id=message.uid)
        await self.settled()

    async def reacts(self, message: Heard, emoji: str) -> None:
        await self.asks("reaction", message_id=message.uid, emoji=emoji)
        await self.settled()

    def code_of(self, error: Frame) -> str:
        return str(error["metadata"]["code"])

    def _heard(self, frame: Frame) -> Heard | None:
        if frame["message_type"] == "message":
            return self._shown(frame)
        if frame["message_type"] not in CHANGES:
            return None
        facts = frame["metadata"]
        text = frame.get("content") or facts.get("emoji") or ""
        what = CHANGES[frame["message_type"]]
        return Heard(what, facts["message_id"], facts["seq"], frame["user_id"], text, facts["seq"])

    def _shown(self, frame: Frame) -> Heard:
        assert_holds(Sessions.live, frame)
        facts = frame["metadata"]
        return Heard(
            MESSAGE,
            facts["message_id"],
            facts["seq"],
            frame["user_id"],
            frame["content"],
            facts["seq"],
        )


class Sessions(Door):
    """The sessions of a customer with staff."""

    name = "sessions"
    opens = frozenset({"session"})
    live: ClassVar[Shape] = {
        "message_type": "message",
        "chat_session_id": a_uuid,
        "user_id": a_uuid,
        "content": a_text,
        "timestamp": a_time,
        "metadata": {
            "message_id": a_uuid,
            "seq": an_int,
            "reply_to_id": maybe(a_uuid),
            "mentions": a_list,
            "message_type": a_text,
            **FILE_SHAPE,
        },
    }
    kept: ClassVar[Shape] = {
        "id": a_uuid,
        "chat_session_id": a_uuid,
        "sender_id": a_uuid,
        "message_type": a_text,
        "content": a_text,
        "status": lambda value: value in {"sent", "delivered", "read"},
        "created_at": a_time,
        "read_by_count": an_int,
        "seq": an_int,
        "reply_to_id": maybe(a_uuid),
        "mentions": a_list,
        "edited_at": maybe(a_time),
        "is_deleted": lambda value: isinstance(value, bool),
        "reactions": a_list,
        "metadata": an_object,
        **FILE_SHAPE,
    }

    @asynccontextmanager
    async def enter(self, visitor: Visitor, place: Place, after: Any = None) -> AsyncIterator[Seat]:
        path = f"{CHAT}/ws/{place.uid}" + ("" if after is None else f"?after_seq={after}")
        async with connected(visitor, path) as socket:
            yield SessionsSeat(visitor, place, socket)

    async def pages(self, visitor: Visitor, place: Place) -> AsyncIterator[list[Frame]]:
        path, seq = f"{CHAT}/sessions/{place.uid}/messages", 0
        while page := await visitor.get(path, limit=100, after_seq=seq):
            yield page
            seq = page[-1]["seq"]

    def read(self, place: Place, shown: Frame) -> Heard:
        return Heard(
            MESSAGE, shown["id"], shown["seq"], shown["sender_id"], shown["content"], shown["seq"]
        )

    async def intrude(self, stranger: Visitor, place: Place) -> dict[str, Any]:
        path = f"{CHAT}/sessions/{place.uid}/messages"
        return {
            "enter": await end_of(stranger, f"{CHAT}/ws/{place.uid}"),
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", path, json={"content": "Me too"})),
        }
