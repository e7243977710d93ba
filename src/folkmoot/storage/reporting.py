"""Storage that tells how it is, and how long it takes, whichever database is behind it."""

import time
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, TypeVar

from folkmoot.core.shared.health import Health
from folkmoot.core.shared.refusals import ServerPart, Unavailable
from folkmoot.core.work import Job, Storage

Result = TypeVar("Result")

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds by which times are counted; there is one more for all that takes longer."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How often something took up to each of `SECONDS` or longer, each count with those before."""

    counts: tuple[int, ...]
    total_seconds: float


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """How storage did since the start."""

    writes: Durations
    reads: int
    unfinished: int
    failed: int


class ReportingStorage:
    """`Storage` that notes in ``health`` what fails, and since when it works again.

    A transaction that is stored does not show that a full disk has room for the next one, so only
    `check` finds that a database is well which was not.
    """

    def __init__(self, storage: Storage, health: Health) -> None:
        self._storage = storage
        self._health = health
        self._counts = [0] * (len(SECONDS) + 1)
        self._total = 0.0
        self._reads = 0
        self._unfinished = 0
        self._failed = 0
        self.checked_at = float("-inf")
        """When it was last found well by `check`, in seconds of `time.monotonic`."""

    def statistics(self) -> StorageStatistics:
        """How it did since the start."""
        writes = Durations(tuple(accumulate(self._counts)), self._total)
        return StorageStatistics(writes, self._reads, self._unfinished, self._failed)

    async def write(self, job: Job[Result]) -> Result:
        began = time.monotonic()
        self._unfinished += 1
        try:
            result = await self._storage.write(job)
        except Unavailable as fault:
            self._failed += 1
            self._health.failed(fault)
            raise
        finally:
            self._unfinished -= 1
        seconds = time.monotonic() - began
        self._counts[bisect_left(SECONDS, seconds)] += 1
        self._total += seconds
        return result

    async def read(self, job: Job[Result]) -> Result:
        self._reads += 1
        self._unfinished += 1
        try:
            return await self._storage.read(job)
        except Unavailable as fault:
            self._failed += 1
            self._health.met(fault)
            raise
        finally:
            self._unfinished -= 1

    async def check(self) -> None:
        try:
            await self._storage.check()
        except Unavailable as fault:
            self._health.failed(fault)
            raise
        self.checked_at = time.monotonic()
        self._health.well(ServerPart.DATABASE)

    async def close(self) -> None:
        await self._storage.close()
