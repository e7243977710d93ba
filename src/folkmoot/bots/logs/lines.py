"""The lines of a file, however long and however packed, without ever holding more than a piece."""

import codecs
import re
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

HOLE: Final = b"\0\0"
"""What `lines_of` leaves of a hole in a file: bytes that nobody wrote."""

_LONG_HOLE = re.compile(rb"\0{8,}")
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
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
    for piece in _decoded(_from_first_byte(pieces)):
        if is_first and piece:
            is_first = False
            refuse_binary(_LONG_HOLE.sub(b"", piece[:SNIFFED_BYTES]))
        total += len(piece)
        if total > MAX_FILE_BYTES:
            raise Unreadable("larger than is read of one file")
        yield piece


def _from_first_byte(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces without the hole with which a file begins whose writer goes on after a cut.

    Raises:
        Unreadable: it is nothing but a hole.
    """
    is_hole = False
    for piece in pieces:
        begun = piece.lstrip(b"\0")
        is_hole = is_hole or (not begun and bool(piece))
        if begun:
            yield begun
            yield from pieces
            return
    if is_hole:
        raise Unreadable("not a text file")


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces in UTF-8, where a mark at the beginning says that they are in UTF-16."""
    first = next(pieces, b"")
    encoding = _MARKS.get(first[:2])
    if encoding is None:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in chain([first[2:]], pieces):
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines; ``None`` stands for one that is longer than `MAX_LINE_BYTES`.

    Of a hole, however long it is, two bytes are left.
    """
    rest, is_endless = b"", False
    for piece in pieces:
        if b"\0" in piece:
            piece = _LONG_HOLE.sub(HOLE, piece)
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
