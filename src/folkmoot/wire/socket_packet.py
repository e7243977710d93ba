"""Socket.IO 5 packets to and from Engine.IO messages, binary attachments included.

Whether a packet may come now, and collecting its attachments, is `socket`'s.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.engine_packet import MESSAGE, Encoded, Part
from folkmoot.wire.json_bounds import MAX_VALUES, Excess, excess_in
from folkmoot.wire.refusals import BadPacket, TooLarge

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = "0123456"
ROOT = "/"

RESERVED = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)
"""Event names that client libraries raise themselves and never send."""

_FROM_CLIENTS = frozenset((CONNECT, DISCONNECT, EVENT, ACK, BINARY_EVENT, BINARY_ACK))
_BINARY = frozenset((BINARY_EVENT, BINARY_ACK))
_DIGITS = frozenset("0123456789")
_MOST_ID_DIGITS = 15
"""JavaScript counts exactly so far, and an id costs no more than that to read."""

_MOST_NAMESPACE_CHARACTERS = 128
"""The name is in the refusal too, so that a long one would cost us more than its sender."""

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_decode_json = msgspec.json.Decoder().decode
_encode_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class SocketPacket:
    """One packet; ``data`` is its JSON value or None, with placeholders until `fill`."""

    kind: str
    namespace: str
    ack_id: int | None
    data: Any
    attachments: int = 0


# Reading


def decode_packet(text: str, limits: EngineLimits) -> SocketPacket:
    """The packet in one text message.

    Raises:
        BadPacket: not a packet that a client may send.
        TooLarge: more attachments or deeper JSON than the limits allow.
    """
    kind = text[:1]
    if kind not in _FROM_CLIENTS:
        raise BadPacket("a packet type that a client does not send")
    at = 1
    attachments = 0
    if kind in _BINARY:
        attachments, at = _decode_attachments(text, at, limits.max_attachments)
    namespace, at = _decode_namespace(text, at)
    ack_id, at = _decode_id(text, at)
    data = _decode_data(text[at:], limits.max_depth)
    packet = SocketPacket(kind, namespace, ack_id, data, attachments)
    _check_shape(packet)
    if _count_placeholders(packet) != attachments:
        raise BadPacket("placeholders that do not match the attachments")
    return packet


def fill(packet: SocketPacket, attachments: Sequence[bytes]) -> None:
    """Put the attachments where their placeholders stand; `decode_packet` has counted them."""
    packet.data = _fill(packet.data, attachments)


def _decode_attachments(text: str, at: int, most: int) -> tuple[int, int]:
    digits, at = _digits(text, at, most=_MOST_ID_DIGITS)
    if not digits or text[at : at + 1] != "-" or int(digits) == 0:
        raise BadPacket("a binary packet without a number of attachments")
    if int(digits) > most:
        raise TooLarge("attachments in one packet", most)
    return int(digits), at + 1


def _decode_namespace(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != "/":
        return ROOT, at
    end = text.find(",", at)
    namespace = text[at:] if end < 0 else text[at:end]
    if len(namespace) > _MOST_NAMESPACE_CHARACTERS:
        raise TooLarge("characters in a namespace", _MOST_NAMESPACE_CHARACTERS)
    return namespace, at + len(namespace) + (end >= 0)


def _decode_id(text: str, at: int) -> tuple[int | None, int]:
    digits, at = _digits(text, at, most=_MOST_ID_DIGITS)
    return (int(digits) if digits else None), at


def _digits(text: str, at: int, *, most: int) -> tuple[str, int]:
    end = at
    while text[end : end + 1] in _DIGITS:
        end += 1
        if end - at > most:
            raise BadPacket("a number that is too long")
    return text[at:end], end


def _decode_data(text: str, most_depth: int) -> Any:
    if not text:
        return None
    match excess_in(text.encode(errors="replace"), max_depth=most_depth):
        case Excess.DEPTH:
            raise TooLarge("levels of JSON", most_depth)
        case Excess.VALUES | Excess.ESCAPES:
            raise TooLarge("values in one packet", MAX_VALUES)
    try:
        return _decode_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _decode_halves(text)


def _decode_halves(text: str) -> Any:
    """What msgspec refuses and JSON allows: an escaped half of a surrogate pair.

    It is a character that nobody can store, which is for the application to say.
    """
    if not _HALF.search(text):
        raise BadPacket("data that is not JSON")
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadPacket("data that is not JSON") from None


def _finite(number: str) -> float:
    if not isfinite(float(number)):
        raise ValueError
    return float(number)


def _children(value: Any) -> Sequence[Any]:
    if type(value) is list:
        return value
    return list(value.values()) if type(value) is dict else ()


def _check_shape(packet: SocketPacket) -> None:
    kind, data = packet.kind, packet.data
    if kind in (CONNECT, DISCONNECT):
        fits = packet.ack_id is None and (data is None or (type(data) is dict and kind == CONNECT))
    elif kind in (ACK, BINARY_ACK):
        fits = packet.ack_id is not None and type(data) is list
    else:
        fits = _is_event(data)
    if not fits:
        raise BadPacket("data that its packet type does not carry")


def _is_event(data: Any) -> bool:
    if type(data) is not list or not data or type(data[0]) is not str:
        return False
    return data[0] not in RESERVED and not _SURROGATE.search(data[0])


def _count_placeholders(packet: SocketPacket) -> int:
    """How many placeholders there are; each must name an attachment of its own (CVE-2022-2421)."""
    if packet.kind not in _BINARY:
        return 0
    numbers: set[int] = set()
    level: list[Any] = [packet.data]
    while level:
        for value in level:
            if type(value) is dict and value.get("_placeholder") is True:
                _check_placeholder(value.get("num"), numbers, packet.attachments)
        level = [child for value in level for child in _children(value)]
    return len(numbers)


def _check_placeholder(number: object, seen: set[int], attachments: int) -> None:
    if type(number) is not int or not 0 <= number < attachments or number in seen:
        raise BadPacket("a placeholder that names no attachment of its own")
    seen.add(number)


def _fill(data: Any, attachments: Sequence[bytes]) -> Any:
    if type(data) is list:
        return [_fill(child, attachments) for child in data]
    if type(data) is not dict:
        return data
    if data.get("_placeholder") is True:
        return attachments[data["num"]]
    return {key: _fill(child, attachments) for key, child in data.items()}


# Writing


def encode_event(
    name: str,
    *args: object,
    namespace: str = ROOT,
    ack_id: int | None = None,
    volatile: bool = False,
) -> Encoded:
    """An event, for any number of sockets of one namespace; bytes in it become attachments."""
    return _encode(EVENT, namespace, ack_id, [name, *args], volatile=volatile)


def encode_ack(ack_id: int, args: Sequence[object], *, namespace: str = ROOT) -> Encoded:
    """The answer to an event that asked for one."""
    return _encode(ACK, namespace, ack_id, list(args))


def encode_connect(sid: str, more: Mapping[str, object], *, namespace: str = ROOT) -> Encoded:
    """The answer to a CONNECT that is let in."""
    return _encode(CONNECT, namespace, None, {"sid": sid, **more})


def encode_connect_error(
    message: str, data: Mapping[str, object] | None, *, namespace: str
) -> Encoded:
    """The answer to a CONNECT that is not let in."""
    error = {"message": message} if data is None else {"message": message, "data": data}
    return _encode(CONNECT_ERROR, namespace, None, error)


def encode_disconnect(*, namespace: str = ROOT) -> Encoded:
    """The server's end of a namespace."""
    return Encoded(Part(_head(DISCONNECT, 0, namespace, None), is_binary=False))


def _encode(
    kind: str, namespace: str, ack_id: int | None, data: object, *, volatile: bool = False
) -> Encoded:
    attachments: list[Part] = []
    data = _take_out(data, attachments)
    if attachments:
        kind = BINARY_EVENT if kind == EVENT else BINARY_ACK
    text = _head(kind, len(attachments), namespace, ack_id) + _encode_json(data)
    return Encoded(Part(text, is_binary=False), *attachments, volatile=volatile)


def _head(kind: str, attachments: int, namespace: str, ack_id: int | None) -> bytes:
    count = f"{attachments}-" if attachments else ""
    where = "" if namespace == ROOT else f"{namespace},"
    number = "" if ack_id is None else ack_id
    return f"{MESSAGE}{kind}{count}{where}{number}".encode()


def _take_out(data: Any, attachments: list[Part]) -> Any:
    """The same value with a placeholder for each of its bytes, which go to ``attachments``."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        attachments.append(Part(bytes(data), is_binary=True))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(data, (list, tuple)):
        return [_take_out(child, attachments) for child in data]
    if isinstance(data, dict):
        return {key: _take_out(child, attachments) for key, child in data.items()}
    return data
