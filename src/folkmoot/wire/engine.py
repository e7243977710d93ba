"""One client's Engine.IO 4 connection as a state machine: polling, upgrade, heartbeat, close.

Requests, frames and the time come in; answers, packets and the end go out. Nothing here waits:
who holds the request, the WebSocket and the timer is `engine_asgi`.
"""

from collections.abc import Callable
from enum import Enum, StrEnum
from math import inf

import msgspec

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import (
    CLOSE,
    MESSAGE,
    NOOP,
    OPEN,
    PING,
    PONG,
    SEPARATOR,
    UPGRADE,
    Encoded,
    Packet,
    decode_frame,
    decode_payload,
    encode_text,
)
from folkmoot.wire.refusals import BadPacket, OutOfTurn, TooLarge, UnknownSid, WireRefusal


class Transport(StrEnum):
    """What carries the packets at this moment."""

    POLLING = "polling"
    WEBSOCKET = "websocket"


class EngineEnd(StrEnum):
    """Why a connection is over, in the words that Socket.IO users know where it has them."""

    CLIENT_LEFT = "client namespace disconnect"
    SERVER_LEFT = "server namespace disconnect"
    CLIENT_CLOSED = "transport close"
    SERVER_CLOSED = "forced server close"
    LOST = "transport error"
    PING_TIMEOUT = "ping timeout"
    CONNECT_TIMEOUT = "connect timeout"
    BAD_PACKET = "parse error"
    TOO_LARGE = "payload too large"
    OUTBOX_FULL = "outbox full"
    SHUTDOWN = "server shutting down"


class Overflow(Enum):
    """What to do with a packet for which the outbox has no room."""

    DROP = "drop"
    CLOSE = "close"


class Probe(Enum):
    """How far the upgrade to WebSocket has come."""

    NONE = 0
    OPENED = 1
    ANSWERED = 2


_GONE_OR_TO_RETURN = frozenset(
    (EngineEnd.CLIENT_CLOSED, EngineEnd.PING_TIMEOUT, EngineEnd.OUTBOX_FULL, EngineEnd.SHUTDOWN)
)
_CLOSE = encode_text(CLOSE)
_NOOP = encode_text(NOOP)
_PING = encode_text(PING)
_PROBE_ANSWER = encode_text(PONG, "probe")


Full = Callable[[Encoded], Overflow]


def _nothing() -> None:
    pass


def close_when_full(_packet: Encoded) -> Overflow:
    """The usual answer to a full outbox: nothing may be lost in between, so its reader goes."""
    return Overflow.CLOSE


class Engine:
    """One Engine.IO connection.

    ``wake`` is called when there is something to take out, once until it has been taken, and at
    the end; it must not call back at once. When a packet finds no room, ``relieve`` may empty the
    outbox on the spot; if that and dropping the volatile ones is not enough, ``full`` is asked.
    Every method is harmless after the end, or raises `UnknownSid` where a request asks for an
    answer.
    """

    __slots__ = (
        "_awake",
        "_full",
        "_is_excused",
        "_lingering",
        "_noop_due",
        "_outbox",
        "_ping_due",
        "_polled",
        "_pong_due",
        "_posting",
        "_relieve",
        "_volatile",
        "_wake",
        "_when_empty",
        "deadline",
        "end",
        "limits",
        "outbox_bytes",
        "probe",
        "sid",
        "transport",
    )

    def __init__(
        self,
        sid: str,
        transport: Transport,
        limits: EngineLimits,
        now: float,
        *,
        wake: Callable[[], None],
        relieve: Callable[[], None] = _nothing,
        full: Full = close_when_full,
    ) -> None:
        self.sid = sid
        self.transport = transport
        self.limits = limits
        self.end: EngineEnd | None = None
        self.probe = Probe.NONE
        self.outbox_bytes = 0
        self._volatile = 0
        self.deadline = self._ping_due = now + limits.ping_interval
        self._pong_due = inf
        self._noop_due = inf
        """When a poll that came during the upgrade has waited long enough for the upgrade."""
        self._outbox: list[Encoded] = []
        self._polled = False
        self._posting = False
        self._lingering = False
        self._is_excused = False
        self._awake = False
        self._when_empty: list[Callable[[], None]] = []
        self._wake = wake
        self._relieve = relieve
        self._full = full
        self.send(encode_text(OPEN, self._handshake()))

    @property
    def is_open(self) -> bool:
        """Whether packets are still taken in either direction."""
        return self.end is None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to say either, so that the ``sid`` may be forgotten."""
        return self.end is not None and not self._lingering

    # What we send

    def send(self, packet: Encoded) -> None:
        """Put a packet in the outbox; a volatile one that does not fit is dropped."""
        if self.end is not None:
            return
        if self.outbox_bytes + packet.size > self.limits.max_outbox and not self._make_room(packet):
            return
        self._outbox.append(packet)
        self.outbox_bytes += packet.size
        self._volatile += packet.volatile
        if not self._awake:
            self._call()

    def take(self) -> list[Encoded]:
        """Everything in the outbox, for the WebSocket that carries this connection."""
        packets, self._outbox = self._outbox, []
        self.outbox_bytes = self._volatile = 0
        self._awake = False
        self._tell_empty()
        return packets

    def when_empty(self, then: Callable[[], None]) -> None:
        """Call ``then`` once, when all that was sent so far has been taken, or at the end."""
        self._when_empty.append(then)

    # Polling

    def poll(self, now: float) -> bytes | None:
        """What a poll is answered with, or None where it is to wait for `answer`.

        One that comes during an upgrade waits ``limits.upgrade_grace`` at most: the client may
        have completed the upgrade before it polled, over a WebSocket that is read only after the
        poll. Then there is no answer, and the poll is to be refused as one that comes later is.

        Raises:
            UnknownSid: the connection is over or has been upgraded.
            OutOfTurn: another poll waits; the connection is over.
        """
        self._require_polling(now)
        if self._polled:
            self.finish(EngineEnd.BAD_PACKET)
            raise OutOfTurn("a second poll")
        self._polled = True
        if self.probe is not Probe.NONE:
            self._noop_due = now + self.limits.upgrade_grace
            self._set_deadline()
        return self.answer()

    def answer(self) -> bytes | None:
        """What the waiting poll is answered with now, or None where no poll or nothing waits."""
        if not self._polled or not self._outbox:
            return None
        self._polled = False
        self._noop_due = inf
        packets = self._take_some()
        self._lingering = self._lingering and bool(self._outbox)
        return SEPARATOR.join(packet.payload for packet in packets)

    def poll_lost(self) -> None:
        """The client has gone away from its waiting poll."""
        if self._polled:
            self.finish(EngineEnd.CLIENT_CLOSED)

    def begin_post(self, now: float) -> None:
        """A POST has come, its body is still to be read.

        Raises:
            UnknownSid: the connection is over or has been upgraded.
            OutOfTurn: another POST is being read, so their order is lost; the connection is over.
        """
        self._require_open(now)
        if self._posting:
            self.finish(EngineEnd.BAD_PACKET)
            raise OutOfTurn("a second post")
        self._posting = True

    def post(self, body: bytes, now: float) -> list[str | bytes]:
        """The messages in the body of the POST that was begun.

        Raises:
            UnknownSid: the connection ended while the body was read.
            WireRefusal: the body is not what the protocol allows; the connection is over.
        """
        self._posting = False
        self._require_open(now)
        try:
            if len(body) > self.limits.max_payload:
                raise TooLarge("bytes in one payload", self.limits.max_payload)
            packets = decode_payload(body, most_packets=self.limits.max_packets)
            return self._receive_all(packets, now)
        except WireRefusal as refusal:
            self.refuse(refusal)
            raise

    # WebSocket

    def frame(self, data: str | bytes, now: float) -> str | bytes | None:
        """The message in a WebSocket message, or None where it was about the connection itself.

        Raises:
            WireRefusal: not what the protocol allows; the connection is over.
        """
        try:
            if _size(data) > self.limits.max_payload:
                raise TooLarge("bytes in one message", self.limits.max_payload)
            return self._receive(decode_frame(data), now)
        except WireRefusal as refusal:
            self.refuse(refusal)
            raise

    def websocket_lost(self) -> None:
        """The WebSocket that carries this connection has closed."""
        self.finish(EngineEnd.CLIENT_CLOSED)

    # Upgrade

    def open_probe(self, now: float) -> None:
        """A WebSocket has come that wants to take over from polling.

        Raises:
            UnknownSid: the connection is over.
            OutOfTurn: it has been upgraded, or another WebSocket is at it.
        """
        self.tick(now)
        if self.end is not None:
            raise UnknownSid
        if self.transport is Transport.WEBSOCKET or self.probe is not Probe.NONE:
            raise OutOfTurn("a second websocket")
        self.probe = Probe.OPENED

    def probe_frame(self, data: str | bytes) -> Encoded | None:
        """What to answer on the probing WebSocket; None when it has become the transport.

        Raises:
            WireRefusal: not the next step of the upgrade. Polling goes on after `close_probe`.
        """
        packet = decode_frame(data)
        if packet == (PING, "probe") and self.probe is Probe.OPENED:
            self.probe = Probe.ANSWERED
            self._release_poll()
            return _PROBE_ANSWER
        if packet.kind != UPGRADE or self.probe is not Probe.ANSWERED or self.end is not None:
            raise OutOfTurn("not a step of the upgrade")
        if self._noop_due < inf:
            self._polled = False
        self.close_probe()
        self.transport = Transport.WEBSOCKET
        return None

    def close_probe(self) -> None:
        """The probing WebSocket has taken over, or is gone before it did."""
        self.probe = Probe.NONE
        self._noop_due = inf

    # Time and the end

    def excuse(self) -> None:
        """Reading from the client has stopped for a while, so that its pong may be late by us."""
        self._is_excused = True

    def tick(self, now: float) -> None:
        """Do what is due at this time, and set ``deadline`` to the next."""
        if self._lingering and now >= self.deadline:
            self._lingering = False
        if self.end is not None:
            return
        if now >= self._pong_due:
            if not self._is_excused:
                self.finish(EngineEnd.PING_TIMEOUT)
                return
            self._is_excused = False
            self._pong_due = now + self.limits.ping_timeout
        elif now >= self._ping_due:
            # A ping that is late by us takes no more than half its time from the answer.
            timeout = self.limits.ping_timeout
            self._pong_due = max(self._ping_due + timeout, now + timeout / 2)
            self._ping_due = inf
            self._is_excused = False
            self._ping()
        if now >= self._noop_due:
            self._noop_due = inf
            self._release_poll()
        self._set_deadline()

    def finish(self, end: EngineEnd) -> None:
        """End the connection at once; a waiting poll is told, whatever else waits is dropped."""
        if self.end is None:
            self._conclude(end, [_farewell(end)] if self._polled else [])

    def refuse(self, refusal: WireRefusal) -> None:
        """End the connection because of what the client did."""
        self.finish(EngineEnd.TOO_LARGE if isinstance(refusal, TooLarge) else EngineEnd.BAD_PACKET)

    def close(self, now: float, end: EngineEnd = EngineEnd.SERVER_CLOSED) -> None:
        """End the connection after its last words; a polling client gets a while to fetch them."""
        if self.end is not None:
            return
        if self.transport is Transport.WEBSOCKET:
            self._conclude(end, self._outbox)
            return
        self._lingering = True
        self._conclude(end, [*self._outbox, _farewell(end)])
        self.deadline = now + self.limits.linger

    # Inside

    def _handshake(self) -> bytes:
        polling = self.transport is Transport.POLLING
        return msgspec.json.encode(
            {
                "sid": self.sid,
                "upgrades": [Transport.WEBSOCKET] if polling else [],
                "pingInterval": round(self.limits.ping_interval * 1000),
                "pingTimeout": round(self.limits.ping_timeout * 1000),
                "maxPayload": self.limits.max_payload,
            }
        )

    def _conclude(self, end: EngineEnd, last_words: list[Encoded]) -> None:
        self.end = end
        self.deadline = inf
        self._outbox = last_words
        self._tell_empty()
        self._wake()

    def _require_polling(self, now: float) -> None:
        self.tick(now)
        if self.is_over or self.transport is not Transport.POLLING:
            raise UnknownSid

    def _require_open(self, now: float) -> None:
        self._require_polling(now)
        if self.end is not None:
            raise UnknownSid

    def _receive_all(self, packets: list[Packet], now: float) -> list[str | bytes]:
        messages = []
        for packet in packets:
            message = self._receive(packet, now)
            if message is not None:
                messages.append(message)
            if self.end is not None:
                break
        return messages

    def _receive(self, packet: Packet, now: float) -> str | bytes | None:
        if packet.kind == MESSAGE:
            return packet.data
        if packet.kind == PONG and not packet.data:
            self._receive_pong(now)
        elif packet.kind == CLOSE and not packet.data:
            self.finish(EngineEnd.CLIENT_CLOSED)
        else:
            raise BadPacket("a packet that a client does not send here")
        return None

    def _receive_pong(self, now: float) -> None:
        if self._pong_due < inf:
            self._pong_due = inf
            self._ping_due = now + self.limits.ping_interval
            self._set_deadline()

    def _ping(self) -> None:
        """Ping ahead of what waits, so that a backlog does not pass for a client that is gone."""
        self._outbox.insert(0, _PING)
        self.outbox_bytes += _PING.size
        if not self._awake:
            self._call()

    def _call(self) -> None:
        self._awake = True
        self._wake()

    def _tell_empty(self) -> None:
        waiting, self._when_empty = self._when_empty, []
        for then in waiting:
            then()

    def _take_some(self) -> list[Encoded]:
        """As much as one poll is answered with; what is left waits for the next."""
        count = 0
        for index, packet in enumerate(self._outbox):
            count += len(packet.parts)
            if index and count > self.limits.max_answer_packets:
                break
        else:
            return self.take()
        packets = self._outbox[:index]
        del self._outbox[:index]
        self.outbox_bytes -= sum(packet.size for packet in packets)
        self._volatile -= sum(packet.volatile for packet in packets)
        return packets

    def _set_deadline(self) -> None:
        self.deadline = min(self._ping_due, self._pong_due, self._noop_due)

    def _release_poll(self) -> None:
        """Answer a poll that waits: no client moves before its last poll has ended."""
        if self._polled and self._noop_due == inf:
            self.send(_NOOP)

    def _make_room(self, packet: Encoded) -> bool:
        if packet.volatile:
            return False
        self._relieve()
        if self.outbox_bytes + packet.size <= self.limits.max_outbox:
            return True
        if self._volatile:
            self._outbox = [waiting for waiting in self._outbox if not waiting.volatile]
            self.outbox_bytes = sum(waiting.size for waiting in self._outbox)
            self._volatile = 0
            if self.outbox_bytes + packet.size <= self.limits.max_outbox:
                return True
        if self._full(packet) is Overflow.CLOSE:
            self.finish(EngineEnd.OUTBOX_FULL)
        return False


def _farewell(end: EngineEnd) -> Encoded:
    # After a close packet python-engineio's client stays away, whatever npm's does.
    return _NOOP if end in _GONE_OR_TO_RETURN else _CLOSE


def _size(data: str | bytes) -> int:
    try:
        return len(data.encode() if isinstance(data, str) else data)
    except UnicodeEncodeError:
        raise BadPacket("text with half of a surrogate pair") from None
