"""The official Socket.IO clients, npm's and Python's, in one shape for tests."""

import asyncio
import json
import shutil
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp.connector import Connection

from tests.clients import LoggedIn
from tests.deadlines import WITHIN_S
from tests.running import Server

NPM = Path(__file__).parents[2] / "npm"
HOPS = {"reconnectionDelay": 50, "reconnectionDelayMax": 200, "randomizationFactor": 0.5}
TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}


class ConnectionRefused(Exception):
    """The server did not let the client in."""


class Wire:
    """What lies between a client and the server, and can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: set[asyncio.StreamWriter] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._on_client, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_down()
        if self._carriers:
            _, late = await asyncio.wait(self._carriers, timeout=WITHIN_S)
            assert not late

    def break_down(self) -> None:
        """Break everything that is open; nothing goes through again."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break everything that is open; what is opened later goes through again."""
        for end in self._ends:
            end.transport.abort()

    def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrier = asyncio.create_task(self._carry(reader, writer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, back}
        self._ends |= ends
        if not self._server.is_serving():
            self.cut()
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._ends -= ends


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Line(aiohttp.TCPConnector):
    """Closes in the end all that it has handed out, as aiohttp does not with a lost WebSocket."""

    def __init__(self) -> None:
        super().__init__()
        self._handed_out: list[Connection] = []

    async def connect(self, *args: Any, **options: Any) -> Connection:
        connection = await super().connect(*args, **options)
        self._handed_out.append(connection)
        return connection

    def hang_up(self) -> None:
        for connection in self._handed_out:
            connection.close()


class Peer:
    """A client: what it has heard and not been asked for yet, and what it can do."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._news = asyncio.Condition()

    async def note(self, name: str, *args: Any) -> None:
        async with self._news:
            self.waiting.append((name, args))
            self._news.notify_all()

    async def next(self) -> tuple[str, tuple[Any, ...]]:
        async with self._news:
            async with asyncio.timeout(WITHIN_S):
                await self._news.wait_for(lambda: self.waiting)
            return self.waiting.popleft()

    async def until(self, name: str, **fields: Any) -> dict[str, Any]:
        """The data of the next event of this name with these fields; others are passed over."""
        while True:
            heard, args = await self.next()
            data = args[0] if args else {}
            if heard == name and fields.items() <= data.items():
                return data

    async def is_cut_off(self, wire: Wire) -> None:
        """Lose the connection. A polling client may have none at the moment: so until it has."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                wire.cut()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2), self._news:
                        await self._news.wait_for(self._is_off)
                        return

    def _is_off(self) -> bool:
        return any(name == "disconnect" for name, _ in self.waiting)

    async def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything that has come, up to the answer to a heartbeat."""
        await self.emit("heartbeat")
        found = []
        while (one := await self.next())[0] != "heartbeat":
            found.append((one[0], one[1][0] if one[1] else {}))
        return found

    async def call(self, name: str, data: Any = None) -> dict[str, Any]:
        """The ack of an event, whatever it says."""
        raise NotImplementedError

    async def emit(self, name: str, data: Any = None) -> None:
        """Send an event without asking for an ack."""
        raise NotImplementedError

    async def leave(self) -> None:
        raise NotImplementedError

    async def does(self, name: str, data: Any = None) -> dict[str, Any]:
        """The ack of an event that must succeed."""
        answer = await self.call(name, data)
        assert answer["success"] is True, answer
        return answer

    async def is_refused(self, name: str, data: Any = None) -> str:
        """The code of an event that must fail."""
        answer = await self.call(name, data)
        assert answer["success"] is False, answer
        assert answer["error"]["message"]
        return answer["error"]["code"]

    async def says(self, text: str, **fields: Any) -> dict[str, Any]:
        return await self.does("send_message", {"message_text": text, **fields})


class PythonPeer(Peer):
    """python-socketio's client; on coming back it says the cursor that it saw last.

    One that ``forgets`` says nothing of it, as programs do that know of no cursors.
    """

    def __init__(self, *, forgets: bool = False) -> None:
        super().__init__()
        self._forgets = forgets
        self.cursor: str | None = None
        self._sessions: dict[aiohttp.ClientSession, Line] = {}
        # Durations of the library are seconds.
        self.io = socketio.AsyncClient(
            reconnection_delay=0.05,
            reconnection_delay_max=0.2,
            randomization_factor=0.5,
            http_session=self._open_session,
        )
        self.io.on("*", self._on_event)
        self.io.on("disconnect", self._on_disconnect)
        self.io.on("connect_error", self._on_refusal)
        self._refusal: Any = None

    async def open(self, url: str, auth: dict[str, Any], transports: list[str]) -> None:
        def say_who() -> dict[str, Any]:
            is_new = self._forgets or self.cursor is None
            return auth if is_new else auth | {"cursor": self.cursor}

        try:
            await self.io.connect(url, auth=say_who, transports=transports, wait_timeout=WITHIN_S)
        except socketio.exceptions.ConnectionError as error:
            raise ConnectionRefused(self._refusal) from error

    async def _on_event(self, name: str, *args: Any) -> None:
        if args and isinstance(args[0], dict):
            self.cursor = args[0].get("cursor", self.cursor)
        await self.note(name, *args)

    def _open_session(self) -> aiohttp.ClientSession:
        # The library forgets one when it gives up coming back, and when it comes back before the
        # last one is closed; so leave() closes them.
        line = Line()
        session = aiohttp.ClientSession(connector=line)
        self._sessions[session] = line
        return session

    def open_sessions(self) -> list[aiohttp.ClientSession]:
        """What it holds open towards the server."""
        return [session for session in self._sessions if not session.closed]

    async def _on_refusal(self, said: Any) -> None:
        self._refusal = said
        await self.note("connect_error", {"message": said})

    async def _on_disconnect(self, reason: str) -> None:
        await self.note("disconnect", {"reason": reason})

    async def call(self, name: str, data: Any = None) -> dict[str, Any]:
        answer = await self.io.call(name, data, timeout=WITHIN_S)
        assert isinstance(answer, dict)
        return answer

    async def emit(self, name: str, data: Any = None) -> None:
        await self.io.emit(name, data)

    async def leave(self) -> None:
        try:
            # An answer to a poll that broke off ends the library's reading with this.
            with suppress(aiohttp.ClientError):
                await self.io.shutdown()
            if self.io.connected:  # an attempt to come back had gone too far to be given up
                await self.io.shutdown()
        finally:
            for session, line in self._sessions.items():
                line.hang_up()
                await session.close()


class NpmPeer(Peer):
    """npm's client, in a process of Node's that does as it is told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._process = process
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self._reading = asyncio.create_task(self._read())

    async def open(
        self, url: str, auth: dict[str, Any], transports: list[str], **options: Any
    ) -> None:
        options = {"auth": auth, "transports": transports, **HOPS, **options}
        await self._tell("connect", url=url, options=options)
        while (told := await self.next())[0] != "connect":
            if told[0] == "connect_error":
                raise ConnectionRefused(told[1][0])

    async def call(self, name: str, data: Any = None) -> dict[str, Any]:
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        deadline = WITHIN_S * 1000
        args = [] if data is None else [data]
        await self._tell("emit", name=name, args=args, number=self._count, timeout=deadline)
        told = await asyncio.wait_for(answer, WITHIN_S + 1)
        assert not told["failed"], "no ack"
        found: dict[str, Any] = told["answer"][0]
        return found

    async def emit(self, name: str, data: Any = None) -> None:
        await self._tell("emit", name=name, args=[] if data is None else [data])

    async def leave(self) -> None:
        self._reading.cancel()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def _tell(self, deed: str, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"deed": deed, **fields}).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            match told.pop("what"):
                case "event":
                    await self.note(told["name"], *told["args"])
                case "ack":
                    self._answers.pop(told["number"]).set_result(told)
                case what:
                    await self.note(what, told)


def npm_folder(folder: Path) -> Path:
    """A folder with npm's client in it and the puppet beside it; skips where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node: install one (Debian: apt install nodejs npm)")
    for name in ("package.json", "package-lock.json", "puppet.mjs"):
        shutil.copy(NPM / name, folder / name)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=folder, check=True, timeout=100)
    return folder


OLD_NPM = "socket.io-client-without-recovery"
"""npm's client before 4.6, which keeps nothing to come back with."""
Opener = Callable[..., Awaitable[Peer]]


@asynccontextmanager
async def peers(
    server: Server, puppets: Path | None = None, *, forget: bool = False
) -> AsyncIterator[Opener]:
    """Opens clients, npm's where ``puppets`` is given; all of them are gone in the end.

    Those that ``forget`` come back with nothing to say how far they had got.
    """
    async with AsyncExitStack() as exits:

        async def open_peer(
            login: LoggedIn | None,
            way: str = "websocket",
            *,
            auth: dict[str, Any] | None = None,
            wire: Wire | None = None,
        ) -> Peer:
            auth = auth if auth is not None else {"token": login.token} if login else {}
            peer: PythonPeer | NpmPeer
            if puppets is None:
                peer = PythonPeer(forgets=forget)
            else:
                process = await asyncio.create_subprocess_exec(
                    "node",
                    "puppet.mjs",
                    *([OLD_NPM] if forget else []),
                    cwd=puppets,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                peer = NpmPeer(process)
            exits.push_async_callback(peer.leave)
            await peer.open(wire.url if wire else server.url, auth, TRANSPORTS[way])
            return peer

        yield open_peer
