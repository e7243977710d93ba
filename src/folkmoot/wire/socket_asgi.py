"""Socket.IO over ASGI: an `EngineServer` whose riders hand what clients say to an application."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from folkmoot.wire.admitting import Admit, Identify, anybody, anywhere
from folkmoot.wire.engine import Engine, EngineEnd, Full, close_when_full
from folkmoot.wire.engine_asgi import EngineServer, Receive, Scope, Send
from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.handshake import Handshake
from folkmoot.wire.refusals import ConnectRefused, TooLarge
from folkmoot.wire.socket import ConnectAsked, Incoming, Left, Namespaces, SocketEvent
from folkmoot.wire.socket_application import Socket, SocketApplication

EVENTS_A_TURN = 16
"""How many events of one client are served before others have their turn of the loop."""

_log = logging.getLogger("folkmoot.wire")


@dataclass(frozen=True, slots=True)
class _Out:
    """A socket is out by our doing; or, where ``namespace`` is None, all with the connection."""

    namespace: str | None
    end: EngineEnd


class SocketServer:
    """An ASGI application that speaks Socket.IO 5 for an `SocketApplication`.

    ``identify``, ``full`` and ``admit`` are those of `EngineServer`.
    Mount it at a path that ends in a slash, and enter `running` for as long as it is to serve.
    """

    def __init__(
        self,
        application: SocketApplication,
        limits: EngineLimits,
        *,
        identify: Identify = anybody,
        full: Full = close_when_full,
        admit: Admit = anywhere,
        new_sid: Callable[[], str] = lambda: secrets.token_urlsafe(15),
    ) -> None:
        self.application = application
        self.new_sid = new_sid
        self.engines = EngineServer(
            limits, self._board, identify=identify, full=full, admit=admit, new_sid=new_sid
        )

    def __len__(self) -> int:
        """How many connections there are, joined to a namespace or not."""
        return len(self.engines)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Serve while this is entered; on leaving, the application hears of every socket's end."""
        return self.engines.running()

    def shut_down(self) -> None:
        """Close every connection; to be called before the HTTP server waits for its requests."""
        self.engines.shut_down()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.engines(scope, receive, send)

    def _board(self, engine: Engine, handshake: Handshake, owner: Hashable) -> "_Client":
        return _Client(self, engine, handshake, owner)


class _Client:
    """One client: its namespaces, its sockets, and what the application has yet to hear of it."""

    __slots__ = (
        "_engine",
        "_handshake",
        "_inbox",
        "_is_working",
        "_namespaces",
        "_owner",
        "_relief",
        "_server",
        "_sockets",
        "_unread_bytes",
        "_waiting_bytes",
        "_waiting_events",
    )

    def __init__(
        self, server: SocketServer, engine: Engine, handshake: Handshake, owner: Hashable
    ) -> None:
        self._server = server
        self._engine = engine
        self._handshake = handshake
        self._owner = owner
        self._namespaces = Namespaces(
            server.application.namespaces, engine.limits, asyncio.get_running_loop().time()
        )
        self._sockets: dict[str, Socket] = {}
        self._inbox: list[tuple[Incoming | _Out, int]] = []
        self._is_working = False
        self._relief: asyncio.Event | None = None
        self._unread_bytes = self._waiting_bytes = self._waiting_events = 0

    # The rider

    @property
    def deadline(self) -> float:
        return self._namespaces.deadline

    @property
    def is_full(self) -> bool:
        limits = self._engine.limits
        return self._waiting_events >= limits.max_inbox or self._waiting_bytes >= limits.max_payload

    def receive(self, message: str | bytes) -> None:
        most = self._engine.limits.max_unjoined
        if not self._sockets and len(message) > most:
            raise TooLarge("bytes before a namespace is joined", most)
        self._unread_bytes += len(message)
        incoming = self._namespaces.receive(message)
        if isinstance(incoming, Encoded):
            self._engine.send(incoming)
        elif incoming is not None:
            if isinstance(incoming, Left) and incoming.namespace in self._sockets:
                self._sockets[incoming.namespace].is_joined = False
            self._put(incoming, self._unread_bytes)
            self._unread_bytes = 0

    async def room(self) -> None:
        while self.is_full and self._engine.is_open:
            if self._relief is None:
                self._relief = asyncio.Event()
            await self._relief.wait()

    def tick(self, now: float) -> None:
        if self._namespaces.is_late(now):
            self._engine.finish(EngineEnd.CONNECT_TIMEOUT)

    def ended(self, end: EngineEnd) -> None:
        self._put(_Out(None, end), 0)
        self._relieve()

    # What the application has yet to hear

    def _put(self, incoming: Incoming | _Out, size: int) -> None:
        self._waiting_events += 1
        self._waiting_bytes += size
        self._inbox.append((incoming, size))
        if not self._is_working:
            self._is_working = True
            self._server.engines.spawn(self._work())

    async def _work(self) -> None:
        """Tell the application everything in turn; runs only while there is something to tell."""
        while self._inbox:
            batch, self._inbox = self._inbox, []
            for number, (incoming, size) in enumerate(batch, 1):
                if number % EVENTS_A_TURN == 0:
                    await asyncio.sleep(0)
                try:
                    await self._tell(incoming)
                except Exception:
                    _log.exception("the application failed on a %s", type(incoming).__name__)
                self._waiting_events -= 1
                self._waiting_bytes -= size
                self._relieve()
        self._is_working = False

    def _relieve(self) -> None:
        if self._relief is not None and (not self._engine.is_open or not self.is_full):
            self._relief.set()
            self._relief = None

    async def _tell(self, incoming: Incoming | _Out) -> None:
        match incoming:
            case ConnectAsked():
                await self._tell_connect(incoming)
            case SocketEvent():
                await self._tell_event(incoming)
            case Left(namespace):
                await self._tell_left(namespace, EngineEnd.CLIENT_LEFT)
            case _Out(None, end):
                for namespace in list(self._sockets):
                    await self._tell_left(namespace, end)
            case _Out(str(namespace), end):
                await self._tell_left(namespace, end)

    async def _tell_connect(self, asked: ConnectAsked) -> None:
        if not self._engine.is_open:
            return
        socket = Socket(
            self._server.new_sid(),
            asked.namespace,
            self._handshake,
            self._owner,
            engine=self._engine,
            namespaces=self._namespaces,
            removed=self._remove,
        )
        more, refusal = await self._decide(socket, asked)
        if refusal is not None:
            answer = self._namespaces.refuse(asked, refusal)
        else:
            answer = self._namespaces.join(asked, socket.sid, more)
        is_heard = answer is not None and self._engine.is_open
        if refusal is not None or not is_heard:
            socket.release()
        if answer is None or not is_heard:
            return
        self._engine.send(answer)
        if refusal is None:
            self._sockets[asked.namespace] = socket
            socket.is_joined = True
            await self._server.application.joined(socket)

    async def _decide(
        self, socket: Socket, asked: ConnectAsked
    ) -> tuple[Mapping[str, object], ConnectRefused | None]:
        try:
            return await self._server.application.connect(socket, asked.auth) or {}, None
        except ConnectRefused as refusal:
            return {}, refusal
        except Exception:
            _log.exception("the application failed on a connect")
            return {}, ConnectRefused("server error")

    async def _tell_event(self, event: SocketEvent) -> None:
        socket = self._sockets.get(event.namespace)
        if socket is None:
            return
        answer = await self._server.application.receive(socket, event)
        if answer is not None:
            socket.answer(event, *answer)

    async def _tell_left(self, namespace: str, end: EngineEnd) -> None:
        socket = self._sockets.pop(namespace, None)
        if socket is not None:
            socket.is_joined = False
            socket.release()
            await self._server.application.left(socket, end)

    def _remove(self, socket: Socket) -> None:
        socket.is_joined = False
        self._put(_Out(socket.namespace, EngineEnd.SERVER_LEFT), 0)
