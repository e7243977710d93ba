"""A real uvicorn with the lane in a thread, and a client in raw bytes that can break every rule.

The client is a blocking socket whose every wait has a deadline.
"""

import asyncio
import queue
import socket
import struct
import threading
from concurrent.futures import Future

import uvicorn

from folkmoot.realtime.outbox import Outbox, SlowReaders, Tick
from folkmoot.wire.lane import lane_of
from folkmoot.wire.lane_uvicorn import LaneProtocol
from tests.deadlines import WITHIN_S

LIMIT = 64 * 1024
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, MASKED = 0x80, 0x40, 0x80


class Connected:
    """One connection as the application under test sees it."""

    def __init__(self, lane, outbox, send):
        self.lane, self.outbox, self.send = lane, outbox, send
        self.events = queue.Queue()

    def next_event(self):
        return self.events.get(timeout=WITHIN_S)


class Server:
    """uvicorn in a thread, with an application that echoes and shows its connections."""

    def __init__(self, loop_factory, slow=None, **options):
        self.slow = slow or SlowReaders()
        self.tick = None
        self.arrivals = queue.Queue()
        self.waiting = queue.Queue()
        self.started = threading.Event()
        config = uvicorn.Config(
            self.app,
            ws=LaneProtocol,
            ws_ping_interval=None,
            log_config=None,
            lifespan="on",
            interface="asgi3",
            timeout_graceful_shutdown=10,
            **{"ws_max_size": LIMIT} | options,
        )
        self.uvicorn = uvicorn.Server(config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self.run, args=(loop_factory,), daemon=True)

    def run(self, loop_factory):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(self.uvicorn.serve(sockets=[self.listener]))

    def __enter__(self):
        self.thread.start()
        assert self.started.wait(WITHIN_S)
        return self

    def __exit__(self, *_):
        self.uvicorn.should_exit = True
        self.thread.join(WITHIN_S)
        assert not self.thread.is_alive()

    async def app(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["path"] == "/refuse":
            await receive()
            await send({"type": "websocket.close"})
        else:
            if scope["path"] == "/wait":
                authenticator = asyncio.Event()
                self.waiting.put(authenticator.set)
                await authenticator.wait()
            await self.converse(scope, receive, send)

    async def lifespan(self, receive, send):
        self.loop = asyncio.get_running_loop()
        self.tick = Tick()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        self.started.set()
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def converse(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        lane = lane_of(scope, send)
        here = Connected(lane, Outbox(lane, self.tick, self.slow), send)
        self.arrivals.put(here)
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                here.events.put(event)
                return
            match event.get("text"):
                case "fail":
                    raise RuntimeError("the application failed")
                case "return":
                    return
                case "mark":
                    here.events.put(event)
            await send({**event, "type": "websocket.send"})

    def do(self, action):
        """Run an action on the server's loop and return what it returned."""
        done = Future()

        def act():
            try:
                done.set_result(action())
            except BaseException as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(act)
        return done.result(WITHIN_S)

    def connect(self, path="/live", rcvbuf=None):
        client = Client(self.address, path, rcvbuf)
        return client, self.arrivals.get(timeout=WITHIN_S)


class Client:
    """A WebSocket client that can break every rule."""

    def __init__(self, address, path="/live", rcvbuf=None):
        self.sock = socket.socket()
        if rcvbuf is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(WITHIN_S)
        self.sock.connect(address)
        self.sock.sendall(handshake(path))
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()

    def send(self, head, payload=b"", *, masked=True):
        self.sock.sendall(client_frame(head, payload, masked=masked))

    def frame(self):
        """The next frame as (opcode, payload), or None at the end of the stream."""
        head = self.file.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if size == 126:
            (size,) = struct.unpack("!H", self.file.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.file.read(8))
        assert head[0] & FIN
        return head[0] & 0x0F, self.file.read(size)

    def closing(self):
        """The code and reason of the close frame that comes next."""
        opcode, payload = self.frame()
        assert opcode == CLOSE
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def flood(self):
        while True:
            self.sock.sendall(b"x" * 65536)

    def is_reset(self):
        try:
            while self.sock.recv(1 << 20):
                pass
        except ConnectionResetError:
            return True
        return False


def handshake(path):
    return (
        f"GET {path} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    ).encode()


def client_frame(head, payload=b"", *, masked=True, size=None):
    size = len(payload) if size is None else size
    mask = MASKED if masked else 0
    if size < 126:
        start = struct.pack("!BB", head, mask | size)
    elif size < 1 << 16:
        start = struct.pack("!BBH", head, mask | 126, size)
    else:
        start = struct.pack("!BBQ", head, mask | 127, size)
    # A key of zeros masks nothing, so the payload goes out as it is.
    return start + (b"\0\0\0\0" if masked else b"") + payload
