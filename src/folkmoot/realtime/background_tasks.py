"""What is done for a connection without a frame of its own that waits for it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class BackgroundTasks:
    """Tasks that no caller waits for; they run while the server does, and end with it."""

    def __init__(self) -> None:
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Have chores done until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.get_running_loop().create_future()
        finally:
            self._tasks = None

    def begin(self, chore: Coroutine[Any, Any, None]) -> bool:
        """Have this done soon, or not at all unless the server runs; which of them.

        A fault in it is logged and costs nobody else anything.
        """
        if self._tasks is None:
            chore.close()
            return False
        self._tasks.create_task(_done(chore))
        return True


async def _done(chore: Coroutine[Any, Any, None]) -> None:
    try:
        await chore
    except Exception:
        _log.exception("a chore failed")
