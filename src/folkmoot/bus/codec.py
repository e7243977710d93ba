"""Events as JSON, and back unchanged: one object each, with the name of its kind.

Processes of two releases may be connected while one is being replaced. So a kind keeps its name,
and a field that is added to it has a default; what cannot be read is said to be so, by its kind.
"""

from collections.abc import Sequence
from typing import get_args

import msgspec

from folkmoot.core.events import Event


class EventUnreadable(Exception):
    """What was sent is no event that this release knows; ``kind`` is what it was said to be."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"an event of the kind {kind!r} cannot be read: {reason}")
        self.kind = kind


class _Envelope(msgspec.Struct):
    kind: str
    event: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_open = msgspec.json.Decoder(_Envelope).decode
_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    kind.__name__: msgspec.json.Decoder(kind) for kind in get_args(Event)
}


def encode(event: Event) -> bytes:
    """The event as JSON, in one line."""
    return _encode({"kind": type(event).__name__, "event": event})


def decode(data: bytes) -> Event:
    """The event that was encoded.

    Raises:
        EventUnreadable: it is of a kind that is not known here, or not as that kind should be.
    """
    kind = "?"
    try:
        envelope = _open(data)
        kind = envelope.kind
        if kind not in _decoders:
            raise EventUnreadable(kind, "this release knows no such kind")
        return _decoders[kind].decode(envelope.event)
    except msgspec.MsgspecError as error:
        raise EventUnreadable(kind, str(error)) from error


class JsonCodec:
    """Batches of events for a bus: one in each line."""

    def encode(self, events: Sequence[Event]) -> bytes:
        """The events as they are sent."""
        return b"\n".join(map(encode, events))

    def decode(self, data: bytes) -> list[Event]:
        """The events again.

        Raises:
            EventUnreadable
        """
        return [decode(line) for line in data.splitlines()]
