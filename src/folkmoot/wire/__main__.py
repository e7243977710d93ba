"""``python -m folkmoot.wire``: the layer by itself, for conformance suites.

Socket.IO at ``/socket.io/``, an Engine.IO echo at ``/engine.io/``, a WebSocket echo at ``/ws``.
Nobody logs in and nothing is stored, so it belongs on a loopback address.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from math import inf
from typing import Any

import uvicorn

from folkmoot.wire.engine import Engine, EngineEnd
from folkmoot.wire.engine_asgi import EngineServer, Receive, Scope, Send
from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import encode_message
from folkmoot.wire.lane import lane_of
from folkmoot.wire.lane_frames import binary_frame, text_frame
from folkmoot.wire.lane_uvicorn import LaneProtocol
from folkmoot.wire.socket import SocketEvent
from folkmoot.wire.socket_application import Socket
from folkmoot.wire.socket_asgi import SocketServer

_MOST_ECHO_BYTES = 16 * 1024 * 1024
_GREETING_DELAY = 0.02
_GRACE = 2
_PATIENCE = 0.5


class SuiteApplication:
    """The Socket.IO application that the protocol suite expects."""

    namespaces = frozenset(("/", "/custom"))

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        socket.account = auth

    async def joined(self, socket: Socket) -> None:
        # The suite looks for one message at a time and misses a second one in the same segment.
        await asyncio.sleep(_GREETING_DELAY)
        socket.emit("auth", socket.account)

    async def receive(self, socket: Socket, event: SocketEvent) -> Sequence[object] | None:
        if event.name == "message":
            socket.emit("message-back", *event.args)
        return event.args if event.name == "message-with-ack" else None

    async def left(self, socket: Socket, end: EngineEnd) -> None:
        pass


class EngineEcho:
    """A rider that sends every message back."""

    deadline = inf
    is_full = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def receive(self, message: str | bytes) -> None:
        self._engine.send(encode_message(message))

    async def room(self) -> None:
        pass

    def tick(self, now: float) -> None:
        pass

    def ended(self, end: EngineEnd) -> None:
        pass


class PlainEcho:
    """A WebSocket that sends every message back, reading no faster than it can write."""

    def __init__(self) -> None:
        self._has_room = asyncio.Event()

    def on_resume(self) -> None:
        self._has_room.set()

    def on_close(self) -> None:
        pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        lane = lane_of(scope, send)
        lane.feeder = self

        async def echo() -> None:
            while (message := await receive())["type"] == "websocket.receive":
                text = message.get("text")
                lane.write(
                    binary_frame(message["bytes"]) if text is None else text_frame(text.encode())
                )
                self._has_room.clear()
                if lane.paused:
                    await self._has_room.wait()

        await lane.serve(echo())


class Standalone:
    """The three of them as one ASGI application."""

    def __init__(self, limits: EngineLimits) -> None:
        self._sockets = SocketServer(SuiteApplication(), limits)
        self._engines = EngineServer(limits, lambda engine, _handshake, _owner: EngineEcho(engine))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._sockets.running(), self._engines.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def shut_down(self) -> None:
        self._sockets.shut_down()
        self._engines.shut_down()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"].rstrip("/")
        if path == "/socket.io":
            await self._sockets(scope, receive, send)
        elif path == "/engine.io":
            await self._engines(scope, receive, send)
        elif path == "/ws" and scope["type"] == "websocket":
            await PlainEcho()(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})


class StandaloneServer(uvicorn.Server):
    """uvicorn, saying where it listens, and releasing waiting polls before it waits for them."""

    def __init__(self, config: uvicorn.Config, standalone: Standalone) -> None:
        super().__init__(config)
        self._standalone = standalone

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            sys.stdout.write(f"listening on http://{host}:{port}\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._standalone.shut_down()
        asyncio.get_running_loop().call_later(_PATIENCE, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        """Wait no longer for clients that were told to close and do not."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line; periods are milliseconds, as on the wire."""
    parser = argparse.ArgumentParser(prog="python -m folkmoot.wire")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000, help="0 picks a free one")
    parser.add_argument("--ping-interval", type=int, default=300, metavar="MS")
    parser.add_argument("--ping-timeout", type=int, default=200, metavar="MS")
    parser.add_argument("--max-payload", type=int, default=1_000_000, metavar="BYTES")
    parser.add_argument("--connect-timeout", type=int, default=1000, metavar="MS")
    return parser.parse_args(arguments)


def build(options: argparse.Namespace) -> StandaloneServer:
    """The server that these options ask for."""
    limits = EngineLimits(
        ping_interval=options.ping_interval / 1000,
        ping_timeout=options.ping_timeout / 1000,
        max_payload=options.max_payload,
        connect_timeout=options.connect_timeout / 1000,
        # An echo fits into the outbox whatever its size.
        max_outbox=2 * options.max_payload,
    )
    standalone = Standalone(limits)
    config = uvicorn.Config(
        standalone,
        host=options.host,
        port=options.port,
        interface="asgi3",
        ws=LaneProtocol,
        ws_max_size=_MOST_ECHO_BYTES,
        ws_ping_interval=None,
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE,
    )
    return StandaloneServer(config, standalone)


if __name__ == "__main__":
    build(read_options(sys.argv[1:])).run()
