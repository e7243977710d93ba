"""The lines of a file, however long and however packed, without ever holding more than a piece."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Final

PIECE_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 64 * 1024
MAX_FILE_BYTES: Final = 8 * 1024 * 1024 * 1024
"""What is read of one file at most, unpacked."""
FREE_BYTES: Final = 16 * 1024 * 1024
MAX_RATIO: Final = 200
"""A packed file may unfold to `FREE_BYTES`, and past that to so many times its own size."""
SNIFFED_BYTES: Final = 8 * 1024
MAX_CONTROLS: Final = 0.02

_GZIP_MAGIC: Final = b"\x1f\x8b"
_HARMLESS: Final = bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)) + b"\t\n\r\x0b\x0c\x1b\x08"


class Unreadable(Exception):
    """This file cannot be read, or not any further; ``str()`` says why in a few words."""


def pieces_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    """What the file holds, unpacked, in pieces; no more of it than its first ``size`` bytes.

    Raises:
        Unreadable: it is no text, or is packed and broken; what came before is good.
    """
    raw = _raw(file, size)
    first = next(raw, b"")
    whole = chain([first], raw)
    pieces = _unpacked(whole) if first.startswith(_GZIP_MAGIC) else whole
    total, is_first = 0, True
    for piece in pieces:
        if is_first and piece:
            is_first = False
            refuse_binary(piece[:SNIFFED_BYTES])
        total += len(piece)
        if total > MAX_FILE_BYTES:
            raise Unreadable("larger than is read of one file")
        yield piece


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines; ``None`` stands for one that is longer than `MAX_LINE_BYTES`."""
    rest, is_endless = b"", False
    for piece in pieces:
        lines = piece.split(b"\n")
        if is_endless:
            if len(lines) == 1:
                continue
            is_endless = False
            yield None
            del lines[0]
        else:
            lines[0] = rest + lines[0]
        rest = lines.pop()
        for line in lines:
            yield line if len(line) <= MAX_LINE_BYTES else None
        if len(rest) > MAX_LINE_BYTES:
            rest, is_endless = b"", True
    if is_endless:
        yield None
    elif rest:
        yield rest


def _raw(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The file as it is; what is written to it meanwhile is for the next time."""
    left = size
    while left > 0:
        try:
            piece = file.read(min(PIECE_BYTES, left))
        except OSError as error:
            raise Unreadable(error.strerror or "cannot be read") from error
        if not piece:
            return
        left -= len(piece)
        yield piece


class _Unpacker:
    """Unpacks gzip, of one member or of many."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._read = self._unfolded = 0
        self.is_between = True
        """Whether a member has just ended, so that the file may end here."""

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """What some more bytes of the file unfold to.

        Raises:
            Unreadable
        """
        self._read += len(packed)
        while packed:
            try:
                piece = self._member.decompress(packed, PIECE_BYTES)
            except zlib.error as error:
                raise Unreadable("packed, and broken") from error
            self._unfolded += len(piece)
            if self._unfolded > FREE_BYTES + MAX_RATIO * self._read:
                raise Unreadable("unfolds to far more than a log does")
            yield piece
            packed = self._member.unconsumed_tail
            self.is_between = self._member.eof
            if self.is_between:
                packed = self._member.unused_data.lstrip(b"\0")  # some programs pad with them
                self._member = zlib.decompressobj(wbits=31)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = _Unpacker()
    for packed in pieces:
        yield from unpacker.unpack(packed)
    if not unpacker.is_between:
        raise Unreadable("packed, and cut short")


def refuse_binary(beginning: bytes) -> None:
    """Let only the beginning of a text pass.

    Raises:
        Unreadable
    """
    controls = len(beginning.translate(None, _HARMLESS))
    if b"\0" in beginning or controls > MAX_CONTROLS * len(beginning):
        raise Unreadable("not a text file")
