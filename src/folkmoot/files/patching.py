"""Reading and overwriting a file here and there."""

from typing import BinaryIO


def read_at(file: BinaryIO, at: int, count: int) -> bytes:
    """What stands there, as far as the file goes."""
    file.seek(at)
    return file.read(count)


def write_at(file: BinaryIO, at: int, data: bytes) -> None:
    """Overwrite what stands there."""
    file.seek(at)
    file.write(data)
