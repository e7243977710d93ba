"""A file of lines for whoever cannot wait for a disk: the server's own log, and its audit trail."""

import errno
import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 10 * 1024 * 1024
KEPT: Final = 5
MAX_WAITING: Final = 10_000
MAX_LINE_CHARS: Final = 16 * 1024
CLOSE_SECONDS: Final = 2.0


Line = str | Callable[[], str]


def bounded(fields: Mapping[str, Any], encode: Callable[[Mapping[str, Any]], str]) -> str:
    """A line of these fields that is whole, however long they are: the longest texts are cut.

    A line that is cut after it was encoded is no JSON any more, and whoever reads it loses it.
    """
    line = encode(fields)
    for most in (4000, 1000, 200, 40):
        if len(line) <= MAX_LINE_CHARS:
            return line
        fields = {name: _cut(value, most) for name, value in list(fields.items())[:100]}
        line = encode(fields)
    return line


def _cut(value: object, most: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}…"


class _RotatingFile:
    """One file and its older ones, written by one thread."""

    def __init__(self, path: Path, max_bytes: int, kept: int) -> None:
        self.path = path
        self.size = 0
        self.outside = 0
        """How much of it may be from outside: all that was there when it was opened."""
        self._max_bytes = max_bytes
        self._kept = kept
        self._file: FileIO | None = None

    def put(self, content: bytes, *, outside: bool = False) -> None:
        """Write a line; with none, only see whether one could be."""
        file = self._linked() or self._opened()
        if not content and not os.fstatvfs(file.fileno()).f_bavail:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.size and self.size + len(content) > self._max_bytes:
            self.let_go()
            self._rotate()
            file = self._opened()
        # Unbuffered: a line is whole in the file or not at all, unless the disk is full.
        written = file.write(content)
        self.size += written
        self.outside += written if outside else 0

    def has_room_outside(self, size: int) -> bool:
        """Whether what comes from outside still has its half of this file."""
        self._linked() or self._opened()
        return self.outside + size <= self._max_bytes // 2

    def let_go(self) -> None:
        """Close it."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _linked(self) -> FileIO | None:
        """The file that is open, unless somebody has removed it meanwhile."""
        if self._file is not None and not os.fstat(self._file.fileno()).st_nlink:
            self.let_go()
        return self._file

    def _opened(self) -> FileIO:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        self._file = FileIO(descriptor, "ab")
        self.size = self.outside = os.fstat(descriptor).st_size
        return self._file

    def _rotate(self) -> None:
        for turn in range(self._kept, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{turn}")
            newer = self.path.with_name(f"{self.path.name}.{turn - 1}") if turn > 1 else self.path
            with suppress(FileNotFoundError):
                newer.replace(older)


class LineFile:
    """Lines on their way into a file, for its owner only, by a thread of their own.

    Past ``max_bytes`` the file becomes ``NAME.1`` and a new one is begun; of old ones ``kept`` are
    kept. Lines that whoever is outside can cause have half of a file, and half of the room to
    wait; beyond that they go to a second file, ``STEM.outside.log``, that is kept as long: so
    nobody outside can have the others rotated away, by however many.

    Whoever writes neither waits nor fails: lines that find no room to wait, or none on the disk,
    are lost, and counted; ``say_lost`` makes the line that says how many once one can be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        max_waiting: int = MAX_WAITING,
        say_lost: Callable[[int], str] | None = None,
    ) -> None:
        self.lost = 0
        """How many lines never came to be in the file."""
        self.trouble: str | None = None
        """Why the last line could not be written; ``None``: it could."""
        self._file = _RotatingFile(path, max_bytes, kept)
        self._outside = _RotatingFile(path.with_suffix(".outside.log"), max_bytes, kept)
        self._waiting: queue.Queue[tuple[Line, bool] | None] = queue.Queue(max_waiting)
        self._max_outside = max_waiting // 2
        self._say_lost = say_lost
        self._said_lost = 0
        self._thread = threading.Thread(target=self._work, name=f"lines-{path.name}", daemon=True)
        self._thread.start()

    def write(self, line: Line, *, outside: bool = False) -> None:
        """Have a line written soon; one that is still to be made is made by then.

        ``outside``: somebody who does not run the server can cause as many of these as they like.
        """
        if outside and self._waiting.qsize() >= self._max_outside:
            self.lost += 1
            return
        try:
            self._waiting.put_nowait((line, outside))
        except queue.Full:
            self.lost += 1

    def probe(self) -> None:
        """Have `trouble` say soon whether a line could be written, without one."""
        self.write("")

    def close(self) -> None:
        """Write what waits, if that can be done in a moment, and let the file go."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            line, outside = waiting
            try:
                self._put(line if isinstance(line, str) else line(), outside=outside)
                self.trouble = None
                self._tell_lost()
            except Exception as error:  # nothing that is wrong with a line, or the disk, ends this
                self.lost += line != ""
                self.trouble = getattr(error, "strerror", None) or type(error).__name__
                self._let_go()
        self._let_go()

    def _put(self, text: str, *, outside: bool = False) -> None:
        text = text.replace("\n", "\\n")[:MAX_LINE_CHARS]
        content = text.encode("utf-8", "replace") + b"\n" if text else b""
        if outside and not self._file.has_room_outside(len(content)):
            self._outside.put(content)
        else:
            self._file.put(content, outside=outside)

    def _tell_lost(self) -> None:
        lost = self.lost - self._said_lost
        if lost and self._say_lost is not None:
            self._put(self._say_lost(lost))
        self._said_lost += lost

    def _let_go(self) -> None:
        self._file.let_go()
        self._outside.let_go()
