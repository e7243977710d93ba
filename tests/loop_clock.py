"""The clock of the running event loop, which a test may put forward."""

import asyncio

import pytest


class LoopClock:
    """What waits for a time that has come is woken, however long that would have taken."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        true_time = loop.time
        self._ahead = 0.0
        patch.setattr(loop, "time", lambda: true_time() + self._ahead)

    def put_forward(self, seconds: float) -> None:
        self._ahead += seconds
