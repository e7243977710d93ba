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
    ConnectionGone,
    ContractClient,
    ContractConnection,
    Frame,
    RequestRefused,
    SharedConversation,
    ShownEvent,
    a_text,
    a_time,
    a_truth,
    a_uuid,
    an_int,
    assert_holds,
    maybe,
)
from tests.adapters.websockets import answered
from tests.clients import Client
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


class SupportConnection(ContractConnection):
    """A client that listens to one customer's thread."""

    def __init__(
        self, client: Client, conversation: SharedConversation, peer: peers.PythonPeer
    ) -> None:
        super().__init__(client, conversation)
        self._peer = peer

    async def calls(self, event: str, **data: Any) -> Frame:
        """The ack of an event; raises `RequestRefused`."""
        try:
            answer = await self._peer.call(event, data)
        except SocketIOError as error:
            raise ConnectionGone from error
        if not answer["success"]:
            raise RequestRefused(answer["error"]["code"], answer["error"])
        return answer

    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        customer = self.conversation.customer.uid
        to = {} if self.client.uid == customer else {"receiver_id": customer}
        client_id = client_id or f"{self.conversation.number} {text}"[:64]
        answer = await self.calls("send_message", message_text=text, client_id=client_id, **to)
        assert_holds(Support.live, answer["message"])
        return read(answer["message"])

    async def edits(self, message: ShownEvent, text: str) -> None:
        await self.calls("edit_message", message_id=message.uid, message_text=text)

    async def deletes(self, message: ShownEvent) -> None:
        await self.calls("delete_message", message_id=message.uid)

    async def reacts(self, message: ShownEvent, emoji: str) -> None:
        await self.calls("react", message_id=message.uid, emoji=emoji)

    async def everything(self) -> list[ShownEvent]:
        await self._peer.emit("heartbeat")
        await self._until(lambda frame: frame["event"] == "heartbeat")
        return self._all_kept()

    async def floods(self, size: int) -> None:
        try:
            await self._peer.emit("send_message", {"message_text": "x" * size})
        except SocketIOError as error:
            raise ConnectionGone from error

    async def ended(self) -> Any:
        with suppress(ConnectionGone):
            while True:
                await self._next()
        return "gone"

    async def _next(self) -> Frame:
        name, args = await self._peer.next()
        if name == "disconnect":
            raise ConnectionGone
        return {"event": name, **(args[0] if args else {})}

    def _shown_event(self, frame: Frame) -> ShownEvent | None:
        if frame.get("session_id") != self.conversation.uid:
            return None  # Staff are told of all whom they serve.
        if frame["event"] == "receive_message":
            assert_holds(Support.live, frame)
            return read(frame)
        if frame["event"] not in CHANGES:
            return None
        what, author, text = CHANGES[frame["event"]]
        said = frame.get(text, "")
        name, seq = frame["message_id"], frame["seq"]
        return ShownEvent(what, name, seq, frame[author], said, frame.get("cursor"))


def read(shown: Frame) -> ShownEvent:
    author, text = shown["sender_id"], shown["message_text"]
    return ShownEvent(MESSAGE, shown["_id"], shown["seq"], author, text, shown.get("cursor"))


class Support(ContractClient):
    """A customer's own thread, or, for staff, any customer's."""

    name = "support"
    opens = frozenset({"session"})
    live = MESSAGE_SHAPE
    kept = MESSAGE_SHAPE

    @asynccontextmanager
    async def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AsyncIterator[ContractConnection]:
        is_staff = client.uid != conversation.customer.uid
        auth: Frame = {}
        if isinstance(after, str):
            # In order only so: told of it after CONNECT, it comes after what came meanwhile.
            auth = {"rooms": {conversation.customer.uid: after}} if is_staff else {"cursor": after}
        async with connected(client, auth) as peer:
            connection = SupportConnection(client, conversation, peer)
            since = {"after_seq": 0, "session_id": conversation.uid} if after == 0 else {}
            if is_staff:
                await connection.calls("join_room", user_id=conversation.customer.uid, **since)
            elif after == 0:
                await connection.calls("resume", **since)
            yield connection

    async def pages(
        self, client: Client, conversation: SharedConversation
    ) -> AsyncIterator[list[Frame]]:
        is_staff, seq = client.uid != conversation.customer.uid, 0
        path = (
            f"/chat/history/user/{conversation.customer.uid}" if is_staff else "/chat/history/self"
        )
        session = conversation.uid
        while page := await client.get(path, limit=200, after_seq=seq, session_id=session):
            yield [shown for shown in page if shown["session_id"] == session]
            session, seq = page[-1]["session_id"], page[-1]["seq"]

    def read(self, conversation: SharedConversation, shown: Frame) -> ShownEvent:
        return read(shown)

    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        customer = conversation.customer.uid
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
async def connected(client: Client, auth: Frame) -> AsyncIterator[peers.PythonPeer]:
    """A client that does not come back by itself, so that its test sees it go."""
    peer = peers.PythonPeer()
    peer.io.reconnection = False
    try:
        said = {"token": client.token, **auth}
        await peer.open(client.server.url, said, ["websocket"])
        yield peer
    except peers.ConnectionRefused as refusal:
        raise ConnectionGone from refusal
    finally:
        await peer.leave()
        # The client leaves this open where it could not connect, or lost the connection.
        if (http := peer.io.eio.http) is not None:
            await http.close()
