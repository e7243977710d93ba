"""Accounts at a real server, as programs use it: their requests and their sockets."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.deadlines import WITHIN_S
from tests.running import Server

PASSWORD = "Correct-horse-7"
PLAIN = False
"""For ``verify``: reading certificates that nobody shows takes longer than a test's requests."""


@dataclass(frozen=True)
class LoggedIn:
    """An account under a login: its tokens."""

    id: int
    uid: str
    name: str
    token: str
    refresh_token: str


def registered(server: Server, nickname: str) -> LoggedIn:
    """A new account that has logged in."""
    with httpx2.Client(base_url=server.url, timeout=WITHIN_S, verify=PLAIN) as http:
        username = f"{nickname}_{uuid.uuid4().hex[:10]}"
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        account = http.post("/auth/register", json=body).raise_for_status().json()
        return logged_in(server, username, PASSWORD, account)


def logged_in(
    server: Server, username: str, password: str, account: dict[str, Any] | None = None
) -> LoggedIn:
    """An account under a new login."""
    with httpx2.Client(base_url=server.url, timeout=WITHIN_S, verify=PLAIN) as http:
        form = {"username": username, "password": password}
        tokens = http.post("/auth/token", data=form).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        account = account or http.get("/auth/me", headers=bearer).raise_for_status().json()
    return LoggedIn(
        account["id"], account["uid"], username, tokens["access_token"], tokens["refresh_token"]
    )


class Socket:
    """One WebSocket, with a deadline on everything."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def says(self, frame: dict[str, Any] | str | bytes) -> None:
        data = json.dumps(frame) if isinstance(frame, dict) else frame
        await asyncio.wait_for(self.connection.send(data), WITHIN_S)

    async def hears(self, kind: str | None = None) -> dict[str, Any]:
        """The next frame, which must be of this type."""
        frame = json.loads(await asyncio.wait_for(self.connection.recv(), WITHIN_S))
        assert kind in (None, frame["type"]), frame
        return frame

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next frame of this type with these fields; others before it are passed over."""
        while True:
            frame = await self.hears()
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has come so far, up to the answer to a ping."""
        await self.says({"type": "ping"})
        found = []
        while (frame := await self.hears())["type"] != "pong":
            found.append(frame)
        return found

    async def rest(self) -> list[dict[str, Any]]:
        """Everything that comes before the server closes it."""
        found = []
        with suppress(ConnectionClosed):
            while True:
                found.append(await self.hears())
        return found

    async def end(self) -> tuple[int, str]:
        """The code and reason with which the server closes it, whatever comes before that."""
        await self.rest()
        close = self.connection.protocol.close_rcvd
        assert close is not None, "closed without a close frame"
        return close.code, close.reason


class Client:
    """An account at a server."""

    def __init__(self, server: Server, login: LoggedIn, http: httpx2.AsyncClient) -> None:
        self.server, self.login = server, login
        self._http = http
        self._exits = AsyncExitStack()

    @property
    def id(self) -> int:
        return self.login.id

    @property
    def uid(self) -> str:
        return self.login.uid

    @property
    def name(self) -> str:
        return self.login.name

    @property
    def token(self) -> str:
        return self.login.token

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, whatever it is."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self._http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **params: Any) -> Any:
        """What a path shows."""
        return (await self.ask("GET", path, params=params)).raise_for_status().json()

    async def post(self, path: str, body: Any = None) -> Any:
        """What posting there answers."""
        return (await self.ask("POST", path, json=body)).raise_for_status().json()

    async def connect(self, path: str, *, token: str | None = None, **options: Any) -> Socket:
        """A socket that was accepted, before anything is read from it."""
        url = self.server.url.replace("http", "ws", 1) + path
        if token != "":
            url += f"{'&' if '?' in path else '?'}token={token or self.token}"
        options = {"compression": None, "close_timeout": 1, "ping_interval": None, **options}
        opening = connect(url, **options)
        return Socket(await self._exits.enter_async_context(opening))

    async def enter(self, lobby: int, query: str = "") -> Socket:
        """A socket in a conversation, greeted."""
        socket = await self.connect(f"/conversations/{lobby}/ws{query}")
        await socket.hears("connection")
        return socket

    async def leave(self) -> None:
        await self._exits.aclose()


@asynccontextmanager
async def clients_of(server: Server, *logins: LoggedIn) -> AsyncIterator[list[Client]]:
    """Clients under these logins; their sockets are closed in the end."""
    async with httpx2.AsyncClient(base_url=server.url, timeout=WITHIN_S, verify=PLAIN) as http:
        clients = [Client(server, login, http) for login in logins]
        try:
            yield clients
        finally:
            for client in clients:
                await client.leave()


async def new_lobby(creator: Client, *others: Client, title: str = "LOBBY") -> int:
    """The number of a new conversation."""
    body = {"title": title, "participant_ids": [other.id for other in others]}
    return int((await creator.post("/conversations/", body))["id"])
