"""The `conversations` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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
    a_text,
    a_time_with_a_space,
    a_uuid,
    an_int,
    assert_holds,
)
from tests.adapters.websockets import WebSocketSeat, answered, connected, end_of
from tests.clients import Visitor

MESSAGE_SHAPE = {
    "type": "message",
    "id": an_int,
    "uid": a_uuid,
    "content": a_text,
    "sender_id": an_int,
    "sender_name": a_text,
    "conversation_id": an_int,
    "created_at": a_time_with_a_space,
    "seq": an_int,
}
CHANGES = {"message_edited": EDITED, "message_deleted": DELETED, "reaction": REACTION}


class ConversationsSeat(WebSocketSeat):
    """One socket in one conversation."""

    def __init__(self, visitor: Visitor, place: Place, socket: Any) -> None:
        super().__init__(visitor, place, socket)
        # Changes name a message by its number.
        self._uids: dict[int, str] = {}

    async def says(self, text: str, *, client_id: str | None = None) -> Heard:
        client_id = client_id or f"{self.place.number} {text}"[:64]
        await self.sends({"content": text, "client_id": client_id})
        frame = await self._answer(lambda frame: frame.get("client_id") == client_id)
        return self._shown(frame)

    async def edits(self, message: Heard, text: str) -> None:
        await self.asks("edit", message_id=self._number(message), content=text)
        await self.settled()

    async def deletes(self, message: Heard) -> None:
        await self.asks("delete", message_id=self._number(message))
        await self.settled()

    async def reacts(self, message: Heard, emoji: str) -> None:
        await self.asks("react", message_id=self._number(message), emoji=emoji)
        await self.settled()

    def numbered(self, shown: Frame) -> None:
        """Know by what number this contract names a message."""
        self._uids[shown["id"]] = shown["uid"]

    def _number(self, message: Heard) -> int:
        return next(number for number, uid in self._uids.items() if uid == message.uid)

    def _heard(self, frame: Frame) -> Heard | None:
        if frame["type"] == "message":
            return self._shown(frame)
        if frame["type"] not in CHANGES:
            return None
        return Heard(
            CHANGES[frame["type"]],
            self._uids[frame["message_id"]],
            frame["seq"],
            self.place.uid_of(frame["user_id"]),
            frame.get("content") or frame.get("emoji") or "",
            frame["seq"],
        )

    def _shown(self, frame: Frame) -> Heard:
        assert_holds(Conversations.live, frame)
        self.numbered(frame)
        return read(self.place, frame)


def read(place: Place, shown: Frame) -> Heard:
    author = place.uid_of(shown["sender_id"])
    return Heard(MESSAGE, shown["uid"], shown["seq"], author, shown["content"], shown["seq"])


class Conversations(Door):
    """Every conversation that an account is a member of."""

    name = "conversations"
    opens = frozenset({"group", "direct", "session"})
    live = MESSAGE_SHAPE
    kept = MESSAGE_SHAPE

    @asynccontextmanager
    async def enter(self, visitor: Visitor, place: Place, after: Any = None) -> AsyncIterator[Seat]:
        path = f"/conversations/{place.number}/ws"
        path += "" if after is None else f"?after_seq={after}"
        async with connected(visitor, path) as socket:
            yield ConversationsSeat(visitor, place, socket)

    async def pages(self, visitor: Visitor, place: Place) -> AsyncIterator[list[Frame]]:
        path, seq = f"/conversations/{place.number}/messages", 0
        while page := await visitor.get(path, limit=100, after_seq=seq):
            yield page
            seq = page[-1]["seq"]

    def read(self, place: Place, shown: Frame) -> Heard:
        return read(place, shown)

    async def intrude(self, stranger: Visitor, place: Place) -> dict[str, Any]:
        path = f"/conversations/{place.number}/messages"
        return {
            "enter": await end_of(stranger, f"/conversations/{place.number}/ws"),
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", path, json={"content": "Me too"})),
        }
