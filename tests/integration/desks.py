"""Sessions at a real server, as programs that speak this contract use them."""

import asyncio
import json
from typing import Any

from tests.clients import Client, Socket
from tests.deadlines import WITHIN_S

CHAT = "/api/v1/chat"


class SessionSocket(Socket):
    """One WebSocket of the `sessions` contract."""

    async def hears(self, kind: str | None = None) -> dict[str, Any]:
        """The next frame, which must be of this type."""
        frame = json.loads(await asyncio.wait_for(self.connection.recv(), WITHIN_S))
        assert kind in (None, frame["message_type"]), frame
        return frame

    async def until(self, kind: str, **metadata: Any) -> dict[str, Any]:
        """The next frame of this type with these facts; others before it are passed over."""
        while True:
            frame = await self.hears()
            if frame["message_type"] == kind and metadata.items() <= frame["metadata"].items():
                return frame

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has come so far, up to the answer to a ping."""
        await self.says({"message_type": "ping"})
        found = []
        while (frame := await self.hears())["message_type"] != "pong":
            found.append(frame)
        return found

    async def text(self, content: str, **fields: Any) -> None:
        await self.says({"message_type": "text", "content": content, **fields})


async def new_session(customer: Client, *others: Client, **fields: Any) -> dict[str, Any]:
    """A new session of the customer, the others added to it."""
    body = {"title": "LOBBY", **fields}
    session: dict[str, Any] = await customer.post(f"{CHAT}/sessions", body)
    for other in others:
        path = f"{CHAT}/sessions/{session['id']}/participants"
        await customer.post(path, {"user_id": other.uid})
    return session


async def open_socket(client: Client, session: dict[str, Any], query: str = "") -> SessionSocket:
    """A socket in a session, before anything is read from it."""
    socket = await client.connect(f"{CHAT}/ws/{session['id']}{query}")
    return SessionSocket(socket.connection)


async def enter(client: Client, session: dict[str, Any], query: str = "") -> SessionSocket:
    """A socket in a session that has been told that it joined."""
    socket = await open_socket(client, session, query)
    while True:
        frame = await socket.hears()
        if frame["message_type"] == "user_joined" and frame["user_id"] == client.uid:
            return socket


async def history(client: Client, session: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await client.get(
        f"{CHAT}/sessions/{session['id']}/messages", **params
    )
    return found
