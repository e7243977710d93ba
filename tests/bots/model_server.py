"""A real HTTP server that speaks the streamed chat completions of an OpenAI-compatible endpoint.

What it does with the next requests is chosen by `Act`s, one a request, the last for all that
follow. It remembers each request, and tells when a client has gone away.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.deadlines import WITHIN_S

Act = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """Every message of it, one after another."""
        return "\n".join(message["content"] for message in self.body["messages"])


@dataclass
class Exchange:
    """One request, and the connection on which it is answered."""

    request: Request
    writer: asyncio.StreamWriter
    is_gone: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_sent: int = 0

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        self.bytes_sent += len(data)
        await self.writer.drain()

    async def head(
        self, status: int = 200, form: str = "text/event-stream", **headers: object
    ) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {form}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def event(self, data: object) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        await self.send(f"data: {text}\n\n".encode())

    async def piece(self, text: object, end: object = None) -> None:
        await self.event(chunk(text, end))

    async def stall(self) -> None:
        """Say nothing more until the client has gone."""
        async with asyncio.timeout(WITHIN_S):
            await self.is_gone.wait()


def chunk(text: object, end: object = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": end}
    return {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


class ModelServer:
    """The server; a context manager on the loop of its test.

    ``port``: where it listens, for a client that has to know before; else any that is free.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.acts: list[Act] = [says("All is well.")]
        self.exchanges: list[Exchange] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Request]:
        return [exchange.request for exchange in self.exchanges]

    def will(self, *acts: Act) -> None:
        self.acts = list(acts)

    async def request_number(self, number: int) -> Exchange:
        """The exchange of that number, from 1, once it was begun."""
        async with asyncio.timeout(WITHIN_S), self._news:
            await self._news.wait_for(lambda: len(self.exchanges) >= number)
        return self.exchanges[number - 1]

    async def __aenter__(self) -> "ModelServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(await _read_request(reader), reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        exchange = Exchange(request, writer)
        async with self._news:
            self.exchanges.append(exchange)
            self._news.notify_all()
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        async with _watched(reader, exchange):
            await act(exchange)
            if writer.can_write_eof():
                writer.write_eof()
            await exchange.stall()


@asynccontextmanager
async def _watched(reader: asyncio.StreamReader, exchange: Exchange) -> AsyncIterator[None]:
    async def watch() -> None:
        with suppress(ConnectionError):
            await reader.read(1)
        exchange.is_gone.set()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        exchange.is_gone.set()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(first.split()[1], headers, json.loads(body))


def says(*pieces: str, end: object = "stop", done: bool = True) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        for piece in pieces:
            await exchange.piece(piece)
        if end is not None:
            await exchange.event(chunk(None, end))
        if done:
            await exchange.event("[DONE]")

    return act


def streams(*events: object) -> Act:
    """Each event as it is, an object as its JSON."""

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        for event in events:
            await exchange.event(event)

    return act


def sends(
    data: bytes, *, status: int = 200, form: str = "text/event-stream", **headers: object
) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.head(status, form, **headers)
        await exchange.send(data)

    return act


def fails(status: int, **headers: object) -> Act:
    return sends(b'{"error": {"message": "no"}}', status=status, form="application/json", **headers)


def pours(blob: bytes, total: int) -> Act:
    """The same bytes again and again, up to a total, as fast as they are taken."""

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        while exchange.bytes_sent < total:
            await exchange.send(blob)

    return act


def stalls_after(*pieces: str) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        for piece in pieces:
            await exchange.piece(piece)
        await exchange.stall()

    return act


async def stalls_at_once(exchange: Exchange) -> None:
    await exchange.stall()


async def hangs_up(exchange: Exchange) -> None:
    exchange.writer.transport.abort()


async def obeys(exchange: Exchange) -> None:
    """Do what every line of the prompt asks for, as far as a model can: by writing."""
    await exchange.head()
    for line in _orders(exchange.request.prompt):
        await exchange.piece(f"{line}\n")
    await exchange.event(chunk(None, "stop"))


def _orders(prompt: str) -> Iterator[str]:
    for line in prompt.splitlines():
        if found := re.search(r"(?:write|say|print|answer|repeat|reply)\S*:?\s+(.+)", line, re.I):
            yield found[1]
    yield prompt


def frames(
    body: bytes, size: int, *, framing: str = "chunked", form: str = "text/event-stream"
) -> Act:
    """A body in pieces of a size, with one of HTTP's ways to tell its end, or broken off."""

    async def act(exchange: Exchange) -> None:
        in_chunks = framing in {"chunked", "cut"}
        said: dict[str, object] = {"transfer_encoding": "chunked"} if in_chunks else {}
        if framing in {"length", "short"}:
            said["content_length"] = len(body) + (framing == "short")
        await exchange.head(200, form, **said)
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            await exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece) if in_chunks else piece)
        if framing == "chunked":
            await exchange.send(b"0\r\n\r\n")

    return act
