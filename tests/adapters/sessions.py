"""The `sessions` contract."""

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
    Shape,
    SharedConversation,
    ShownEvent,
    a_list,
    a_text,
    a_time,
    a_uuid,
    an_int,
    an_object,
    assert_holds,
    maybe,
)
from tests.adapters.websockets import WebSocketConnection, answered, connected, end_of
from tests.clients import Client

CHAT = "/api/v1/chat"
FILE_SHAPE = {
    "file_url": maybe(a_text),
    "file_name": maybe(a_text),
    "file_size": maybe(an_int),
    "file_type": maybe(a_text),
}


class SessionsConnection(WebSocketConnection):
    """One socket in one session."""

    tag = "message_type"
    kind_of: ClassVar = {EDITED: "edit", DELETED: "delete", REACTION: "reaction"}

    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        client_id = client_id or f"{self.conversation.number} {text}"[:64]
        await self.asks("text", content=text, client_id=client_id)
        frame = await self._answer(lambda frame: frame["metadata"].get("client_id") == client_id)
        return self.shown(frame)

    def code_of(self, error: Frame) -> str:
        return str(error["metadata"]["code"])

    def facts(self, frame: Frame) -> Frame:
        facts: Frame = frame["metadata"]
        return facts

    def shown(self, frame: Frame) -> ShownEvent:
        assert_holds(Sessions.live, frame)
        return self.event_of(MESSAGE, frame)


class Sessions(ContractClient):
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
    async def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AsyncIterator[ContractConnection]:
        path = f"{CHAT}/ws/{conversation.uid}" + ("" if after is None else f"?after_seq={after}")
        async with connected(client, path) as socket:
            yield SessionsConnection(client, conversation, socket)

    async def pages(
        self, client: Client, conversation: SharedConversation
    ) -> AsyncIterator[list[Frame]]:
        path, seq = f"{CHAT}/sessions/{conversation.uid}/messages", 0
        while page := await client.get(path, limit=100, after_seq=seq):
            yield page
            seq = page[-1]["seq"]

    def read(self, conversation: SharedConversation, shown: Frame) -> ShownEvent:
        return ShownEvent(
            MESSAGE, shown["id"], shown["seq"], shown["sender_id"], shown["content"], shown["seq"]
        )

    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        path = f"{CHAT}/sessions/{conversation.uid}/messages"
        return {
            "enter": await end_of(stranger, f"{CHAT}/ws/{conversation.uid}"),
            "read": answered(await stranger.ask("GET", path)),
            "write": answered(await stranger.ask("POST", path, json={"content": "Me too"})),
        }
