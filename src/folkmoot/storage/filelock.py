"""A file that one process at a time holds locked."""

import fcntl
import os
from pathlib import Path

from folkmoot.storage.errors import Unusable


class FileLock:
    """Held from creation to `release`, or until the process ends, however it ends."""

    def __init__(self, path: Path, *, sentence: str) -> None:
        """Take the lock.

        Raises:
            Unusable: another process holds it; it says ``sentence``.
            OSError: the file cannot be made.
        """
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise Unusable(sentence) from None

    def release(self) -> None:
        """Let go. The file stays: removing it would let two hold locks on two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
