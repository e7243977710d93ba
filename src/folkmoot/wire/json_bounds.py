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
    if text.count(b"\\") > max(len(text) // _MANY_ESCAPES, _MANY_BYTES):
        return Excess.ESCAPES
    opened = text.count(b"[") + text.count(b"{")
    may_be_many = opened + text.count(b",") > max_values
    if not may_be_many and opened <= max_depth:
        return None
    marks = _marks(text, max_values)
    # In JSON, a bracket that closes for each that opens, at most.
    if marks is None or len(marks) > 2 * max_values:
        return Excess.VALUES
    if len(marks) - marks.count(b"]") - marks.count(b"}") > max_values:
        return Excess.VALUES
    depths = accumulate(map(_STEPS.__getitem__, marks.translate(None, b",")))
    return Excess.DEPTH if max(depths, default=0) > max_depth else None


def _marks(text: bytes, max_values: int) -> bytes | None:
    """The brackets and commas outside of strings; ``None``: more strings than values may have."""
    if text.count(b"\\") * _BYTES_PER_ESCAPE > max(len(text), _MANY_BYTES):
        return None  # Not a text that anybody wrote; to take it apart would cost too much.
    # What is escaped stands in a string. Once it is gone, each quote begins or ends one.
    bare = text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)
    if bare.count(b'"') > 4 * max_values + 2:  # each has a key and a value at most
        return None
    return b"".join(bare.split(b'"')[::2])
