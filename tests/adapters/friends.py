"""The `friends` contract."""

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
    Refused,
    Seat,
    Shape,
    a_text,
    a_time,
    a_truth,
    a_uuid,
    an_int,
    assert_holds,
    maybe,
)
from tests.adapters.websockets import WebSocketSeat, answered, connected
from tests.clients import Visitor

CHAT = "/api/v1/chat"
PERSON_SHAPE = {
    "account_id": a_uuid,
    "username": a_text,
    "full_name": a_text,
    "avatar": maybe(a_text),
}
MESSAGE_SHAPE = {
    "message_id": a_uuid,
    "sender_id": a_uuid,
    "receiver_id": a_uuid,
    "content": a_text,
    "status": lambda value: value in {"sent", "delivered", "read"},
    "created_at": a_time,
    "sender": PERSON_SHAPE,
    "seq": an_int,
}
CHANGES = {"message_edited": EDITED, "message_deleted": DELETED, "message_reaction": REACTION}


class FriendsSeat(WebSocketSeat):
    """An account's socket, of which only what concerns one friend is told."""

    async def says(self, text: str, *, client_id: str | None = None) -> Heard:
        client_id = client_id or f"{self.place.number} {text}"[:64]
        friend = self.place.other(self.visitor.keys).uid
        await self.asks("send_message", receiver_id=friend, content=text, client_id=client_id)
        frame = await self._answer(lambda frame: frame.get("client_id") == client_id)
        assert_holds({"type": "message_sent", "message_id": a_uuid, "status": a_text}, frame)
        me = self.visitor.keys.uid
        return Heard(MESSAGE, frame["message_id"], frame["seq"], me, text, frame["seq"])

    async def edits(self, message: Heard, text: str) -> None:
        await self.asks("edit_message", message_id=message.uid, content=text)
        await self.settled()

    async def deletes(self, message: Heard) -> None:
        await self.asks("delete_message", message_id=message.uid)
        await self.settled()

    async def reacts(self, message: Heard, emoji: str) -> None:
        await self.asks("react", message_id=message.uid, emoji=emoji)
        await self.settled()

    def _heard(self, frame: Frame) -> Heard | None:
        if frame.get("friend_id") != self.place.other(self.visitor.keys).uid:
            return None
        if frame["type"] == "new_message":
            assert_holds(Friends.live, frame)
            return read(frame["message"])
        if frame["type"] not in CHANGES:
            return None
        text = frame.get("content") or frame.get("emoji") or ""
        what = CHANGES[frame["type"]]
        return Heard(what, frame["message_id"], frame["seq"], frame["user_id"], text, frame["seq"])


def read(shown: Frame) -> Heard:
    author, seq = shown["sender_id"], shown["seq"]
    return Heard(MESSAGE, shown["message_id"], seq, author, shown["content"], seq)


class Friends(Door):
    """What two friends write to each other."""

    name = "friends"
    opens = frozenset({"direct"})
    live: ClassVar[Shape] = {"type": "new_message", "message": MESSAGE_SHAPE}
    kept: ClassVar[Shape] = {
        **MESSAGE_SHAPE,
        "is_deleted": a_truth,
        "updated_at": a_time,
        "read_at": maybe(a_time),
        "receiver": PERSON_SHAPE,
    }

    @asynccontextmanager
    async def enter(self, visitor: Visitor, place: Place, after: Any = None) -> AsyncIterator[Seat]:
        path = f"{CHAT}/ws/chat" + ("" if after is None else "?resume=1")
        async with connected(visitor, path) as socket:
            seat = FriendsSeat(visitor, place, socket)
            if after is not None:
                await seat.asks("resume", after={place.other(visitor.keys).uid: after})
            yield seat

    async def pages(self, visitor: Visitor, place: Place) -> AsyncIterator[list[Frame]]:
        path, seq = f"{CHAT}/messages/history/{place.other(visitor.keys).uid}", 0
        while page := (await visitor.get(path, limit=100, after_seq=seq))["messages"]:
            yield page
            seq = page[-1]["seq"]

    def read(self, place: Place, shown: Frame) -> Heard:
        return read(shown)

    async def intrude(self, stranger: Visitor, place: Place) -> dict[str, Any]:
        one = place.people[0].uid
        body = {"receiver_id": one, "content": "Me too"}
        async with connected(stranger, f"{CHAT}/ws/chat") as socket:
            seat = FriendsSeat(
                stranger, Place("direct", 0, "", (place.people[0], stranger.keys)), socket
            )
            try:
                await seat.says("Me too")
            except Refused as refusal:
                said = str(refusal)
        path = f"{CHAT}/messages/history/{one}"
        return {
            "say": said,
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", f"{CHAT}/messages/", json=body)),
        }
