"""The `conversations` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.adapters.adapter import (
    MESSAGE,
    ContractClient,
    ContractConnection,
    Frame,
    SharedConversation,
    ShownEvent,
    a_text,
    a_time_with_a_space,
    a_uuid,
    an_int,
    assert_holds,
)
from tests.adapters.websockets import WebSocketConnection, answered, connected, end_of
from tests.clients import Client

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


class ConversationsConnection(WebSocketConnection):
    """One socket in one conversation."""

    def __init__(self, client: Client, conversation: SharedConversation, socket: Any) -> None:
        super().__init__(client, conversation, socket)
        # Changes name a message by its number.
        self._uids: dict[int, str] = {}

    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        client_id = client_id or f"{self.conversation.number} {text}"[:64]
        await self.sends({"content": text, "client_id": client_id})
        frame = await self._answer(lambda frame: frame.get("client_id") == client_id)
        return self.shown(frame)

    def numbered(self, shown: Frame) -> None:
        """Know by what number this contract names a message."""
        self._uids[shown["id"]] = shown["uid"]

    def name_of(self, message: ShownEvent) -> int:
        return next(number for number, uid in self._uids.items() if uid == message.uid)

    def event_of(self, what: str, frame: Frame) -> ShownEvent:
        number, author = frame["message_id"], self.conversation.uid_of(frame["user_id"])
        uid = self._uids.get(number, f"message {number}")
        return super().event_of(what, {**frame, "message_id": uid, "user_id": author})

    def shown(self, frame: Frame) -> ShownEvent:
        assert_holds(Conversations.live, frame)
        self.numbered(frame)
        return read(self.conversation, frame)


def read(conversation: SharedConversation, shown: Frame) -> ShownEvent:
    author = conversation.uid_of(shown["sender_id"])
    return ShownEvent(MESSAGE, shown["uid"], shown["seq"], author, shown["content"], shown["seq"])


class Conversations(ContractClient):
    """Every conversation that an account is a member of."""

    name = "conversations"
    opens = frozenset({"group", "direct", "session"})
    live = MESSAGE_SHAPE
    kept = MESSAGE_SHAPE

    @asynccontextmanager
    async def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AsyncIterator[ContractConnection]:
        path = f"/conversations/{conversation.number}/ws"
        path += "" if after is None else f"?after_seq={after}"
        async with connected(client, path) as socket:
            yield ConversationsConnection(client, conversation, socket)

    async def pages(
        self, client: Client, conversation: SharedConversation
    ) -> AsyncIterator[list[Frame]]:
        path, seq = f"/conversations/{conversation.number}/messages", 0
        while page := await client.get(path, limit=100, after_seq=seq):
            yield page
            seq = page[-1]["seq"]

    def read(self, conversation: SharedConversation, shown: Frame) -> ShownEvent:
        return read(conversation, shown)

    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        path = f"/conversations/{conversation.number}/messages"
        return {
            "enter": await end_of(stranger, f"/conversations/{conversation.number}/ws"),
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", path, json={"content": "Me too"})),
        }
