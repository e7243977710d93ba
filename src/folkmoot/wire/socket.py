"""The namespaces that one client has joined over its engine, as a state machine.

Messages come in; what they ask for goes out. Who decides about it, and when, is `application`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.refusals import ConnectRefused, OutOfTurn, TooLarge
from folkmoot.wire.socket_packet import (
    ACK,
    BINARY_ACK,
    CONNECT,
    DISCONNECT,
    SocketPacket,
    decode_packet,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    fill,
)

Answered = Callable[[Sequence[Any]], None]


@dataclass(frozen=True, slots=True, eq=False)
class ConnectAsked:
    """The client wants to join a namespace; ``auth`` is what it says about itself."""

    namespace: str
    auth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """The client says something; ``ack_id`` is None where it wants no answer."""

    namespace: str
    name: str
    args: list[Any]
    ack_id: int | None


@dataclass(frozen=True, slots=True)
class Left:
    """The client has left a namespace that it had joined or asked to join."""

    namespace: str


Incoming = ConnectAsked | SocketEvent | Left


class _NamespaceState(Enum):
    JOINED = "joined"
    LEFT = "left"


class Namespaces:
    """Which namespaces a client has joined, whose acks it owes, and what is half received.

    ``deadline`` is when the first namespace must have been asked for; a client that has been
    refused gets no longer than that either.
    """

    __slots__ = (
        "_acks",
        "_connects",
        "_known",
        "_last_id",
        "_parts",
        "_pending",
        "_room",
        "_states",
        "deadline",
        "limits",
    )

    def __init__(self, known: frozenset[str], limits: EngineLimits, now: float) -> None:
        self.limits = limits
        self.deadline = now + limits.connect_timeout
        self._known = known
        self._states: dict[str, ConnectAsked | _NamespaceState] = {}
        self._acks: dict[tuple[str, int | None], Answered] = {}
        self._connects = 0
        self._last_id = 0
        self._pending: SocketPacket | None = None
        self._parts: list[bytes] = []
        self._room = 0

    # What the client says

    def receive(self, message: str | bytes) -> Incoming | Encoded | None:
        """What a message asks for, the refusal to send back, or None where there is nothing to do.

        Raises:
            WireRefusal: not what the protocol allows; the connection is to be closed.
        """
        if isinstance(message, bytes):
            return self._receive_attachment(message)
        if self._pending is not None:
            raise OutOfTurn("text between a packet and its attachments")
        packet = decode_packet(message, self.limits)
        if not packet.attachments:
            return self._receive_packet(packet)
        self._pending = packet
        self._room = self.limits.max_payload - len(message.encode())
        return None

    def is_late(self, now: float) -> bool:
        """Whether the client has let the time to join a first namespace run out.

        An application that is slow to decide is no fault of the client, which gets more time.
        """
        if now < self.deadline:
            return False
        self.deadline = now + self.limits.connect_timeout
        return not self._states

    # What the application decides

    def join(self, asked: ConnectAsked, sid: str, more: Mapping[str, object]) -> Encoded | None:
        """Let the client in: the packet that says so, or None where it has left meanwhile."""
        if self._states.get(asked.namespace) is not asked:
            return None
        self._states[asked.namespace] = _NamespaceState.JOINED
        self.deadline = inf
        return encode_connect(sid, more, namespace=asked.namespace)

    def refuse(self, asked: ConnectAsked, refusal: ConnectRefused) -> Encoded | None:
        """Keep the client out: the packet that says so, or None where it has left meanwhile."""
        if self._states.get(asked.namespace) is not asked:
            return None
        del self._states[asked.namespace]
        return encode_connect_error(refusal.message, refusal.data, namespace=asked.namespace)

    def leave(self, namespace: str) -> Encoded | None:
        """Put the client out: the packet that says so, or None where it is not in."""
        if self._states.get(namespace) is not _NamespaceState.JOINED:
            return None
        self._states[namespace] = _NamespaceState.LEFT
        self._forget_acks(namespace)
        return encode_disconnect(namespace=namespace)

    def ask(
        self, namespace: str, name: str, args: Sequence[object], answered: Answered
    ) -> tuple[int, Encoded]:
        """An event that the client is to answer, and its id; ``answered`` is called once at most.

        Raises:
            TooLarge: the client owes too many answers already.
        """
        if len(self._acks) >= self.limits.max_pending_acks:
            raise TooLarge("pending acks", self.limits.max_pending_acks)
        self._last_id += 1
        self._acks[namespace, self._last_id] = answered
        packet = encode_event(name, *args, namespace=namespace, ack_id=self._last_id)
        return self._last_id, packet

    def stop_asking(self, namespace: str, ack_id: int) -> None:
        """Take an answer no longer."""
        self._acks.pop((namespace, ack_id), None)

    # Inside

    def _receive_attachment(self, data: bytes) -> Incoming | Encoded | None:
        packet = self._pending
        if packet is None:
            raise OutOfTurn("an attachment without a packet")
        self._room -= len(data)
        if self._room < 0:
            raise TooLarge("bytes in one packet", self.limits.max_payload)
        self._parts.append(data)
        if len(self._parts) < packet.attachments:
            return None
        fill(packet, self._parts)
        self._pending, self._parts = None, []
        return self._receive_packet(packet)

    def _receive_packet(self, packet: SocketPacket) -> Incoming | Encoded | None:
        if packet.kind == CONNECT:
            return self._receive_connect(packet)
        state = self._states.get(packet.namespace)
        if state is None:
            raise OutOfTurn("a packet for a namespace that was not asked for")
        if state is _NamespaceState.LEFT:
            # It was on its way when we put the client out.
            return None
        if packet.kind == DISCONNECT:
            return self._receive_disconnect(packet.namespace)
        if packet.kind in (ACK, BINARY_ACK):
            self._receive_ack(packet)
            return None
        name, *args = packet.data
        return SocketEvent(packet.namespace, name, args, packet.ack_id)

    def _receive_connect(self, packet: SocketPacket) -> Incoming | Encoded:
        self._connects += 1
        if self._connects > self.limits.max_connects:
            raise OutOfTurn("one connect after the other")
        if packet.namespace not in self._known:
            refusal = ConnectRefused("Invalid namespace")
            return encode_connect_error(refusal.message, None, namespace=packet.namespace)
        if self._states.get(packet.namespace, _NamespaceState.LEFT) is not _NamespaceState.LEFT:
            raise OutOfTurn("a second connect to one namespace")
        asked = self._states[packet.namespace] = ConnectAsked(packet.namespace, packet.data or {})
        return asked

    def _receive_disconnect(self, namespace: str) -> Left:
        self._states[namespace] = _NamespaceState.LEFT
        self._forget_acks(namespace)
        return Left(namespace)

    def _receive_ack(self, packet: SocketPacket) -> None:
        """Hand the answer over; an id that we did not give, or no longer wait for, is nothing."""
        answered = self._acks.pop((packet.namespace, packet.ack_id), None)
        if answered is not None:
            answered(packet.data)

    def _forget_acks(self, namespace: str) -> None:
        self._acks = {key: then for key, then in self._acks.items() if key[0] != namespace}
