"""WebSocket frames as a server sends them: whole, unmasked, never compressed (RFC 6455, section 5).

Pure functions from bytes to bytes. Reading what a client sends is not here: websockets does that.
"""

from collections.abc import Iterator

_TEXT, _BINARY, _PING = 0x1, 0x2, 0x9
_FIN = 0x80


def text_frame(payload: bytes) -> bytes:
    """The wire form of one text message; the payload is UTF-8 already."""
    return _head(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """The wire form of one binary message."""
    return _head(_BINARY, len(payload)) + payload


def ping_frame(payload: bytes = b"") -> bytes:
    """The wire form of a ping, which carries at most 125 bytes (section 5.5)."""
    if len(payload) > 125:
        raise ValueError("a control frame carries at most 125 bytes")
    return _head(_PING, len(payload)) + payload


def messages_in(wire: bytes) -> Iterator[str | bytes]:
    """The messages of whole frames made by this module, in order; pings are left out."""
    at = 0
    while at < len(wire):
        opcode, size = wire[at] & 0x0F, wire[at + 1]
        at += 2
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(wire[at : at + width], "big")
            at += width
        payload = wire[at : at + size]
        at += size
        if opcode == _TEXT:
            yield payload.decode()
        elif opcode == _BINARY:
            yield payload


def _head(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes((_FIN | opcode, size))
    if size < 1 << 16:
        return bytes((_FIN | opcode, 126)) + size.to_bytes(2, "big")
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big")
