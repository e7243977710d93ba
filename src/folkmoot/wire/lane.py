"""The lane: how this process writes to one WebSocket client without ever waiting for it.

Here stand the port and its form over plain ASGI ``send``, which any server has. The fast form,
straight to uvicorn's transport, is in ``lane_uvicorn``; ``lane_of`` picks.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Protocol, cast

from folkmoot.wire.lane_frames import messages_in

EXTENSION = "folkmoot.lane"
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024
CLOSE_DEADLINE = 5.0
"""Seconds that a client has to answer a close frame before its connection is dropped."""
FAREWELL = (1012, "server is restarting: come back and resume")

Send = Callable[[Any], Awaitable[None]]


class Feeder(Protocol):
    """Whoever writes on a lane, usually an outbox."""

    def on_resume(self) -> None:
        """The lane has room again, or is gone; writing is safe in either case."""

    def on_close(self) -> None:
        """The close frame is about to go out: write now what should stand before it."""


class Lane(Protocol):
    """One accepted WebSocket connection, seen from the writing side.

    Nothing here waits, and every call is harmless once the connection is gone.
    """

    write: Callable[[bytes], object]
    """Take whole frames (``lane_frames``); the same bytes object may go to many lanes.

    Look it up for every call: it is replaced when the connection opens and when it ends.
    """
    paused: bool
    """More waits than the client takes: hold what comes next until ``on_resume``."""
    feeder: Feeder | None
    last_heard: float
    """Loop time of the last bytes received; infinite where the server watches over its peers."""
    farewell: tuple[int, str]
    """Code and reason that the client is told when this process shuts down."""

    @property
    def buffered_bytes(self) -> int:
        """Bytes taken by ``write`` that the kernel has not taken yet."""

    def ping(self) -> None:
        """Ask the client for a sign of life, which will move ``last_heard``."""

    def close(self, code: int, reason: str, deadline: float = CLOSE_DEADLINE) -> None:
        """Send the close frame now; abort unless the handshake ends within ``deadline`` seconds."""

    def abort(self) -> None:
        """Drop the connection at once, unsent bytes included."""

    def serve(self, reading: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Run the connection's reading side to its end; what is written goes out meanwhile."""


def lane_of(scope: MutableMapping[str, Any], send: Send) -> Lane:
    """The best lane that the server under this ASGI application has to offer."""
    offered = (scope.get("extensions") or {}).get(EXTENSION)
    return SendLane(send) if offered is None else cast("Lane", offered)


def forget_request(scope: MutableMapping[str, Any]) -> None:
    """Let go of the request's headers, 2 KiB or more of every idle connection.

    For an application that has read what it needs of them: nothing can read them afterwards.
    """
    scope["headers"] = []


class SendLane:
    """A lane over ASGI ``send``; it moves only while ``run`` does.

    ASGI has neither pings nor a way to drop a connection: the server under us sends its own
    pings, and to abort is to end ``run`` and with it the application.
    """

    def __init__(self, send: Send, max_bytes: int = 4 * 1024 * 1024) -> None:
        self.write: Callable[[bytes], object] = self._take
        self.paused = False
        self.feeder: Feeder | None = None
        self.last_heard = math.inf
        self.farewell = FAREWELL
        self.buffered_bytes = 0
        self._send = send
        self._max_bytes = max_bytes
        self._queue: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._last_message: dict[str, Any] | None = None
        self._closing = False
        self._expiry: float | None = None
        self._timeout: asyncio.Timeout | None = None

    def ping(self) -> None:
        pass

    def close(self, code: int, reason: str, deadline: float = CLOSE_DEADLINE) -> None:
        if self._closing:
            return
        if self.feeder is not None:
            self.feeder.on_close()
        self._last_message = {"type": "websocket.close", "code": code, "reason": reason}
        self._end(deadline)

    def abort(self) -> None:
        self._queue.clear()
        self._last_message = None
        self._end(0)

    def serve(self, reading: Coroutine[Any, Any, None]) -> Awaitable[None]:
        return self._serve(reading)

    async def run(self) -> None:
        """Send what is written until the connection is closed, aborted or gone."""
        try:
            async with asyncio.timeout_at(self._expiry) as self._timeout:
                await self._pump()
        except (OSError, TimeoutError):
            # ASGI raises OSError for a client that is gone: nobody is left to be told.
            pass
        finally:
            self._timeout = None
            self.abort()
            self.buffered_bytes = 0
            if self.feeder is not None:
                self.feeder.on_resume()

    async def _serve(self, reading: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(reading)
                writer = group.create_task(self.run())
                writer.add_done_callback(lambda _: reader.cancel())
                reader.add_done_callback(lambda _: self._end(CLOSE_DEADLINE))
        except BaseExceptionGroup as failures:
            # As it would leave the other lane: there is one reading side, and it failed.
            raise failures.exceptions[0] from None

    async def _pump(self) -> None:
        while True:
            while self._queue:
                data = self._queue.popleft()
                for message in messages_in(data):
                    kind = "text" if isinstance(message, str) else "bytes"
                    await self._send({"type": "websocket.send", kind: message})
                self._settle(len(data))
            if self._closing:
                break
            self._news.clear()
            await self._news.wait()
        if self._last_message is not None:
            await self._send(self._last_message)

    def _take(self, data: bytes) -> None:
        self._queue.append(data)
        self.buffered_bytes += len(data)
        self.paused = self.paused or self.buffered_bytes > HIGH_WATER
        if self.buffered_bytes > self._max_bytes:
            self.abort()
        self._news.set()

    def _settle(self, sent: int) -> None:
        self.buffered_bytes -= sent
        if self.paused and self.buffered_bytes <= LOW_WATER:
            self.paused = False
            if self.feeder is not None:
                self.feeder.on_resume()

    def _end(self, deadline: float) -> None:
        """Let nothing more in, and what is in go out by the deadline."""
        self._closing = True
        self.write = discard
        self.paused = False
        self._news.set()
        expiry = asyncio.get_running_loop().time() + deadline
        if self._expiry is None or expiry < self._expiry:
            self._expiry = expiry
            if self._timeout is not None:
                self._timeout.reschedule(expiry)


def discard(data: bytes) -> None:
    """What ``write`` is where there is no connection, or no longer one."""
