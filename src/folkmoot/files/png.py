"""The chunks of PNG, each with a checksum: taking out the location."""

import zlib
from typing import BinaryIO, Final

from folkmoot.files.patching import read_at, write_at
from folkmoot.files.tiff import forget_gps

_SIGNATURE_BYTES: Final = 8
_MOST_CHUNKS: Final = 100_000
_TEXTS: Final = {b"tEXt", b"zTXt", b"iTXt"}
# What programs put whole blocks of other formats' metadata under, often compressed.
_BLOCKS: Final = (b"XML:com.adobe.xmp\x00", b"Raw profile type ")
_COMMENT: Final = b"Comment\x00"
_MOST_BYTES: Final = 16 * 1024 * 1024


def forget_location(file: BinaryIO) -> bool:
    """Take out of a PNG where it was made; whether it has changed.

    Of Exif only GPS goes; texts that hold another format's metadata become empty comments.
    """
    at, changed = _SIGNATURE_BYTES, False
    for _ in range(_MOST_CHUNKS):
        head = read_at(file, at, 8 + max(map(len, _BLOCKS)))
        length, kind = int.from_bytes(head[:4]), head[4:8]
        if len(kind) < 4 or kind == b"IEND":
            break
        if kind == b"eXIf" and length < _MOST_BYTES and forget_gps(file, at + 8):
            _replace(file, at, kind, read_at(file, at + 8, length))
            changed = True
        elif kind in _TEXTS and length < _MOST_BYTES and head[8:].startswith(_BLOCKS):
            _replace(file, at, b"tEXt", _COMMENT.ljust(length))
            changed = True
        at += 12 + length
    return changed


def _replace(file: BinaryIO, at: int, kind: bytes, data: bytes) -> None:
    """Write a chunk of the same length over another one."""
    write_at(file, at + 4, kind + data + zlib.crc32(kind + data).to_bytes(4))
