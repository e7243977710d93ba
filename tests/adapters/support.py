"""The `support` contract, through the official Python client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from socketio.exceptions import SocketIOError

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    Door,
    Frame,
    Gone,
    Heard,
    Place,
    Refused,
    Seat,
    a_text,
    a_time,
    a_truth,
    a_uuid,
    an_int,
    assert_holds,
    maybe,
)
from tests.adapters.websockets import answered
from tests.clients import Visitor
from tests.integration.support import peers

MESSAGE_SHAPE = {
    "_id": a_uuid,
    "sender_id": a_uuid,
    "receiver_id": maybe(a_uuid),
    "message_text": a_text,
    "timestamp": a_time,
    "appointment_id": maybe(a_text),
    "service_id": maybe(a_text),
    "seq": an_int,
    "read": a_truth,
}
CHANGES = {
    "message_edited": (EDITED, "editor_id", "message_text"),
    "message_deleted": (DELETED, "deleter_id", ""),
    "reaction": (REACTION, "reactor_id", "emoji"),
}


class SupportSeat(Seat):
    """A client that listens to one customer's thread."""

    def __init__(self, visitor: Visitor, place: Place, peer: peers.PythonPeer) -> None:
        super().__init__(visitor, place)
        self._peer = peer

    async def calls(self, event: str, **data: Any) -> Frame:
        """The ack of an event; raises `Refused`."""
        try:
            answer = await self._peer.call(event, data)
        except SocketIOError as error:
            raise Gone from error
        if not answer["success"]:
            raise Refused(answer["error"]["code"])
        return answer

    async def says(self, text: str, *, client_id: str | None = None) -> Heard:
        customer = self.place.customer.uid
        to = {} if self.visitor.keys.uid == customer else {"receiver_id": customer}
        client_id = client_id or f"{self.place.number} {text}"[:64]
        answer = await self.calls("send_message", message_text=text, client_id=client_id, **to)
        assert_holds(Support.live, answer["message"])
        return read(answer["message"])

    async def edits(self, message: Heard, text: str) -> None:
        await self.calls("edit_message", message_id=message.uid, message_text=text)

    async def deletes(self, message: Heard) -> None:
        await self.calls("delete_message", message_id=message.uid)

    async def reacts(self, message: Heard, emoji: str) -> None:
        await self.calls("react", message_id=message.uid, emoji=emoji)

    async def everything(self) -> list[Heard]:
        await self._peer.emit("heartbeat")
        await self._until(lambda frame: frame["event"] == "heartbeat")
        return self._all_kept()

    async def floods(self, size: int) -> None:
        await self._peer.emit("send_message", {"message_text": "x" * size})

    async def ended(self) -> Any:
        with suppress(Gone):
            while True:
                await self._next()
        return "gone"

    async def _next(self) -> Frame:
        name, args = await self._peer.next()
        if name == "disconnect":
            raise Gone
        return {"event": name, **(args[0] if args else {})}

    def _heard(self, frame: Frame) -> Heard | None:
        if frame["event"] == "receive_message":
            assert_holds(Support.live, frame)
            return read(frame)
        if frame["event"] not in CHANGES:
            return None
        what, author, text = CHANGES[frame["event"]]
        said = frame.get(text, "")
        name, seq = frame["message_id"], frame["seq"]
        return Heard(what, name, seq, frame[author], said, frame.get("cursor"))


def read(shown: Frame) -> Heard:
    author, text = shown["sender_id"], shown["message_text"]
    return Heard(MESSAGE, shown["_id"], shown["seq"], author, text, shown.get("cursor"))


class Support(Door):
    """A customer's own thread, or, for staff, any customer's."""

    name = "support"
    opens = frozenset({"session"})
    live = MESSAGE_SHAPE
    kept = MESSAGE_SHAPE

    @asynccontextmanager
    async def enter(self, visitor: Visitor, place: Place, after: Any = None) -> AsyncIterator[Seat]:
        is_staff = visitor.keys.uid != place.customer.uid
        auth: Frame = {}
        if isinstance(after, str):
            # In order only so: told of it after CONNECT, it comes after what came meanwhile.
            auth = {"rooms": {place.customer.uid: after}} if is_staff else {"cursor": after}
        async with connected(visitor, auth) as peer:
            seat = SupportSeat(visitor, place, peer)
            since = {"after_seq": 0, "session_id": place.uid} if after == 0 else {}
            if is_staff:
                await seat.calls("join_room", user_id=place.customer.uid, **since)
            elif after == 0:
                await seat.calls("resume", **since)
            yield seat

    async def pages(self, visitor: Visitor, place: Place) -> AsyncIterator[list[Frame]]:
        is_staff, seq = visitor.keys.uid != place.customer.uid, 0
        path = f"/chat/history/user/{place.customer.uid}" if is_staff else "/chat/history/self"
        session = place.uid
        while page := await visitor.get(path, limit=200, after_seq=seq, session_id=session):
            yield [shown for shown in page if shown["session_id"] == session]
            session, seq = page[-1]["session_id"], page[-1]["seq"]

    def read(self, place: Place, shown: Frame) -> Heard:
        return read(shown)

    async def intrude(self, stranger: Visitor, place: Place) -> dict[str, Any]:
        customer = place.customer.uid
        tries = {
            "enter": ("join_room", {"user_id": customer}),
            "say": ("send_message", {"receiver_id": customer, "message_text": "Me too"}),
            "resume": ("resume", {"user_id": customer, "after_seq": 0}),
            "type": ("typing", {"receiver_id": customer, "is_typing": True}),
        }
        found: dict[str, Any] = {}
        async with connected(stranger, {}) as peer:
            for what, (event, data) in tries.items():
                found[what] = (await peer.call(event, data))["error"]["code"]
        path = f"/chat/history/user/{customer}"
        return found | {"read": answered(await stranger.ask("GET", path))}


@asynccontextmanager
async def connected(visitor: Visitor, auth: Frame) -> AsyncIterator[peers.PythonPeer]:
    """A client that does not come back by itself, so that its test sees it go."""
    peer = peers.PythonPeer()
    peer.io.reconnection = False
    try:
        said = {"token": visitor.keys.token, **auth}
        await peer.open(visitor.server.url, said, ["websocket"])
        yield peer
    except peers.Refused as refusal:
        raise Gone from refusal
    finally:
        await peer.leave()
        # The client leaves this open where it could not connect, or lost the connection.
        if (http := peer.io.eio.http) is not None:
            await http.close()
