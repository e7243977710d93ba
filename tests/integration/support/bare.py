"""A polling client made by hand."""

import json
from typing import Any

import httpx2

from tests.deadlines import WITHIN_S
from tests.running import Server

POLLING = "/socket.io/?EIO=4&transport=polling"


class Bare:
    """A client that polls, with its own headers and cookies, and says what it is told to."""

    def __init__(
        self, server: Server, query: str = "", headers: dict[str, str] | None = None
    ) -> None:
        self.http = httpx2.AsyncClient(base_url=server.url, headers=headers or {}, timeout=WITHIN_S)
        self.query = query
        self.sid = ""

    async def __aenter__(self) -> "Bare":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def open(self) -> httpx2.Response:
        answer = await self.http.get(POLLING + self.query)
        if answer.status_code == 200:
            self.sid = json.loads(answer.text[1:])["sid"]
        return answer

    async def connect(self, auth: object = None) -> tuple[str, Any]:
        """The answer to CONNECT: its packet type, and what comes with it."""
        packet = "40" + (json.dumps(auth) if auth else "")
        answer = await self.post(packet)
        assert answer.status_code == 200, answer.text
        packet = (await self.poll()).text.split("\x1e")[0]
        return packet[:2], json.loads(packet[2:])

    async def poll(self) -> httpx2.Response:
        return await self.http.get(f"{POLLING}&sid={self.sid}{self.query}")

    async def post(self, packet: str | bytes, **headers: str) -> httpx2.Response:
        path = f"{POLLING}&sid={self.sid}{self.query}"
        return await self.http.post(path, content=packet, headers=headers)
