"""How much a JSON text would become, told by scanning its bytes before anything is made of them.

A list costs its sender two bytes and the event loop a microsecond, many times over where a text
is parsed more than once: what nobody needs is refused before the first object exists.
"""

from enum import Enum
from itertools import accumulate
from typing import Final

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 5_000

_BYTES_PER_ESCAPE: Final = 8
_MANY_BYTES: Final = 64 * 1024
_MANY_ESCAPES: Final = 4
"""One byte of so many may be a backslash in a long text: to read one takes three times as long."""
_NO_MARKS: Final = bytes(set(range(256)) - set(b'",[]{}'))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class Excess(Enum):
    """What a JSON text has too much of."""

    VALUES = "values"
    ESCAPES = "escapes"
    DEPTH = "depth"


def excess_in(
    text: bytes, *, max_values: int = MAX_VALUES, max_depth: int = MAX_DEPTH
) -> Excess | None:
    """What the text has too much of, if it is JSON at all; a few milliseconds for a megabyte.

    Values are counted by what is between them: so many entries of lists and objects, and so many
    lists and objects. What stands in strings does not count.
    """
    escapes = text.count(b"\\")
    if escapes > max(len(text) // _MANY_ESCAPES, _MANY_BYTES):
        return Excess.ESCAPES
    # From here on little is left of most texts, and each look at the rest costs as little.
    bare = text.translate(None, _NO_MARKS)
    if escapes:
        if not _may_be_too_much(bare, max_values, max_depth):
            return None
        if escapes * _BYTES_PER_ESCAPE > max(len(text), _MANY_BYTES):
            return Excess.VALUES  # Nobody wrote it, and to take it apart would cost too much.
        # What is escaped stands in a string. Once it is gone, each quote begins or ends one.
        bare = text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)
    most_quotes = 4 * max_values + 2  # each value has a key and is a string at most
    parts = bare.split(b'"', most_quotes + 1)
    if len(parts) > most_quotes + 1:
        return Excess.VALUES if _may_be_too_much(bare, max_values, max_depth) else None
    return _excess_of(b"".join(parts[::2]), max_values, max_depth)


def _may_be_too_much(bare: bytes, max_values: int, max_depth: int) -> bool:
    """Whether there is, even if all of it stands outside of strings."""
    opened = bare.count(b"[") + bare.count(b"{")
    return opened > max_depth or opened + bare.count(b",") > max_values


def _excess_of(marks: bytes, max_values: int, max_depth: int) -> Excess | None:
    """What brackets and commas are too much of, when none of them stands in a string."""
    # In JSON, a bracket that closes for each that opens, at most.
    if len(marks) > 2 * max_values:
        return Excess.VALUES if _may_be_too_much(marks, max_values, max_depth) else None
    if len(marks) - marks.count(b"]") - marks.count(b"}") > max_values:
        return Excess.VALUES
    depths = accumulate(map(_STEPS.__getitem__, marks.translate(None, b",")))
    return Excess.DEPTH if max(depths, default=0) > max_depth else None
