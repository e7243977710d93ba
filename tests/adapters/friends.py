"""The `friends` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    ContractClient,
    ContractConnection,
    Frame,
    RequestRefused,
    Shape,
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
from tests.adapters.websockets import WebSocketConnection, answered, connected
from tests.clients import Client

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


class FriendsConnection(WebSocketConnection):
    """An account's socket, of which only what concerns one friend is told."""

    kind_of: ClassVar = {EDITED: "edit_message", DELETED: "delete_message", REACTION: "react"}
    told: ClassVar = {
        "new_message": MESSAGE,
        "message_edited": EDITED,
        "message_deleted": DELETED,
        "message_reaction": REACTION,
    }

    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        client_id = client_id or f"{self.conversation.number} {text}"[:64]
        friend = self.conversation.other(self.client.login).uid
        await self.asks("send_message", receiver_id=friend, content=text, client_id=client_id)
        frame = await self._answer(lambda frame: frame.get("client_id") == client_id)
        assert_holds({"type": "message_sent", "message_id": a_uuid, "status": a_text}, frame)
        me = self.client.uid
        return ShownEvent(MESSAGE, frame["message_id"], frame["seq"], me, text, frame["seq"])

    def _shown_event(self, frame: Frame) -> ShownEvent | None:
        if frame.get("friend_id") != self.conversation.other(self.client.login).uid:
            return None
        return super()._shown_event(frame)

    def shown(self, frame: Frame) -> ShownEvent:
        assert_holds(Friends.live, frame)
        return read(frame["message"])


def read(shown: Frame) -> ShownEvent:
    author, seq = shown["sender_id"], shown["seq"]
    return ShownEvent(MESSAGE, shown["message_id"], seq, author, shown["content"], seq)


class Friends(ContractClient):
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
    async def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AsyncIterator[ContractConnection]:
        path = f"{CHAT}/ws/chat" + ("" if after is None else "?resume=1")
        async with connected(client, path) as socket:
            connection = FriendsConnection(client, conversation, socket)
            if after is not None:
                await connection.asks("resume", after={conversation.other(client.login).uid: after})
            yield connection

    async def pages(
        self, client: Client, conversation: SharedConversation
    ) -> AsyncIterator[list[Frame]]:
        path, seq = f"{CHAT}/messages/history/{conversation.other(client.login).uid}", 0
        while page := (await client.get(path, limit=100, after_seq=seq))["messages"]:
            yield page
            seq = page[-1]["seq"]

    def read(self, conversation: SharedConversation, shown: Frame) -> ShownEvent:
        return read(shown)

    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        one = conversation.people[0].uid
        body = {"receiver_id": one, "content": "Me too"}
        async with connected(stranger, f"{CHAT}/ws/chat") as socket:
            connection = FriendsConnection(
                stranger,
                SharedConversation("direct", 0, "", (conversation.people[0], stranger.login)),
                socket,
            )
            try:
                await connection.says("Me too")
            except RequestRefused as refusal:
                said = str(refusal)
        path = f"{CHAT}/messages/history/{one}"
        return {
            "say": said,
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", f"{CHAT}/messages/", json=body)),
        }
