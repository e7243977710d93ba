"""Server-sent events out of bytes, however these are cut; no I/O, and nothing of what they say.

As the standard has it (WHATWG HTML, 9.2.6): a byte order mark may begin them, any of three line
ends ends a line, lines of one event are joined, and an event without data is none. Beyond it, what
follows the last blank line is an event too, and a body that is JSON in place of a stream is one
event for each JSON text in it.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DONE: Final = "[DONE]"


class Truncated(Exception):
    """What came last is half an event: whoever sent it did not get to its end."""


class End(Enum):
    """How the events of a body end, if not without a word."""

    DONE = "done"
    """By the event that says so."""
    UNTOLD = "untold"
    """With the connection, and nothing tells whether that broke off."""


class EventDecoder:
    """Turns the bytes of one body into the JSON values of its events, in order."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._was_cr = False
        self.is_json: bool | None = None
        """Whether it is JSON in place of a stream of events; ``None``: that has not shown."""

    def feed(self, piece: bytes) -> Iterator[object]:
        """The events that are whole with these bytes; `End.DONE` for the one that ends them all.

        Raises:
            ValueError, RecursionError: an event is no JSON.
        """
        if self._was_cr and piece:
            piece, self._was_cr = piece.removeprefix(b"\n"), False
        self._rest += piece
        if self.is_json is None and not self._has_begun():
            return
        if self.is_json:
            return
        self._was_cr = self._rest.endswith(b"\r")
        *lines, self._rest = _LINE_END.split(self._rest)
        for line in lines:
            if (data := self._event_ended_by(line)) is not None:
                yield _value(data)

    def end(self) -> Iterator[object]:
        """The events that were whole only with the end of the body.

        Raises:
            Truncated: the last one is not whole.
        """
        try:
            if self.is_json:
                yield from _values(self._rest.decode())
                return
            self._event_ended_by(self._rest)
            if (data := self._event_ended_by(b"")) is not None:
                yield _value(data)
        except ValueError:
            raise Truncated from None

    def _has_begun(self) -> bool:
        """Whether it shows by now if these are events or JSON."""
        start = self._rest.removeprefix(_BYTE_ORDER_MARK).lstrip()
        if not start or _BYTE_ORDER_MARK.startswith(start):
            return False
        self.is_json = start.startswith(b"{")
        self._rest = start
        return True

    def _event_ended_by(self, line: bytes) -> str | None:
        """The data of the event that ends with this line, if one does."""
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        data, self._data = b"\n".join(self._data).decode().strip(), []
        return data or None


def _value(data: str) -> object:
    return End.DONE if data.startswith(_DONE) else json.loads(data)


def _values(text: str) -> Iterator[object]:
    """The JSON texts that stand one after another, as one line each or as one on many lines."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].lstrip()
