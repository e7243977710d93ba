"""A proxy before PostgreSQL that can break a connection in the middle of a COMMIT."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from struct import unpack

from tests.deadlines import WITHIN_S
from tests.postgres import PostgresServer

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_QUERY, _COMPLETE = b"Q", b"C"


class Cut(Enum):
    """Where the connection breaks, or falls silent. The client cannot tell which it was."""

    ANSWER_LOST = "it was committed, and the answer is lost"
    ANSWER_HELD = "it was committed, and the answer never comes"
    REQUEST_LOST = "it is never committed"
    REQUEST_LATE = "it is committed once `PostgresProxy.hand_on` is called"


class PostgresProxy:
    """Passes everything on, but for the next COMMIT of a transaction that writes, if it is to.

    It serves on a thread of its own, and so whoever waits for an answer in the event loop as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next: Cut | None = None
        self._made = threading.Event()
        self._handed_on = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def start(self) -> None:
        """Listen on a port of this machine."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(WITHIN_S)

    def stop(self) -> None:
        """Break what is open, and end."""
        asyncio.run_coroutine_threadsafe(self._break_all(), self._loop).result(WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_S)
        self._loop.close()

    def cut(self, where: Cut = Cut.ANSWER_LOST) -> threading.Event:
        """Break the connection of the next COMMIT; what is returned is set once that was done."""
        self._made = made = threading.Event()
        self._handed_on.clear()
        self._next = where
        return made

    def hand_on(self) -> None:
        """Let a COMMIT through that is to be late."""
        self._loop.call_soon_threadsafe(self._handed_on.set)

    async def _listen(self) -> int:
        listening = await asyncio.start_server(self.serve, "127.0.0.1", 0, family=socket.AF_INET)
        self._listening = listening
        port: int = listening.sockets[0].getsockname()[1]
        return port

    async def _break_all(self) -> None:
        for listener in self._listening.sockets:
            self._loop.remove_reader(listener)
        # What was accepted before comes as far as `serve`; without that, nobody would close it,
        # and once the server is closed, asyncio cannot.
        await _turns(5)
        self._listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        # Until the loop has told the transports that they are gone.
        await _turns(3)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one client and its backend say to each other."""
        self._writers.append(writer)
        # Cancelled only by `stop`; asyncio's streams would have an error of it.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            upstream_reader, upstream = await asyncio.open_unix_connection(self._path)
            self._writers.append(upstream)
            await _ProxiedConnection(self, (reader, writer), (upstream_reader, upstream)).run()

    def take(self, *wanted: Cut) -> Cut | None:
        """Which of these cuts is to be made now; it is made from here on."""
        if self._next not in wanted:
            return None
        found, self._next = self._next, None
        return found

    def note_cut(self) -> None:
        """Tell whoever asked for a cut that it was made."""
        self._made.set()

    async def late(self) -> None:
        """Return when a late COMMIT is to be passed on."""
        await self._handed_on.wait()


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _ProxiedConnection:
    """One client and its backend. Whatever a client begins with READ ONLY is never cut."""

    def __init__(self, proxy: PostgresProxy, client: _Streams, backend: _Streams) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = client
        self._from_backend, self._to_backend = backend
        self._is_writing = False

    async def run(self) -> None:
        try:
            await self._greet()
            asking = asyncio.ensure_future(self._pass_on_requests())
            answering = asyncio.ensure_future(self._pass_on_answers())
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            for task in (asking, answering):
                task.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
        finally:
            self._to_client.close()
            self._to_backend.close()

    async def _greet(self) -> None:
        """The first message has no type; to encryption the answer is no."""
        while True:
            head = await self._from_client.readexactly(4)
            body = await self._from_client.readexactly(unpack("!I", head)[0] - 4)
            if len(body) != 4 or unpack("!I", body)[0] not in {_SSL_REQUEST, _GSS_REQUEST}:
                self._to_backend.write(head + body)
                return
            self._to_client.write(b"N")

    async def _pass_on_requests(self) -> None:
        while True:
            kind, message = await _message(self._from_client)
            if kind == _QUERY:
                text = message[5:-1].decode().upper()
                if text.startswith("BEGIN"):
                    self._is_writing = "READ ONLY" not in text
                elif text.startswith("COMMIT") and self._is_writing:
                    cut = self._proxy.take(Cut.REQUEST_LOST, Cut.REQUEST_LATE)
                    if cut is not None:
                        await self._break(message if cut is Cut.REQUEST_LATE else b"")
                        return
            self._to_backend.write(message)
            await self._to_backend.drain()

    async def _break(self, message: bytes) -> None:
        self._to_client.transport.abort()
        self._proxy.note_cut()
        if message:
            await self._proxy.late()
            self._to_backend.write(message)
            await self._to_backend.drain()

    async def _pass_on_answers(self) -> None:
        while True:
            kind, message = await _message(self._from_backend)
            is_commit = kind == _COMPLETE and message[5:-1] == b"COMMIT" and self._is_writing
            cut = self._proxy.take(Cut.ANSWER_LOST, Cut.ANSWER_HELD) if is_commit else None
            if cut is Cut.ANSWER_LOST:
                await self._break(b"")
                return
            if cut is Cut.ANSWER_HELD:
                self._proxy.note_cut()
                await self._proxy.late()
            self._to_client.write(message)
            await self._to_client.drain()


async def _turns(count: int) -> None:
    """Let the loop do all that is ready, as often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    length = await reader.readexactly(4)
    return kind, kind + length + await reader.readexactly(unpack("!I", length)[0] - 4)


@contextmanager
def postgres_proxy(server: PostgresServer) -> Iterator[PostgresProxy]:
    """A proxy on a port of this machine."""
    proxy = PostgresProxy(server.socket_path)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
