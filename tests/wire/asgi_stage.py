"""A Socket.IO server over ASGI, and clients that speak to it packet by packet."""

import asyncio
import json
from contextlib import asynccontextmanager

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.refusals import ConnectRefused, NotAdmitted
from folkmoot.wire.socket_asgi import SocketServer
from tests.deadlines import WITHIN_S

POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"


class Desk:
    """An application that writes down what it is told, and answers as it is told to."""

    namespaces = frozenset(("/", "/custom"))

    def __init__(self):
        self.log = []
        self.sockets = []
        self.news = asyncio.Condition()
        self.is_hearing = asyncio.Event()
        self.authenticator = asyncio.Event()
        self.authenticator.set()

    async def write(self, *entry):
        async with self.news:
            self.log.append(entry)
            self.news.notify_all()

    async def told(self, *entry):
        async with self.news:
            await self.news.wait_for(lambda: entry in self.log)

    async def connect(self, socket, auth):
        if auth.get("token") == "bad":
            raise ConnectRefused("authentication required", {"code": "unauthorized"})
        if auth.get("token") == "crash":
            raise RuntimeError("a bug of the application")
        socket.account = auth.get("token")
        return {"pid": "p1"} if auth.get("recover") else None

    async def joined(self, socket):
        self.sockets.append(socket)
        await self.write("joined", socket.namespace, socket.account)

    async def receive(self, socket, event):
        if event.name == "crash":
            raise RuntimeError("a bug of the application")
        self.is_hearing.set()
        await self.authenticator.wait()
        await self.write(event.name, *event.args)
        return event.args

    async def left(self, socket, end):
        await self.write("left", socket.namespace, end)


async def by_token(handshake):
    """Identify by the query's token; the token `stranger` may not come in."""
    if handshake.parameter("token") == "stranger":
        raise NotAdmitted
    return handshake.parameter("token")


@asynccontextmanager
async def serving(desk, limits=None, **options):
    async with asyncio.timeout(WITHIN_S):
        count = iter(range(1, 1000))
        server = SocketServer(
            desk, limits or EngineLimits(), new_sid=lambda: f"sid-{next(count)}", **options
        )
        async with server.running():
            yield server


class Request:
    """One HTTP request, from the client's side."""

    def __init__(self, server, method, query, body=b"", headers=()):
        self.status = None
        self.body = b""
        self.hangs_up = asyncio.Event()
        self._incoming = [{"type": "http.request", "body": body}]
        scope = {
            "type": "http",
            "method": method,
            "path": "/socket.io/",
            "query_string": query.encode(),
            "headers": list(headers),
        }
        self._call = server(scope, self._receive, self._send)

    async def answer(self):
        await self._call
        return self.status, self.body.decode()

    async def _receive(self):
        if not self._incoming:
            await self.hangs_up.wait()
            return {"type": "http.disconnect"}
        return self._incoming.pop()

    async def _send(self, message):
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


async def get(server, query):
    return await Request(server, "GET", query).answer()


async def post(server, query, body, **options):
    return await Request(server, "POST", query, body.encode(), **options).answer()


async def open_polling(server, extra=""):
    status, body = await get(server, POLLING + extra)
    assert status == 200
    return f"{POLLING}{extra}&sid={json.loads(body[1:])['sid']}"


class WebSocket:
    """One WebSocket, from the client's side; what the server says comes one message at a time."""

    def __init__(self, server, query):
        self._to_server = asyncio.Queue()
        self._from_server = asyncio.Queue()
        scope = {
            "type": "websocket",
            "path": "/socket.io/",
            "query_string": query.encode(),
            "headers": [],
        }
        self._to_server.put_nowait({"type": "websocket.connect"})
        self._serving = asyncio.ensure_future(
            server(scope, self._to_server.get, self._from_server.put)
        )

    def send(self, data):
        kind = "text" if isinstance(data, str) else "bytes"
        self._to_server.put_nowait({"type": "websocket.receive", kind: data})

    async def said(self):
        message = await self._from_server.get()
        if message["type"] == "websocket.close":
            self.hang_up()
            return message["code"]
        if message["type"] == "websocket.accept":
            return await self.said()
        return message.get("text") or message["bytes"]

    async def accepted(self):
        assert (await self._from_server.get())["type"] == "websocket.accept"

    async def join(self, auth=""):
        self.send(f"40{auth}")
        assert (await self.said()).startswith('40{"sid"')

    def hang_up(self):
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})

    async def done(self):
        self.hang_up()
        await self._serving


async def open_websocket(server, extra=""):
    websocket = WebSocket(server, WEBSOCKET + extra)
    assert (await websocket.said()).startswith("0{")
    return websocket
