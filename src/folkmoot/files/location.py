"""Taking out of photos and films where they were made; all else of them stays, bit by bit.

Cameras write it as a directory of Exif (which is TIFF, in any container), editors as fields of an
XMP packet or as records of IPTC, and films have it as a text after ISO 6709. Each is overwritten
where it stands: a file keeps its size, and whatever points into it stays right.
"""

import re
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from folkmoot.files import png
from folkmoot.files.patching import read_at, write_at
from folkmoot.files.tiff import HEADERS, forget_gps

_PICTURES: Final = re.compile(r"image/(?!svg)[a-z0-9.+-]+")
_FILMS: Final = re.compile(r"video/(?:mp4|quicktime|3gpp2?)")
_WINDOW_BYTES: Final = 1024 * 1024
_MOST_FOUND: Final = 16
"""How often each mark is looked at: files have one or two, and who hides more hides their own."""

_EXIF: Final = ((b"Exif", (6, 8)), (b"EXIF", (8, 14)))
"""Marks of Exif and how far behind them TIFF may begin: in JPEG and HEIF, in a box, in WebP."""
_BARE: Final = tuple((bytes(4) + header, (4,)) for header in HEADERS)
"""HEIF and AVIF may have an item of Exif that is told by nothing but its offset of zero."""

_PACKET_END: Final = b"</rdf:RDF>"
_WHERE: Final = rb"[\w.-]+:(?:GPS\w+|City|State|Country\w*|Location\w*|Sublocation|ProvinceState)"
_FIELD: Final = re.compile(rb"\s" + _WHERE + rb"\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")
_ELEMENT: Final = re.compile(rb"<(" + _WHERE + rb")(?:\s[^<>]*?)?(/?)>")

_IPTC: Final = b"8BIM\x04\x04"
_LOCATION_OF_IPTC: Final = {26, 27, 90, 92, 95, 100, 101}

_ISO_6709: Final = re.compile(rb"[+-]\d{2,6}(?:\.\d+)?[+-]\d{3,7}(?:\.\d+)?(?:[+-]\d+(?:\.\d+)?)?/")


def forget_location(path: Path, media_type: str) -> bool:
    """Take out of a file where it was made; whether it has changed. Blocks.

    What is no picture and no film is left alone, and so is what lies behind a fault in the file's
    own structure.
    """
    is_film = _FILMS.fullmatch(media_type)
    if not is_film and not _PICTURES.fullmatch(media_type):
        return False
    with path.open("r+b") as file:
        if is_film:
            return _rewrite(file, _MARKS_OF_FILMS)
        if media_type == "image/png":
            return png.forget_location(file)
        had_exif = _forget_exif(file, media_type)
        return _rewrite(file, _MARKS) or had_exif


def _forget_exif(file: BinaryIO, media_type: str) -> bool:
    marks = _EXIF + (_BARE if media_type.startswith(("image/hei", "image/avif")) else ())
    bases = {0} | {at + gap for mark, gaps in marks for at in _found(file, mark) for gap in gaps}
    return sum(forget_gps(file, base) for base in sorted(bases)) > 0


def _without_fields(text: bytes) -> bytes:
    """A packet of XMP, and what follows it, with white space where it said the location."""
    end = text.find(_PACKET_END)
    packet, rest = (text[:end], text[end:]) if end >= 0 else (text, b"")
    blank, start = bytearray(_FIELD.sub(_white, packet)), 0
    while opening := _ELEMENT.search(packet, start):
        start = opening.end()
        if not opening[2]:
            closing = b"</" + opening[1] + b">"
            last = packet.find(closing, start)
            if last < 0:
                break
            start = last + len(closing)
        blank[opening.start() : start] = b" " * (start - opening.start())
    return bytes(blank) + rest


def _without_records(block: bytes) -> bytes:
    """A block of IPTC with spaces where it said the location."""
    blank = bytearray(block)
    # The mark, a name with its length in front, both an even number of bytes, and a size.
    record = len(_IPTC) + (block[len(_IPTC)] // 2 + 1) * 2 + 4 if len(block) > len(_IPTC) else 0
    while block[record : record + 1] == b"\x1c" and record + 5 <= len(block):
        kind, number, length = struct.unpack_from(">xBBH", block, record)
        start, record = record + 5, record + 5 + length
        if kind == 2 and number in _LOCATION_OF_IPTC and length < 0x8000:
            blank[start:record] = b" " * len(blank[start:record])
    return bytes(blank)


def _without_numbers(text: bytes) -> bytes:
    return _ISO_6709.sub(_white, text)


def _white(found: re.Match[bytes]) -> bytes:
    return b" " * len(found[0])


_MARKS: Final[dict[bytes, tuple[int, Callable[[bytes], bytes]]]] = {
    b"<rdf:RDF": (1024 * 1024, _without_fields),
    _IPTC: (64 * 1024, _without_records),
}
_MARKS_OF_FILMS: Final[dict[bytes, tuple[int, Callable[[bytes], bytes]]]] = {
    b"\xa9xyz": (256, _without_numbers),
    b"com.apple.quicktime.location": (64 * 1024, _without_numbers),
}
"""By what stands in front of a location: in how many bytes it is, and what is left of these."""


def _rewrite(file: BinaryIO, marks: dict[bytes, tuple[int, Callable[[bytes], bytes]]]) -> bool:
    changed = False
    for mark, (reach, blanked) in marks.items():
        for at in _found(file, mark):
            text = read_at(file, at, reach)
            blank = blanked(text)
            if blank != text:
                write_at(file, at, blank)
                changed = True
    return changed


def _found(file: BinaryIO, mark: bytes) -> list[int]:
    """Where a mark stands, the first few times."""
    return list(islice(_all_found(file, mark), _MOST_FOUND))


def _all_found(file: BinaryIO, mark: bytes) -> Iterator[int]:
    """Where a mark stands. In pieces, between which other threads have their turn."""
    begin, tail = 0, b""
    file.seek(0)
    while piece := file.read(_WINDOW_BYTES):
        window = tail + piece
        at = window.find(mark)
        while at >= 0:
            yield begin - len(tail) + at
            at = window.find(mark, at + 1)
        begin += len(piece)
        tail = window[1 - len(mark) :]
