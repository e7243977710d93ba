"""A file of lines for whoever cannot wait for a disk: the server's own log, and its audit trail."""

import errno
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 10 * 1024 * 1024
KEPT: Final = 5
MAX_WAITING: Final = 10_000
MAX_LINE_CHARS: Final = 16 * 1024
CLOSE_SECONDS: Final = 2.0


Line = str | Callable[[], str]


class LineFile:
    """Lines on their way into a file, for its owner only, by a thread of their own.

    Past ``max_bytes`` the file becomes ``NAME.1`` and a new one is begun; of old ones ``kept`` are
    kept. Whoever writes neither waits nor fails: lines that find no place to wait, or no room on
    the disk, are lost, and counted.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.lost = 0
        """How many lines never came to be in the file."""
        self.trouble: str | None = None
        """Why the last line could not be written; ``None``: it could."""
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._waiting: queue.Queue[Line | None] = queue.Queue(max_waiting)
        self._file: FileIO | None = None
        self._size = 0
        self._thread = threading.Thread(target=self._work, name=f"lines-{path.name}", daemon=True)
        self._thread.start()

    def write(self, line: Line) -> None:
        """Have a line written soon; one that is still to be made is made by then."""
        try:
            self._waiting.put_nowait(line)
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
        while (line := self._waiting.get()) is not None:
            try:
                text = line if isinstance(line, str) else line()
                text = text.replace("\n", "\\n")[:MAX_LINE_CHARS]
                self._put(text.encode("utf-8", "replace") + b"\n" if text else b"")
                self.trouble = None
            except Exception as error:  # nothing that is wrong with a line, or the disk, ends this
                self.lost += line != ""
                self.trouble = getattr(error, "strerror", None) or type(error).__name__
                self._let_go()
        self._let_go()

    def _put(self, content: bytes) -> None:
        file = self._linked() or self._opened()
        if not content and not os.fstatvfs(file.fileno()).f_bavail:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._size and self._size + len(content) > self._max_bytes:
            self._let_go()
            self._rotate()
            file = self._opened()
        # Unbuffered: a line is whole in the file or not at all, unless the disk is full.
        self._size += file.write(content)

    def _linked(self) -> FileIO | None:
        """The file that is open, unless somebody has removed it meanwhile."""
        if self._file is not None and not os.fstat(self._file.fileno()).st_nlink:
            self._let_go()
        return self._file

    def _opened(self) -> FileIO:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        self._file = FileIO(descriptor, "ab")
        self._size = os.fstat(descriptor).st_size
        return self._file

    def _rotate(self) -> None:
        for turn in range(self._kept, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{turn}")
            newer = (
                self._path.with_name(f"{self._path.name}.{turn - 1}") if turn > 1 else self._path
            )
            with suppress(FileNotFoundError):
                newer.replace(older)

    def _let_go(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None
