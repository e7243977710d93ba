"""Thumbnails, each made by a process of its own that is ended when it takes too long."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from folkmoot.core.messages.errors import ImageTooLarge
from folkmoot.files.shrinking_codes import PROGRAM, TOO_MANY_PIXELS

MEDIA_TYPE: Final = "image/webp"
MAX_SIDE: Final = 512
SECONDS: Final = 15
TURN_SECONDS: Final = 60
AT_ONCE: Final = 2


class Thumbnails:
    """Makes thumbnails of images with at most ``max_pixels``; each may take ``seconds``."""

    def __init__(
        self, *, max_pixels: int, max_side: int = MAX_SIDE, seconds: float = SECONDS
    ) -> None:
        self._max_pixels = max_pixels
        self._max_side = max_side
        self._seconds = seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def of(self, path: Path) -> bytes | None:
        """A small WebP picture of the image; ``None`` if it is none, or takes too long to be seen.

        Raises:
            ImageTooLarge: it unfolds to more pixels than it may have.
        """
        try:
            async with asyncio.timeout(TURN_SECONDS), self._turns, asyncio.timeout(self._seconds):
                code, picture = await self._made(path)
        except TimeoutError:
            return None
        if code == TOO_MANY_PIXELS:
            raise ImageTooLarge(field="file", max_pixels=self._max_pixels)
        return picture if code == 0 and picture else None

    async def _made(self, path: Path) -> tuple[int | None, bytes]:
        # -I: neither the environment nor the folder it is started in decides what it imports.
        command = [sys.executable, "-I", "-m", PROGRAM]
        bounds = [str(self._max_pixels), str(self._max_side)]
        with path.open("rb") as source:
            process = await asyncio.create_subprocess_exec(
                *command, *bounds, stdin=source, stdout=PIPE, stderr=DEVNULL
            )
        try:
            picture, _ = await process.communicate()
        finally:
            await _ended(process)
        return process.returncode, picture


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
