"""What a Socket.IO application sees: its sockets, and the calls that it answers."""

import asyncio
from asyncio import get_running_loop, timeout
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

from folkmoot.wire.admitting import given_nothing
from folkmoot.wire.engine import Engine, EngineEnd, Transport
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.handshake import Handshake
from folkmoot.wire.socket import Namespaces, SocketEvent
from folkmoot.wire.socket_packet import encode_ack, encode_event


class Socket:
    """One client in one namespace. Only `call` waits, and what is sent to a gone client is dropped.

    ``account`` and ``release`` are the application's to set in `SocketApplication.connect`; the
    latter is called once this is over, whether it was ever joined or not.
    """

    __slots__ = (
        "_engine",
        "_namespaces",
        "_removed",
        "account",
        "handshake",
        "is_joined",
        "namespace",
        "owner",
        "release",
        "sid",
    )

    def __init__(
        self,
        sid: str,
        namespace: str,
        handshake: Handshake,
        owner: Hashable,
        *,
        engine: Engine,
        namespaces: Namespaces,
        removed: "Callable[[Socket], None]",
    ) -> None:
        self.sid = sid
        self.namespace = namespace
        self.handshake = handshake
        self.owner = owner
        self.account: Any = None
        self.is_joined = False
        self.release: Callable[[], None] = given_nothing
        self._engine = engine
        self._namespaces = namespaces
        self._removed = removed

    @property
    def transport(self) -> Transport:
        """What carries its packets at this moment."""
        return self._engine.transport

    @property
    def waiting_bytes(self) -> int:
        """What waits in the outbox of its connection."""
        return self._engine.outbox_bytes

    async def room(self) -> bool:
        """Wait until the client's transport has taken all that was sent to it.

        False when nobody is there to read any more.
        """
        while self._engine.outbox_bytes and self._engine.is_open:
            emptied = asyncio.Event()
            self._engine.when_empty(emptied.set)
            await emptied.wait()
        return self.is_joined and self._engine.is_open

    def send(self, packet: Encoded) -> None:
        """Send what `encode_event` made for this namespace, perhaps for many sockets at once."""
        if self.is_joined:
            self._engine.send(packet)

    def emit(self, name: str, *args: object, volatile: bool = False) -> None:
        """Send an event to this socket alone."""
        if self.is_joined:
            packet = encode_event(name, *args, namespace=self.namespace, volatile=volatile)
            self._engine.send(packet)

    def answer(self, event: SocketEvent, *args: object) -> None:
        """Answer an event that asked for it; the application sees to it that it does so once."""
        if self.is_joined and event.ack_id is not None:
            self._engine.send(encode_ack(event.ack_id, args, namespace=self.namespace))

    async def call(self, name: str, *args: object, deadline: float) -> Sequence[Any]:
        """Send an event and return what the client answers within ``deadline`` seconds.

        Raises:
            TimeoutError: no answer, or nobody left to give one.
            TooLarge: the client owes too many answers already.
        """
        answer = get_running_loop().create_future()

        def take(args: Sequence[Any]) -> None:
            if not answer.done():
                answer.set_result(args)

        ack_id, packet = self._namespaces.ask(self.namespace, name, args, take)
        self.send(packet)
        try:
            async with timeout(deadline):
                result: Sequence[Any] = await answer
                return result
        finally:
            self._namespaces.stop_asking(self.namespace, ack_id)

    def leave(self) -> None:
        """Put the client out of this namespace; its connection stays."""
        packet = self._namespaces.leave(self.namespace)
        if packet is not None and self.is_joined:
            self._engine.send(packet)
            self._removed(self)

    def close(self, end: EngineEnd = EngineEnd.SERVER_CLOSED) -> None:
        """Close the whole connection, after what was sent so far.

        After `End.SHUTDOWN` every client comes back; otherwise those of Python stay away.
        """
        self._engine.close(get_running_loop().time(), end)


class SocketApplication(Protocol):
    """What is spoken over Socket.IO.

    The calls for one client come one after the other, in the order in which the client spoke,
    and the client is read no further while too many wait. An error that is no refusal is logged
    and costs the client nothing but its answer.
    """

    namespaces: frozenset[str]

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> Mapping[str, object] | None:
        """Decide whether the client may join; what is returned goes into the answer beside ``sid``.

        The socket is not joined yet, so what is sent to it now is lost.

        Raises:
            ConnectRefused: it may not.
        """

    async def joined(self, socket: Socket) -> None:
        """The client has joined and knows it; `left` follows for certain."""

    async def receive(self, socket: Socket, event: SocketEvent) -> Sequence[object] | None:
        """Take an event; what is returned answers it where it asks for that.

        None leaves the answer to a later `Socket.answer`.
        """

    async def left(self, socket: Socket, end: EngineEnd) -> None:
        """The client has left, for this reason; called once for each `joined`, after it."""
