"""The directories of TIFF, in which Exif is written: taking GPS out."""

from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from folkmoot.files.patching import read_at, write_at

HEADERS: Final = (b"II\x2a\x00", b"MM\x00\x2a")
_GPS: Final = 0x8825
_NESTED: Final = {0x014A, 0x8769}
"""Entries that point to further directories: those of raw pictures, and Exif's own."""
_ENTRY_BYTES: Final = 12
_SIZES: Final = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
"""How many bytes a value of each type has."""
_MOST_DIRECTORIES: Final = 32
_MOST_ENTRIES: Final = 512
_MOST_VALUE_BYTES: Final = 64 * 1024


def forget_gps(file: BinaryIO, base: int) -> bool:
    """Take the directory of GPS out of what begins at ``base``, if that is TIFF; whether it was.

    The entry that points to it goes, and what it points to is overwritten with zeros.
    """
    header = read_at(file, base, 8)
    if len(header) < 8 or not header.startswith(HEADERS):
        return False
    tiff = _Tiff(file, base, "little" if header.startswith(HEADERS[0]) else "big")
    waiting, seen, found = [tiff.number(header[4:])], set[int](), False
    while waiting and len(seen) < _MOST_DIRECTORIES:
        at = waiting.pop()
        if at and at not in seen:
            seen.add(at)
            further, had_gps = tiff.forget_gps_of(at)
            waiting += further
            found = found or had_gps
    return found


class _Tiff:
    def __init__(self, file: BinaryIO, base: int, order: Literal["little", "big"]) -> None:
        self._file, self._base, self._order = file, base, order

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, self._order)

    def forget_gps_of(self, at: int) -> tuple[list[int], bool]:
        """Where the directories are that this one points to, and whether GPS was among them."""
        entries = self._entries(at)
        kept = [one for one in entries if self.number(one[:2]) != _GPS]
        end = at + 2 + len(entries) * _ENTRY_BYTES
        following = self._read(end, 4)
        for entry in entries:
            if self.number(entry[:2]) == _GPS:
                self._blank(self.number(entry[8:]))
        if len(kept) < len(entries):
            count = len(kept).to_bytes(2, self._order)
            gone = bytes((len(entries) - len(kept)) * _ENTRY_BYTES)
            self._write(at, count + b"".join(kept) + following + gone)
        nested = [one for entry in kept for one in self._pointers(entry)]
        return [self.number(following), *nested], len(kept) < len(entries)

    def _entries(self, at: int) -> list[bytes]:
        count = min(self.number(self._read(at, 2)), _MOST_ENTRIES)
        data = self._read(at + 2, count * _ENTRY_BYTES)
        whole = len(data) // _ENTRY_BYTES * _ENTRY_BYTES
        return [data[one : one + _ENTRY_BYTES] for one in range(0, whole, _ENTRY_BYTES)]

    def _pointers(self, entry: bytes) -> Iterator[int]:
        """The directories that an entry points to."""
        if self.number(entry[:2]) not in _NESTED:
            return
        count = min(self.number(entry[4:8]), _MOST_DIRECTORIES)
        data = entry[8:] if count == 1 else self._read(self.number(entry[8:]), 4 * count)
        yield from (self.number(data[one : one + 4]) for one in range(0, len(data), 4))

    def _blank(self, at: int) -> None:
        """Overwrite a directory of GPS and the values that do not fit into it."""
        entries = self._entries(at)[: len(_SIZES) * 4]
        for entry in entries:
            kind = self.number(entry[2:4])
            size = self.number(entry[4:8]) * (_SIZES[kind] if kind < len(_SIZES) else 1)
            if size > 4:
                self._zero(self.number(entry[8:]), min(size, _MOST_VALUE_BYTES))
        self._zero(at, 2 + len(entries) * _ENTRY_BYTES)

    def _zero(self, at: int, count: int) -> None:
        self._write(at, bytes(len(self._read(at, count))))

    def _read(self, at: int, count: int) -> bytes:
        return read_at(self._file, self._base + at, count)

    def _write(self, at: int, data: bytes) -> None:
        write_at(self._file, self._base + at, data)
