"""The `assistant` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    ContractConnection,
    Frame,
    RequestRefused,
    Shape,
    SharedConversation,
    ShownEvent,
    a_text,
    a_time,
    a_uuid,
    an_int,
    an_object,
    assert_holds,
)
from tests.adapters.sessions import CHAT, Sessions
from tests.adapters.websockets import WebSocketConnection, answered, connected
from tests.clients import Client


class AssistantConnection(WebSocketConnection):
    """One socket that has joined one session."""

    kind_of: ClassVar = {EDITED: "edit_message", DELETED: "delete_message", REACTION: "react"}

    async def joins(self, after: Any = None) -> None:
        """Hear of the session; raises `RequestRefused`."""
        await self._until(lambda frame: frame["type"] == "connection_established")
        cursor = {} if after is None else {"after_seq": after}
        await self.asks("join_session", session_id=self.conversation.uid, **cursor)
        await self._answer(lambda frame: frame["type"] == "session_joined")

    async def says(self, text: str, *, client_id: str | None = None) -> ShownEvent:
        client_id = client_id or f"{self.conversation.number} {text}"[:64]
        session = self.conversation.uid
        await self.asks("chat_message", session_id=session, content=text, client_id=client_id)
        frame = await self._answer(
            lambda frame: frame.get("metadata", {}).get("client_id") == client_id
        )
        return self.shown(frame)

    async def _changes(self, what: str, message: ShownEvent, **fields: Any) -> None:
        await super()._changes(what, message, session_id=self.conversation.uid, **fields)

    def shown(self, frame: Frame) -> ShownEvent:
        assert_holds(Assistant.live, frame)
        author, content, seq = frame["sender_id"], frame["content"], frame["seq"]
        return ShownEvent(MESSAGE, frame["id"], seq, author, content, seq)


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
    async def enter(
        self, client: Client, conversation: SharedConversation, after: Any = None
    ) -> AsyncIterator[ContractConnection]:
        async with connected(client, "/ws/chat") as socket:
            connection = AssistantConnection(client, conversation, socket)
            await connection.joins(after)
            yield connection

    async def intrude(self, stranger: Client, conversation: SharedConversation) -> dict[str, Any]:
        path = f"{CHAT}/sessions/{conversation.uid}/messages"
        async with connected(stranger, "/ws/chat") as socket:
            connection = AssistantConnection(stranger, conversation, socket)
            try:
                await connection.joins()
                entered = None
            except RequestRefused as refusal:
                entered = str(refusal)
            try:
                await connection.says("Me too")
                said = None
            except RequestRefused as refusal:
                said = str(refusal)
        return {
            "enter": entered,
            "say": said,
            "read": answered(await stranger.ask("GET", path)),
        }
