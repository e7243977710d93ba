"""The parts of logs that were read, and how much of another file is one of them over again.

A rotated file may be there twice: packed and not yet removed, or copied before it is cut. What it
has in common with a part that was read is told by all of its bytes, since many logs begin alike.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from folkmoot.bots.logs.files import LogFile, Opened, opened
from folkmoot.bots.logs.lines import Unreadable, pieces_of

HEAD_BYTES: Final = 4 * 1024


@dataclass(slots=True)
class _Part:
    """What was read of one file, unpacked."""

    path: Path
    identity: tuple[int, int]
    head: bytes
    length: int
    digest: bytes


class Parts:
    """The parts of all logs that were read so far."""

    def __init__(self) -> None:
        self._parts: dict[str, list[_Part]] = defaultdict(list)

    def fresh(self, file: LogFile, source: Opened) -> "FreshLines":
        """What no part of the same log has, to be read once.

        Raises:
            Unreadable: it has nothing of its own, or cannot be read at all.
        """
        known = self._known_bytes(file, source)
        source.file.seek(0)
        walk = pieces_of(source.file, source.size)
        first = next(walk, b"")
        return FreshLines(_chained(first, walk), known, self._keeper(file, source))

    def _keeper(self, file: LogFile, source: Opened) -> Callable[[bytes, int, bytes], None]:
        def keep(head: bytes, length: int, digest: bytes) -> None:
            part = _Part(file.path, source.identity, head, length, digest)
            self._parts[file.series].append(part)

        return keep

    def _known_bytes(self, file: LogFile, source: Opened) -> int:
        parts = [part for part in self._parts[file.series] if part.length]
        walk = pieces_of(source.file, source.size)
        if not parts:
            return 0
        first = next(walk, b"")
        alike = [part for part in parts if _is_beginning(part.head, first)]
        if not alike:
            return 0
        total, digests = _digests(_chained(first, walk), {part.length for part in alike})
        for part in sorted(alike, key=lambda each: -each.length):
            if digests.get(part.length) == part.digest:
                if part.length == total:
                    break
                return part.length
            if part.length > total and _begins_with(part, total, digests[total]):
                break
        else:
            return 0
        raise Unreadable("the same as another part of this log")


class FreshLines:
    """The pieces of a file behind those that are known, from the beginning of a line on."""

    def __init__(
        self, pieces: Iterable[bytes], known: int, keep: Callable[[bytes, int, bytes], None]
    ) -> None:
        self._pieces = pieces
        self._known = known
        self._keep = keep
        self.lines_before = 0
        """How many lines were left out, once the first piece has come."""

    def pieces(self) -> Iterator[bytes]:
        """The pieces; what came until it ends, or breaks off, is known from then on."""
        head, length, sha = b"", 0, hashlib.sha256()
        left = self._known
        try:
            for piece in self._pieces:
                head = head or piece[:HEAD_BYTES]
                length += len(piece)
                sha.update(piece)
                if left >= len(piece):
                    left -= len(piece)
                    self.lines_before += piece.count(b"\n")
                    continue
                # The line in which the known part ends may have been half a line then.
                begin = piece.rfind(b"\n", 0, left) + 1
                self.lines_before += piece.count(b"\n", 0, begin)
                left = 0
                yield piece[begin:]
        finally:
            self._keep(head, length, sha.digest())


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _is_beginning(head: bytes, piece: bytes) -> bool:
    shared = min(len(head), len(piece))
    return head[:shared] == piece[:shared]


def _digests(pieces: Iterable[bytes], lengths: set[int]) -> tuple[int, dict[int, bytes]]:
    """How long it all is, and the digests of so many of its first bytes, and of all of them."""
    total, sha, found = 0, hashlib.sha256(), {}
    with suppress(Unreadable):
        for piece in pieces:
            at = 0
            for length in sorted(each for each in lengths if total < each <= total + len(piece)):
                sha.update(piece[at : length - total])
                at = length - total
                found[length] = sha.digest()
            sha.update(piece[at:])
            total += len(piece)
    found[total] = sha.digest()
    return total, found


def _begins_with(part: _Part, length: int, digest: bytes) -> bool:
    """Whether a part that is longer, and still there, begins with what has this digest."""
    try:
        source = opened(part.path)
    except Unreadable:
        return False
    with source.file:
        if source.identity != part.identity:
            return False
        _, digests = _digests(pieces_of(source.file, source.size), {length})
    return digests.get(length) == digest
