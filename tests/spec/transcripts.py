"""Plays the transcripts of ``spec/`` against a server; the format is in ``spec/README.md``."""

import asyncio
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.deadlines import WITHIN_S
from tests.spec.desk_socket import DeskSocket

PASSWORD = "Correct-horse-7"

_KINDS = {
    "<int>": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "<text>": lambda value: isinstance(value, str) and value != "",
    "<time>": lambda value: isinstance(value, str) and value.endswith("Z"),
    "<uuid>": lambda value: str(uuid.UUID(value)) == value,
    "<any>": lambda value: True,
}
_NAME = re.compile(r"\$([a-z_]+(?:\.[a-z]+)?)")


@dataclass
class Player:
    """One transcript in the course of being played."""

    url: str
    http: httpx2.AsyncClient
    known: dict[str, Any] = field(default_factory=dict)
    sockets: dict[str, ClientConnection] = field(default_factory=dict)
    desks: dict[str, DeskSocket] = field(default_factory=dict)
    staff: set[str] = field(default_factory=set)
    """Who serves in other transcripts as well, and may have been left something there."""

    async def play(self, transcript: Path) -> None:
        """Do and expect what every line says; a failure names its line."""
        for number, line in enumerate(lines_of(transcript), 1):
            if line.strip() and not line.startswith("#"):
                try:
                    await asyncio.wait_for(self._play_line(json.loads(line)), WITHIN_S)
                except (AssertionError, TimeoutError, ConnectionClosed) as error:
                    raise AssertionError(
                        f"{transcript.name}:{number}: {error!r}\n{line}"
                    ) from error

    async def enroll(self, *cast: str) -> None:
        """Register these accounts and log them in."""
        for name in cast:
            await self._register(name)

    async def close(self) -> None:
        for socket in (*self.sockets.values(), *self.desks.values()):
            await socket.close()

    async def _play_line(self, line: dict[str, Any]) -> None:
        if "cast" in line or "staff" in line:
            await self._gather(line)
            return
        who, what = next(iter(line.items()))
        match what:
            case "connect":
                await self._connect(who, line)
            case "says":
                text = line.get("text") or json.dumps(self._filled(line["frame"]))
                await self.sockets[who].send(text)
            case "hears":
                self._compare(line["frame"], json.loads(await self.sockets[who].recv()), "frame")
            case "hears nothing":
                await self.sockets[who].send('{"type": "ping", "message_type": "ping"}')
                frame = json.loads(await self.sockets[who].recv())
                assert "pong" in {frame.get("type"), frame.get("message_type")}, frame
            case "leaves":
                await self.sockets.pop(who).close()
            case "is closed":
                await self._expect_end(who, line["code"])
            case "is refused":
                await self._expect_refusal(who, line)
            case "comes to the desk" | "emits" | "is told" | "is told nothing":
                await self._at_desk(who, what, line)
            case _:
                await self._ask(who, what, line)

    async def _gather(self, line: Mapping[str, Any]) -> None:
        for name in line.get("cast", ()):
            await self._register(name)
        for name in line.get("staff", ()):
            await self._log_staff_in(name)

    async def _register(self, name: str) -> None:
        username = f"{name}_{uuid.uuid4().hex[:10]}"
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        account = (await self.http.post("/auth/register", json=body)).raise_for_status().json()
        self._know(name, account, await self._log_in(username, PASSWORD))

    async def _log_staff_in(self, name: str) -> None:
        token = await self._log_in(name, f"{name.title()}Password123")
        me = await self.http.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        self._know(name, me.raise_for_status().json(), token)
        self.staff.add(name)

    async def _log_in(self, username: str, password: str) -> str:
        form = {"username": username, "password": password}
        answer = await self.http.post("/auth/token", data=form)
        return str(answer.raise_for_status().json()["access_token"])

    def _know(self, name: str, account: Mapping[str, Any], token: str) -> None:
        self.known |= {
            f"{name}.id": account["id"],
            f"{name}.uid": account["uid"],
            f"{name}.name": account["username"],
            f"{name}.token": token,
        }

    async def _connect(self, who: str, line: Mapping[str, Any]) -> None:
        path = self._text(line["to"])
        if who != "nobody":
            path += f"{'&' if '?' in path else '?'}token={self.known[f'{who}.token']}"
        url = self.url.replace("http", "ws", 1) + path
        self.sockets[line.get("as", who)] = await connect(url, compression=None)

    async def _expect_refusal(self, who: str, line: Mapping[str, Any]) -> None:
        try:
            await self._connect(who, line)
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            assert status == line["status"], f"refused with {status}"
            if "is" in line:
                self._compare(line["is"], json.loads(refusal.response.body), "answer")
        else:
            raise AssertionError("let in")

    async def _at_desk(self, who: str, what: str, line: Mapping[str, Any]) -> None:
        """What is said over Socket.IO."""
        if what == "comes to the desk":
            auth = {"token": self.known.get(f"{who}.token"), **self._filled(line.get("auth", {}))}
            name = line.get("as", who)
            if name in self.desks:
                await self.desks[name].close()
            socket = self.desks[name] = DeskSocket(self.url)
            self._compare(line["answer"], await socket.open(auth), "answer")
            if who in self.staff:
                await socket.pass_over()
        elif what == "emits":
            data = self._filled(line["data"]) if "data" in line else None
            answer = await self.desks[who].emit(line["event"], data, asks="ack" in line)
            if "ack" in line:
                self._compare(line["ack"], answer, "ack")
        elif what == "is told":
            name, data = await self.desks[who].told()
            assert name == line["event"], f"{name}, not {line['event']}: {data}"
            self._compare(line["data"], data, "data")
        else:
            assert await self.desks[who].untold() == []

    async def _ask(self, who: str, what: str, line: Mapping[str, Any]) -> None:
        method, path = what.split(" ", 1)
        token = self.known.get(f"{who}.token")
        answer = await self.http.request(
            method,
            quote(self._text(path), safe="/?=&%"),
            json=self._filled(line["body"]) if "body" in line else None,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        assert answer.status_code == line["answer"], f"{answer.status_code}: {answer.text}"
        if "is" in line:
            self._compare(line["is"], answer.json(), "answer")

    async def _expect_end(self, who: str, code: int) -> None:
        with pytest.raises(ConnectionClosed) as closed:
            await self._fail_if_it_speaks(self.sockets.pop(who))
        end = closed.value.rcvd
        assert end is not None, "closed without a close frame"
        assert end.code == code, f"closed with {end.code}: {end.reason}"
        assert end.reason, "closed without a reason"

    async def _fail_if_it_speaks(self, socket: ClientConnection) -> None:
        raise AssertionError(f"still open, and says {await socket.recv()!r}")

    def _compare(self, wanted: Any, given: Any, where: str) -> None:
        match wanted:
            case dict():
                assert isinstance(given, dict), f"{where} is {given!r}"
                for name, value in wanted.items():
                    assert name in given, f"{where} has no {name}: {given}"
                    self._compare(value, given[name], f"{where}.{name}")
            case list():
                assert isinstance(given, list), f"{where} is {given!r}"
                assert len(given) == len(wanted), f"{where} has {len(given)} entries: {given}"
                for index, pair in enumerate(zip(wanted, given, strict=True)):
                    self._compare(*pair, f"{where}[{index}]")
            case str() if wanted in _KINDS:
                assert _KINDS[wanted](given), f"{where} is {given!r}, not {wanted}"
            case str() if wanted.startswith("$") and wanted.endswith("?"):
                self.known[wanted[1:-1]] = given
            case _:
                wanted = self._filled(wanted)
                assert type(wanted) is type(given), f"{where} is {given!r}, not {wanted!r}"
                assert wanted == given, f"{where} is {given!r}, not {wanted!r}"

    def _filled(self, value: Any) -> Any:
        match value:
            case dict():
                return {self._filled(name): self._filled(part) for name, part in value.items()}
            case list():
                return [self._filled(part) for part in value]
            case str() if value.startswith("$"):
                return self.known[value[1:]]
            case _:
                return value

    def _text(self, text: str) -> str:
        return _NAME.sub(lambda match: str(self.known[match[1]]), text)


def lines_of(transcript: Path) -> list[str]:
    return transcript.read_text().splitlines()
