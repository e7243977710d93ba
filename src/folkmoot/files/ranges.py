"""Which bytes a client asks for (RFC 9110, 14): one stretch, or all of them."""

import re
from dataclasses import dataclass
from typing import Final

# Eighteen digits are more than any file has; anything longer, and every list, asks for nothing.
_ONE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from ``start`` up to ``end``, of ``size`` in all."""

    start: int
    end: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """How an answer says which bytes it has."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


class NotSatisfiable(Exception):
    """The stretch that is asked for begins after the end."""


def wanted(header: str | None, size: int) -> Span | None:
    """The one stretch that a ``Range`` header asks for.

    ``None`` where the header is missing, not understood, or asks for several stretches: a server
    may answer all of these with the whole, which costs it no more than the whole does.

    Raises:
        NotSatisfiable
    """
    match = _ONE.fullmatch(header or "")
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise NotSatisfiable
    return Span(start, end, size)
