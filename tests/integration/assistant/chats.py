"""The assistant at a real server, as programs of the `assistant` contract use it."""

from typing import Any

from tests.clients import Client, Socket

CHAT = "/api/v1/chat"


class ChatSocket(Socket):
    """One WebSocket of the `assistant` contract."""

    async def joins(self, session: str | None = None, **fields: Any) -> dict[str, Any]:
        """What a session is like on joining it; without one, a new one."""
        named = {} if session is None else {"session_id": session}
        await self.says({"type": "join_session", **named, **fields})
        return await self.until("session_joined")

    async def asks(self, content: str, session: str, **fields: Any) -> dict[str, Any]:
        """The echo of a message."""
        frame = {"type": "chat_message", "content": content, "session_id": session, **fields}
        await self.says(frame)
        while True:
            heard = await self.hears()
            assert heard["type"] != "error", heard
            if heard["type"] == "message" and heard["role"] == "user":
                return heard

    async def answer(
        self, question: dict[str, Any], role: str = "assistant"
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The message in reply to a question, and everything that came before it."""
        before = []
        while True:
            frame = await self.hears()
            is_reply = frame.get("metadata", {}).get("reply_to_id") == question["id"]
            if is_reply and frame["type"] == "message" and frame["role"] == role:
                return frame, before
            before.append(frame)

    async def delta(self, **fields: Any) -> dict[str, Any]:
        return await self.until("message_delta", **fields)

    async def refusal(self, frame: dict[str, Any]) -> dict[str, Any]:
        """What the server says to a frame that it must refuse."""
        await self.says(frame)
        return await self.until("error")


def grown(frames: list[dict[str, Any]]) -> str:
    """The text of the deltas among frames, each of which begins where the last one ended."""
    text = ""
    for frame in frames:
        if frame["type"] == "message_delta":
            assert frame["position"] == len(text), frame
            text += frame["delta"]
    return text


async def chat(client: Client, **options: Any) -> ChatSocket:
    """A greeted socket of the `assistant` contract."""
    socket = ChatSocket((await client.connect("/ws/chat", **options)).connection)
    await socket.hears("connection_established")
    return socket


async def messages(client: Client, session: str, **params: Any) -> list[dict[str, Any]]:
    """The history of a session."""
    found: list[dict[str, Any]] = await client.get(f"{CHAT}/sessions/{session}/messages", **params)
    return found


async def contents(client: Client, session: str) -> list[str]:
    return [message["content"] for message in await messages(client, session)]
