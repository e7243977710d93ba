"""One serving process: its listening socket, its HTTP settings, and how it says goodbye."""

import asyncio
import errno
import logging
import re
import signal
import socket
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from folkmoot.server.errors import StartRefused
from folkmoot.server.http.request_ids import TrustedProxies
from folkmoot.server.settings import Settings
from folkmoot.wire.lane_uvicorn import LaneProtocol
from folkmoot.wire.piecewise import PiecewiseProtocol

PEER_GONE_MILLISECONDS = 20_000
LINGER_SECONDS = 5.0
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
LEAST_BODY_RATE = 1000
"""Bytes a second, after the first pause: a body that drips holds a connection for ever."""
_log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        StartRefused: the port is taken, or the address is not one of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: a peer that acknowledges nothing is freed by the kernel.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_GONE_MILLISECONDS)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise StartRefused(_why_not(host, port, error)) from error
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken: stop the program that uses it, "
            "or choose another port with --port."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this account has: choose one above 1023."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}; check --host."


_HEAD_TOO_LARGE = b"\r\n".join(
    [
        b"HTTP/1.1 431 Request Header Fields Too Large",
        b"content-type: application/json",
        b"content-length: 85",
        b"connection: close",
        b"",
        b'{"detail":"The headers are larger than the server takes.","code":"headers_too_large"}',
    ]
)


_WITHOUT_PATH = re.compile(rb"^(https?://[^/?#]+)(?=\?|$)", re.IGNORECASE)


class _HeadTooLarge(Exception):
    """The parser stops at once when this comes out of one of its callbacks."""


class HttpProtocol(PiecewiseProtocol, HttpToolsProtocol):
    """uvicorn's HTTP, without its patience: a request that does not come in time is over.

    Headers have ``headers_seconds``, and may be `MAX_HEADERS` and `MAX_HEAD_BYTES`, trailers
    included. Between two pieces of a body ``body_pause_seconds`` pass at most, and that much more
    than `LEAST_BODY_RATE` allows in all. A connection between two requests is uvicorn's own
    keep-alive timeout's affair.

    Whoever is answered in the middle of their request is heard out for `LINGER_SECONDS`: to close
    a connection with unread input is to reset it, and the client would not see the answer.
    """

    piece_bytes = 4096
    headers_seconds: ClassVar[float]
    body_pause_seconds: ClassVar[float]
    _deadline: TimerHandle | None = None
    _exchanges: tuple[RequestResponseCycle, ...] = ()
    _is_deaf = False
    _is_upgraded = False
    _is_in_head = True
    _is_head_too_large = False
    _head_bytes = 0
    _field_bytes = 0
    _fields = 0
    _body_until = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self.flow = FlowControl(cast("asyncio.Transport", _Reading(self)))
        self._expect_within(self.headers_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self.drop_unread()
        # uvicorn tells only the last of several that were sent in a row.
        for exchange in self._exchanges:
            if not exchange.response_complete:
                exchange.disconnected = True
                exchange.message_event.set()
        self._exchanges = ()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        self._field_bytes = self._fields = 0
        self._expect_within(self.headers_seconds)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count_in_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._count_in_head(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        # RFC 9112, 3.2.2: of what a proxy asks for, the path may be empty.
        self.url = _WITHOUT_PATH.sub(rb"\1/", self.url)
        self._is_in_head = False
        self._body_until = self.loop.time() + self.body_pause_seconds
        self._expect_within(self.body_pause_seconds)
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.transport = cast("asyncio.Transport", _ExchangeTransport(self))
            open_ones = (one for one in self._exchanges if not one.response_complete)
            self._exchanges = (*open_ones, self.cycle)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            # One read a turn: to drop what comes costs others as well.
            self.transport.pause_reading()
            self.loop.call_soon(self.go_on_reading)
        else:
            self.take_in(data)

    @property
    def is_held(self) -> bool:
        # What is asked for waits until what was asked before it is answered.
        waits = self.flow.read_paused or bool(self.pipeline)
        return self._is_upgraded or (waits and not self._is_deaf)

    def parse(self, data: bytes) -> None:
        if self._is_deaf or self._is_upgraded:
            return
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse_head()

    def send_400_response(self, msg: str) -> None:
        if self._is_head_too_large:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def on_body(self, body: bytes) -> None:
        self._body_until += len(body) / LEAST_BODY_RATE
        left = self._body_until - self.loop.time()
        self._expect_within(max(0.0, min(left, self.body_pause_seconds)))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expect_nothing()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.go_on_reading()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        if self.parser.get_http_version() == "1.0":
            self.send_400_response("WebSockets need HTTP/1.1.")  # RFC 6455, 4.1
        else:
            # Whoever says more before they are accepted is not heard.
            self._is_upgraded = True
            self.drop_unread()
            super().handle_websocket_upgrade()

    def close_politely(self) -> None:
        """Close the connection, once what the client was about to send has come."""
        if self._deadline is None or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._is_deaf = True
        self._expect_within(LINGER_SECONDS)
        self.transport.write_eof()

    def _count_in_head(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > MAX_HEAD_BYTES or self._fields > MAX_HEADERS:
            self._is_head_too_large = True
            raise _HeadTooLarge

    def _refuse_head(self) -> None:
        if not self._is_in_head:
            self.transport.close()  # Trailers: whoever serves the request may be about to answer.
        elif not self._is_deaf:
            self.transport.write(_HEAD_TOO_LARGE)
            self.close_politely()

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.unread and not self._is_deaf:
            # The rest has come: it is here that it waits.
            self._expect_within(self.headers_seconds)
        elif not self.transport.is_closing():
            self.transport.abort()


class _Reading:
    """What uvicorn's flow control may do to a connection: hold what is read of it."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.pause_reading = protocol.transport.pause_reading
        self.resume_reading = protocol.go_on_reading


class _ExchangeTransport:
    """What one exchange may do to its connection."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing
        self.close = protocol.close_politely


class Process(uvicorn.Server):
    """A uvicorn server that lets the server say goodbye before it closes anybody's socket.

    ``farewell`` runs when no new connection is taken any more, and before the open ones close.
    """

    def __init__(self, config: uvicorn.Config, farewell: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._farewell = farewell

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to end, which is then granted with exit code 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, say goodbye, and then close what is open."""
        for server in self.servers:
            server.close()
        try:
            await asyncio.wait_for(self._farewell(), self.config.timeout_graceful_shutdown)
        except TimeoutError:
            _log.error("what was under way could not be finished in time")
        await super().shutdown(sockets)


def http_of(settings: Settings) -> type[HttpProtocol]:
    """The protocol with as much patience as is set."""

    class Set(HttpProtocol):
        headers_seconds = settings.headers_seconds
        body_pause_seconds = settings.body_pause_seconds

    return Set


def config_of(app: Any, settings: Settings) -> uvicorn.Config:
    """How uvicorn is to serve the application."""
    if settings.proxy_addresses:
        app = TrustedProxies(app, settings.proxy_addresses)
    return uvicorn.Config(
        app,
        interface="asgi3",
        loop="uvloop",
        http=http_of(settings),
        ws=LaneProtocol,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        access_log=settings.access_log,
        log_config=None,
        lifespan="off",
    )
