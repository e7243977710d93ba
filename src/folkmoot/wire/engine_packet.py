"""Engine.IO 4 packets to and from bytes. What a packet means at this moment is `engine`'s."""

import binascii
from base64 import b64encode
from typing import NamedTuple

from folkmoot.wire.lane_frames import binary_frame, text_frame
from folkmoot.wire.refusals import BadPacket, TooLarge

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
KINDS = frozenset("0123456")
SEPARATOR = b"\x1e"
_BOOKKEEPING = 128
"""Bytes that a waiting packet costs besides its data: without them many empty ones cost nothing."""


class Packet(NamedTuple):
    """One packet as it came: its kind, and what it carries."""

    kind: str
    data: str | bytes


class Part(NamedTuple):
    """One packet as it leaves: UTF-8 text with its kind in front, or the bytes of a message."""

    data: bytes
    is_binary: bool


class Encoded:
    """Packets that leave together, encoded once for any number of connections.

    The WebSocket and the polling form are made on first need and kept, so a fan-out pays for
    each once. ``volatile`` packets (typing, presence) are the first to go when an outbox is full.
    """

    __slots__ = ("_payload", "_websocket", "parts", "size", "volatile")

    def __init__(self, *parts: Part, volatile: bool = False) -> None:
        self.parts = parts
        self.volatile = volatile
        self.size = sum(len(part.data) + _BOOKKEEPING for part in parts)
        self._websocket: bytes | None = None
        self._payload: bytes | None = None

    @property
    def websocket(self) -> bytes:
        """The bytes of its WebSocket frames, one after the other."""
        if self._websocket is None:
            self._websocket = b"".join(
                binary_frame(part.data) if part.is_binary else text_frame(part.data)
                for part in self.parts
            )
        return self._websocket

    @property
    def payload(self) -> bytes:
        """Its packets as they stand in the answer to a poll."""
        if self._payload is None:
            self._payload = SEPARATOR.join(
                b"b" + b64encode(part.data) if part.is_binary else part.data for part in self.parts
            )
        return self._payload


def encode_text(kind: str, data: str | bytes = b"", *, volatile: bool = False) -> Encoded:
    """A packet of text; ``data`` given as bytes is UTF-8 already."""
    raw = data.encode() if isinstance(data, str) else data
    return Encoded(Part(kind.encode() + raw, is_binary=False), volatile=volatile)


def encode_message(data: str | bytes, *, volatile: bool = False) -> Encoded:
    """A message: text as text, bytes as a binary packet."""
    if isinstance(data, bytes):
        return Encoded(Part(data, is_binary=True), volatile=volatile)
    return encode_text(MESSAGE, data, volatile=volatile)


def decode_frame(data: str | bytes) -> Packet:
    """The packet in one WebSocket message.

    Raises:
        BadPacket: empty text, or a kind that does not exist.
    """
    if isinstance(data, bytes):
        return Packet(MESSAGE, data)
    kind = data[:1]
    if kind not in KINDS:
        raise BadPacket("a packet of no known kind")
    return Packet(kind, data[1:])


def decode_payload(body: bytes, *, most_packets: int) -> list[Packet]:
    """The packets in the body of a POST, in order.

    They are counted before any is decoded, so a body of a million empty packets costs one scan.

    Raises:
        TooLarge: more than ``most_packets``.
        BadPacket: not UTF-8, not base64, or a packet of no known kind.
    """
    if body.count(SEPARATOR) >= most_packets:
        raise TooLarge("packets in one payload", most_packets)
    return [_decode_polled(part) for part in body.split(SEPARATOR)]


def _decode_polled(part: bytes) -> Packet:
    if part[:1] == b"b":
        try:
            return Packet(MESSAGE, binascii.a2b_base64(part[1:], strict_mode=True))
        except binascii.Error:
            raise BadPacket("a binary packet that is not base64") from None
    try:
        return decode_frame(part.decode())
    except UnicodeDecodeError:
        raise BadPacket("a text packet that is not UTF-8") from None
