"""Engine.IO over ASGI: long polling and WebSocket requests, the table of connections, their timers.

All decisions are `engine`'s; what the messages mean is the rider's.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, Protocol

import msgspec

from folkmoot.wire.admitting import (
    Admit,
    Identify,
    anybody,
    anywhere,
    check_version,
    given_nothing,
)
from folkmoot.wire.alarms import Alarms
from folkmoot.wire.engine import Engine, EngineEnd, Full, Transport, close_when_full
from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.handshake import Handshake, read_handshake
from folkmoot.wire.lane import Lane, forget_request, lane_of
from folkmoot.wire.refusals import (
    BadMethod,
    BadPacket,
    EngineShuttingDown,
    OutOfTurn,
    RequestRefused,
    TooLarge,
    UnknownSid,
    WireRefusal,
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger("folkmoot.wire")

CLOSE_CODES = {
    EngineEnd.TOO_LARGE: 1009,
    EngineEnd.BAD_PACKET: 1002,
    EngineEnd.OUTBOX_FULL: 1013,
    EngineEnd.SHUTDOWN: 1012,
    EngineEnd.CONNECT_TIMEOUT: 1008,
}
"""What a WebSocket client is told; 1000 where nothing else says more."""


class EngineClient(Protocol):
    """What messages are for: it rides on one engine, and is told of its end."""

    @property
    def deadline(self) -> float:
        """When `tick` is to be called next."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be read from the client."""

    def receive(self, message: str | bytes) -> None:
        """Take a message. Raises `WireRefusal` where the connection is to be closed for it."""

    async def room(self) -> None:
        """Return when it is full no longer, or its engine has ended."""

    def tick(self, now: float) -> None:
        """Do what is due."""

    def ended(self, end: EngineEnd) -> None:
        """The connection is over; called once."""


Board = Callable[[Engine, Handshake, Hashable], EngineClient]
_Waiter = asyncio.Future[bytes | None]
"""A poll that waits: its answer, or None where it turns out to have come too late."""


class _Connection:
    """An engine with what carries it: a waiting poll or a lane, and perhaps a probing lane."""

    __slots__ = (
        "engine",
        "is_told",
        "lane",
        "owner",
        "prober",
        "release",
        "rider",
        "server",
        "waiter",
    )

    engine: Engine
    rider: EngineClient
    release: Callable[[], None]

    def __init__(self, server: "EngineServer", owner: Hashable) -> None:
        self.server = server
        self.owner = owner
        self.is_told = False
        self.waiter: _Waiter | None = None
        self.lane: Lane | None = None
        self.prober: Lane | None = None

    @property
    def deadline(self) -> float:
        if self.engine.end is not None:
            return self.engine.deadline
        return min(self.engine.deadline, self.rider.deadline)

    def wake(self) -> None:
        self.server.flush_soon(self)

    def on_resume(self) -> None:
        self.flush()

    def on_close(self) -> None:
        if self.lane is not None:
            self._write(self.lane)

    def flush(self) -> None:
        """Hand what waits to the lane or the waiting poll, as far as it is taken."""
        if self.lane is not None:
            if not self.lane.paused:
                self._write(self.lane)
        elif self.waiter is not None and (payload := self.engine.answer()) is not None:
            self._let_go(payload)
        if self.engine.end is not None:
            self._close_rejected(self.engine.end)

    def use(self, lane: Lane) -> None:
        """Carry the connection over a WebSocket from now on."""
        self.flush()
        self._let_go(None)
        self.lane = lane
        self.lane.feeder = self
        self.flush()

    def receive(self, message: str | bytes) -> None:
        try:
            self.rider.receive(message)
        except WireRefusal as refusal:
            self.engine.refuse(refusal)
            raise

    def lose_poll(self, waiter: _Waiter) -> None:
        """The request behind this waiting poll is gone; harmless once the poll was answered."""
        if self.waiter is waiter:
            self.engine.poll_lost()

    async def room(self) -> None:
        """Return when the rider takes more; whoever reads from the client waits here."""
        while self.rider.is_full and self.engine.is_open:
            self.engine.excuse()
            await self.rider.room()
            self.engine.excuse()

    def tick(self, now: float) -> None:
        if self.rider.is_full:
            self.engine.excuse()
        self.engine.tick(now)
        self.rider.tick(now)
        self.server.settle(self)

    def _let_go(self, payload: bytes | None) -> None:
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(payload)

    def _write(self, lane: Lane) -> None:
        packets = self.engine.take()
        if len(packets) == 1:
            lane.write(packets[0].websocket)
        elif packets:
            lane.write(self.server.joined(packets))

    def _close_rejected(self, end: EngineEnd) -> None:
        if not self.is_told:
            self.is_told = True
            self.release()
            self.rider.ended(end)
            for lane in (self.lane, self.prober):
                if lane is not None:
                    lane.close(CLOSE_CODES.get(end, 1000), end)
        self.server.settle(self)


class EngineServer:
    """An ASGI application that speaks Engine.IO 4; ``board`` puts a rider on each new engine.

    ``identify`` says on whose behalf a request comes, as far as headers, cookies and query tell,
    or raises `NotAdmitted`. It is asked for every poll, POST and upgrade as well: a connection
    is there only for whoever is equal to the one who opened it.

    ``full`` is asked what becomes of a packet for which an outbox has no room. ``admit`` is asked
    for room before a connection opens: it returns how to give it back, or raises `RequestRefused`.
    """

    def __init__(
        self,
        limits: EngineLimits,
        board: Board,
        *,
        identify: Identify = anybody,
        full: Full = close_when_full,
        admit: Admit = anywhere,
        new_sid: Callable[[], str] = lambda: secrets.token_urlsafe(15),
    ) -> None:
        self.limits = limits
        self._admit = admit
        self._board = board
        self._identify = identify
        self._full = full
        self._new_sid = new_sid
        self._connections: dict[str, _Connection] = {}
        self._dirty: list[_Connection] = []
        self._last_packets: list[Encoded] = []
        self._last_piece = b""
        self._alarms: Alarms[_Connection] = Alarms()
        self._alarm_set = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    # Its life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while this is entered; on leaving, every connection is closed.

        What was spawned gets ``limits.linger`` seconds to come to its end.
        """
        async with asyncio.TaskGroup() as self._tasks:
            ringing = self._tasks.create_task(self._ring())
            try:
                yield
            finally:
                self.shut_down()
                ringing.cancel()
                if self._work:
                    await asyncio.wait(self._work, timeout=self.limits.linger)
                for work in self._work:
                    work.cancel()
        self._tasks = None

    def shut_down(self) -> None:
        """Close every connection now and open none, so that no poll holds the HTTP server up."""
        self._is_closing = True
        for connection in list(self._connections.values()):
            # What was said before goes out before, as far as it is taken.
            connection.flush()
            connection.engine.finish(EngineEnd.SHUTDOWN)
            connection.flush()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` for as long as the server runs; its errors must be its own."""
        if self._tasks is None:
            work.close()
            raise RuntimeError("the server is not running")
        task = self._tasks.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            raise ValueError(f"no Engine.IO over {scope['type']}")

    # Output and time

    def flush_soon(self, connection: _Connection) -> None:
        """Flush at the end of this turn of the loop, so that all of a turn leaves in one write."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    def joined(self, packets: list[Encoded]) -> bytes:
        """The WebSocket frames of these packets, in one piece.

        Whoever listens to the same is sent the same, so the last piece is often the next one too.
        """
        if packets != self._last_packets:
            self._last_packets = packets
            self._last_piece = b"".join([packet.websocket for packet in packets])
        return self._last_piece

    def settle(self, connection: _Connection) -> None:
        """Set the connection's next alarm, or forget the connection where all is said."""
        if connection.engine.is_over:
            self._connections.pop(connection.engine.sid, None)
            self._alarms.forget(connection)
        elif self._alarms.set(connection, connection.deadline):
            self._alarm_set.set()

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()
        self._last_packets, self._last_piece = [], b""

    async def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._alarm_set.clear()
            try:
                async with asyncio.timeout_at(self._alarms.next_at()):
                    await self._alarm_set.wait()
            except TimeoutError:
                now = loop.time()
                for connection in self._alarms.due(now):
                    connection.tick(now)

    # Who asks for what

    def _find(self, sid: str, owner: Hashable) -> _Connection:
        connection = self._connections.get(sid)
        if connection is None or connection.owner != owner:
            raise UnknownSid
        return connection

    def _reserved(self, handshake: Handshake) -> Callable[[], None]:
        """Room for a connection, and how to give it back."""
        if self._is_closing:
            raise EngineShuttingDown
        return self._admit(handshake)

    def _open(
        self,
        handshake: Handshake,
        owner: Hashable,
        transport: Transport,
        release: Callable[[], None],
    ) -> _Connection:
        connection = _Connection(self, owner)
        connection.release = release
        engine = connection.engine = Engine(
            self._new_sid(),
            transport,
            self.limits,
            _now(),
            wake=connection.wake,
            relieve=connection.flush,
            full=self._full,
        )
        connection.rider = self._board(engine, handshake, owner)
        self._connections[engine.sid] = connection
        self.settle(connection)
        return connection

    # Long polling

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except RequestRefused as refusal:
            await _refuse(send, refusal)
        except WireRefusal:
            await _refuse(send, RequestRefused())
        else:
            await _respond(send, 200, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        handshake = read_handshake(scope)
        check_version(handshake, Transport.POLLING)
        sid = handshake.parameter("sid")
        if scope["method"] not in (("GET",) if sid is None else ("GET", "POST")):
            raise BadMethod
        owner = await self._identify(handshake)
        if sid is None:
            release = self._reserved(handshake)
            connection = self._open(handshake, owner, Transport.POLLING, release)
            return await self._poll(connection, receive)
        connection = self._find(sid, owner)
        if scope["method"] == "GET":
            return await self._poll(connection, receive)
        return await self._post(connection, handshake, receive)

    async def _poll(self, connection: _Connection, receive: Receive) -> bytes:
        payload = connection.engine.poll(_now())
        if payload is not None:
            connection.flush()
            return payload
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        connection.waiter = waiter
        self.settle(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_watch(connection, waiter, receive))
                payload = await waiter
                watching.cancel()
        finally:
            connection.lose_poll(waiter)
        if payload is None:
            raise UnknownSid
        return payload

    async def _post(self, connection: _Connection, handshake: Handshake, receive: Receive) -> bytes:
        engine = connection.engine
        try:
            engine.begin_post(_now())
            body = await self._read_body(handshake, receive)
            if body is None:
                engine.finish(EngineEnd.LOST)
                raise UnknownSid
            for message in engine.post(body, _now()):
                connection.receive(message)
        except (BadPacket, TooLarge) as refusal:
            engine.refuse(refusal)
            raise
        finally:
            connection.flush()
        await connection.room()
        return b"ok"

    async def _read_body(self, handshake: Handshake, receive: Receive) -> bytes | None:
        """The body of a POST, or None where the client goes away or takes too long over it."""
        if handshake.header("content-type") == "application/octet-stream":
            raise BadPacket("a binary body, which Engine.IO 4 does not have")
        body = bytearray()
        size = 0
        try:
            async with asyncio.timeout(self.limits.ping_interval + self.limits.ping_timeout):
                while (message := await receive())["type"] == "http.request":
                    size += len(message.get("body", b""))
                    if size <= self.limits.max_payload:
                        body += message.get("body", b"")
                    if not message.get("more_body", False) or size > self._most_read:
                        return self._whole(body, size)
        except TimeoutError:
            pass
        return None

    @property
    def _most_read(self) -> int:
        """How far to read a body that is too large: who is cut off while sending sees no answer."""
        return 4 * self.limits.max_payload

    def _whole(self, body: bytearray, size: int) -> bytes:
        if size > self.limits.max_payload:
            raise TooLarge("bytes in one payload", self.limits.max_payload)
        return bytes(body)

    # WebSocket

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            handshake = read_handshake(scope)
            check_version(handshake, Transport.WEBSOCKET)
            owner = await self._identify(handshake)
            sid = handshake.parameter("sid")
            connection = None if sid is None else self._find(sid, owner)
            release = self._reserved(handshake) if connection is None else given_nothing
            if connection is not None:
                connection.engine.open_probe(_now())
        except RequestRefused as refusal:
            await _reject(scope, send, refusal)
        except OutOfTurn:
            # Clients take a refused handshake for a broken network, a close for an answer.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1008})
        else:
            try:
                await send({"type": "websocket.accept"})
            except BaseException:
                release()
                raise
            lane = lane_of(scope, send)
            forget_request(scope)
            if connection is None:
                connection = self._open(handshake, owner, Transport.WEBSOCKET, release)
                connection.use(lane)
                await lane.serve(_read(connection, receive))
            else:
                await lane.serve(self._upgrade(connection, lane, receive))

    async def _upgrade(self, connection: _Connection, lane: Lane, receive: Receive) -> None:
        connection.prober = lane
        try:
            async with asyncio.timeout(self.limits.upgrade_timeout):
                await _probe(connection.engine, lane, receive)
        except (WireRefusal, TimeoutError):
            lane.close(1002, "no upgrade")
        finally:
            connection.prober = None
            connection.engine.close_probe()
        if connection.engine.transport is Transport.WEBSOCKET:
            connection.use(lane)
            await _read(connection, receive)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _watch(connection: _Connection, waiter: _Waiter, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    connection.lose_poll(waiter)


async def _next_message(receive: Receive) -> str | bytes | None:
    """The next message, or None where the WebSocket has closed."""
    event = await receive()
    if event["type"] != "websocket.receive":
        return None
    text: str | None = event.get("text")
    return text if text is not None else event["bytes"]


async def _probe(engine: Engine, lane: Lane, receive: Receive) -> None:
    while (message := await _next_message(receive)) is not None:
        answer = engine.probe_frame(message)
        if answer is None:
            return
        lane.write(answer.websocket)


async def _read(connection: _Connection, receive: Receive) -> None:
    engine = connection.engine
    try:
        while engine.is_open and (data := await _next_message(receive)) is not None:
            message = engine.frame(data, _now())
            if message is not None:
                connection.receive(message)
            await connection.room()
    except WireRefusal as refusal:
        _log.debug("%s refused: %s", engine.sid, refusal)
    finally:
        engine.websocket_lost()
        connection.flush()


async def _refuse(send: Send, refusal: RequestRefused) -> None:
    await _respond(send, refusal.status, _refusal_body(refusal), _retry_header(refusal))


async def _respond(
    send: Send, status: int, body: bytes, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    headers = [
        *more,
        (b"content-type", b"text/plain; charset=UTF-8" if status == 200 else b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status != 200:
        # The body that we refused may be still on its way.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _retry_header(refusal: RequestRefused) -> list[tuple[bytes, bytes]]:
    if refusal.retry_after is None:
        return []
    return [(b"retry-after", b"%d" % ceil(refusal.retry_after))]


def _refusal_body(refusal: RequestRefused) -> bytes:
    body: dict[str, object] = {"code": refusal.number, "message": refusal.message}
    if refusal.retry_after is not None:
        body |= {"passing": True, "retry_after": round(refusal.retry_after, 3)}
    return msgspec.json.encode(body)


async def _reject(scope: Scope, send: Send, refusal: RequestRefused) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = _refusal_body(refusal)
    headers = [(b"content-type", b"application/json"), *_retry_header(refusal)]
    start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})
