"""Whoever asks whether the server is ready is answered soon, and all of them cost one probe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from folkmoot.core.shared.health import Health, HealthNotice
from folkmoot.core.shared.refusals import ServerPart, StorageFull, Unavailable
from folkmoot.server.ops.health import PROMPT_ANSWERS, Readiness
from folkmoot.storage.memory.storage import MemoryStorage
from folkmoot.storage.reporting import ReportingStorage
from tests.deadlines import WITHIN_S


class FaultyStorage(MemoryStorage):
    """Storage whose checks are counted, and wait or fail as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0
        self.fault: Unavailable | None = None
        self.flows = asyncio.Event()
        self.flows.set()

    async def check(self) -> None:
        self.checks += 1
        await self.flows.wait()
        if self.fault is not None:
            raise self.fault
        await super().check()


class Asked:
    def __init__(self) -> None:
        self.database = FaultyStorage()
        self.is_well_again = asyncio.Event()
        self.health = Health(tell=self._hear)
        self.storage = ReportingStorage(self.database, self.health)
        self.stalled: Unavailable | None = None
        self.readiness = Readiness(self.storage, self.health, {}, stalled=lambda: self.stalled)

    def _hear(self, notice: HealthNotice) -> None:
        if notice.fault is None:
            self.is_well_again.set()

    async def by(self, callers: int) -> list[str]:
        """What is said to so many who ask at the same time."""
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(self.readiness.look() for _ in range(callers)))
        return [failure.explained for failure in self.health.failures()]


@asynccontextmanager
async def running(asked: Asked) -> AsyncIterator[None]:
    task = asyncio.create_task(asked.readiness.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    asked = Asked()
    async with running(asked):
        yield asked


async def test_many_who_ask_at_once_share_one_probe(asked):
    assert await asked.by(64) == []
    assert asked.database.checks == 1


async def test_what_was_found_well_a_moment_ago_is_not_looked_at_again(asked):
    await asked.storage.check()
    assert await asked.by(64) == []
    assert asked.database.checks == 1


async def test_small_changes_do_not_keep_a_full_disk_from_being_seen(asked):
    await asked.storage.write(lambda work: work.accounts.count())
    asked.database.fault = StorageFull()
    assert await asked.by(1) == ["database: the disk is full"]


async def test_however_many_ask_only_so_many_are_answered_at_once(asked):
    await asked.by(1)
    asking = [asyncio.create_task(asked.readiness.look()) for _ in range(3 * PROMPT_ANSWERS)]
    done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) < PROMPT_ANSWERS
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(*asking)


async def test_what_whoever_stores_knows_needs_no_probe(asked):
    asked.stalled = Unavailable("it does not answer in time", part=ServerPart.DATABASE)
    assert await asked.by(3) == ["database: it does not answer in time"]
    assert asked.database.checks == 0
    asked.stalled = None
    assert await asked.by(1) == []


async def test_a_database_that_hangs_keeps_nobody_waiting_and_is_asked_once(asked):
    asked.database.flows.clear()
    assert await asked.by(64) == ["database: it does not answer in time"]
    assert await asked.by(64) == ["database: it does not answer in time"]
    assert asked.database.checks == 1

    asked.database.flows.set()
    assert await asked.by(1) == []


async def test_a_small_write_does_not_show_that_a_full_disk_has_room(asked):
    asked.database.fault = StorageFull()
    assert await asked.by(1) == ["database: the disk is full"]
    await asked.storage.write(lambda work: work.accounts.count())
    assert [failure.reason for failure in asked.health.failures()] == ["the disk is full"]


async def test_the_database_is_well_again_without_anybody_asking(asked):
    asked.database.fault = Unavailable("it is locked", part=ServerPart.DATABASE)
    assert await asked.by(1) == ["database: it is locked"]
    asked.database.fault = None
    async with asyncio.timeout(WITHIN_S):
        await asked.is_well_again.wait()
    assert asked.health.failures() == []
