"""Memory that goes back: what a storm took is the machine's again when it has passed.

glibc keeps what a process frees for whoever asks next, in an arena for each thread. Of 400 slow
downloads it kept half a gigabyte for good.
"""

import asyncio
import ctypes
from pathlib import Path
from typing import Final

# <malloc.h>
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

LARGE_BYTES: Final = 32 * 1024
ARENAS: Final = 2
PAUSE_SECONDS: Final = 10.0
GROWN_BYTES: Final = 16 * 1024 * 1024
_PAGE_BYTES: Final = 4096
_RESIDENT: Final = Path("/proc/self/statm")


def prepare() -> None:
    """Have large blocks given back to the machine as soon as they are freed; before any thread."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(_M_ARENA_MAX, ARENAS)


class MemoryReturn:
    """Gives back what is free in between, once it has grown and grows no more."""

    def __init__(self) -> None:
        self._libc = _glibc()
        self._after = self._before = resident_bytes()

    async def run(self) -> None:
        """Look every ten seconds, until cancelled."""
        while self._libc is not None:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Give back what is free, if much was taken since the last time, and no more is."""
        now = resident_bytes()
        is_growing, self._before = now > self._before, now
        if self._libc is None or is_growing or now < self._after + GROWN_BYTES:
            return
        # On a thread, and without the interpreter's lock: it walks through all that is free.
        await asyncio.to_thread(self._libc.malloc_trim, 0)
        self._after = self._before = resident_bytes()


def resident_bytes() -> int:
    """How much of the machine's memory this process has; 0 where that cannot be read."""
    try:
        return int(_RESIDENT.read_text().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
