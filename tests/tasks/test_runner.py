"""Tasks are begun at once, bounded, held while they are worked on, and retried when they fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.tasks.model import FIRST_PAUSE, NewTask, Task, TaskCounts
from folkmoot.core.tasks.store import add_tasks
from folkmoot.core.work import Job, Result, UnitOfWork
from folkmoot.storage.memory.storage import MemoryStorage
from folkmoot.tasks.runner import LEASE, LONGEST_SLEEP, TaskRunner, TaskStatistics
from tests.cast import NOON, FrozenClock

WITHIN_S = 5.0


@dataclass
class Bench:
    """A runner on storage in memory, and a handler that does as each task's key says."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    clock: FrozenClock = field(default_factory=FrozenClock)
    is_away: bool = False
    writes: int = 0
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.runner = self.another("one")

    def another(self, holder: str) -> TaskRunner:
        runner = TaskRunner(self.write, self.clock, holder=holder)
        runner.register("work", self.handle, at_once=2)
        return runner

    async def write(self, job: Job[Result]) -> Result:
        async with self.news:
            self.news.notify_all()
            self.writes += 1
            if self.is_away:
                raise Unavailable("away")
            return await self.storage.write(job)

    async def add(self, *keys: str, **options: Any) -> None:
        """Add tasks as a service does: stored, then announced."""
        new = [
            NewTask(**{"kind": "work", "key": key, "payload": {}, "due_at": NOON, **options})
            for key in keys
        ]

        async def job(work: UnitOfWork) -> list[object]:
            await add_tasks(work, new)
            return work.events

        for event in await self.storage.write(job):
            self.runner.consume(event)

    async def pass_by(self, time: timedelta) -> None:
        """Let time pass, as the runner notices once it wakes."""
        self.clock.pass_by(time)
        self.runner.consume(TasksAdded("work"))

    async def handle(self, task: Task) -> None:
        await self.note(self.begun, task.key)
        try:
            if task.key.startswith("waits"):
                await self.go_on.wait()
            if task.key.startswith("fails"):
                raise ZeroDivisionError(task.key)
            await self.write(lambda work: work.tasks.complete(task))
        finally:
            await self.note(self.ended, task.key)

    async def note(self, where: list[str], key: str) -> None:
        where.append(key)
        async with self.news:
            self.news.notify_all()

    async def until(self, is_so: Any) -> None:
        async with asyncio.timeout(WITHIN_S), self.news:
            await self.news.wait_for(is_so)

    async def counts(self) -> list[TaskCounts]:
        return await self.storage.read(lambda work: work.tasks.counts())


@asynccontextmanager
async def at_work(runner: TaskRunner) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_what_is_added_is_begun_at_once_and_done_once(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.add("a", "b")
        await bench.until(lambda: len(bench.ended) == 2)

    assert sorted(bench.begun) == ["a", "b"]
    assert await bench.counts() == []


async def test_what_was_added_before_the_start_is_done(bench: Bench) -> None:
    await bench.add("a")

    async with at_work(bench.runner):
        await bench.until(lambda: bench.ended == ["a"])


async def test_an_idle_runner_asks_storage_once_and_then_sleeps(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.until(lambda: bench.writes >= 1)
        for _ in range(100):
            await asyncio.sleep(0)

    assert bench.writes == 1
    assert timedelta(minutes=1) <= LONGEST_SLEEP


async def test_a_runner_sleeps_until_the_next_task_is_due(bench: Bench) -> None:
    await bench.add("a", due_at=NOON + timedelta(milliseconds=1))

    async with at_work(bench.runner):
        await bench.until(lambda: bench.writes >= 1)
        bench.clock.pass_by(timedelta(milliseconds=1))
        await bench.until(lambda: bench.ended == ["a"])


async def test_no_more_are_worked_on_at_once_than_may_be(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.add("waits 1")
        await bench.until(lambda: len(bench.begun) == 1)
        await bench.add("waits 2", "waits 3")
        await bench.until(lambda: len(bench.begun) == 2)
        assert bench.runner.statistics() == TaskStatistics(running=2, failures=0)
        assert [each.waiting for each in await bench.counts()] == [1]
        bench.go_on.set()
        await bench.until(lambda: len(bench.ended) == 3)


async def test_what_stands_behind_another_is_begun_once_that_is_done(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.add("waits 1", "2", ordering_key="x")
        await bench.until(lambda: bench.begun == ["waits 1"])
        bench.go_on.set()
        await bench.until(lambda: bench.ended == ["waits 1", "2"])


async def test_a_failure_is_retried_and_counted_and_harms_nothing_else(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(bench.runner):
        await bench.add("fails", max_attempts=2)
        await bench.until(lambda: bench.runner.statistics() == TaskStatistics(0, 1))
        await bench.pass_by(FIRST_PAUSE)
        await bench.until(lambda: bench.runner.statistics() == TaskStatistics(0, 2))
        await bench.add("a")
        await bench.until(lambda: "a" in bench.ended)

    assert bench.begun == ["fails", "fails", "a"]
    assert [each.dead for each in await bench.counts()] == [1]
    assert "work fails failed, attempt 2 of 2" in caplog.text


async def test_a_lease_is_renewed_for_as_long_as_the_work_takes(bench: Bench) -> None:
    async with at_work(bench.runner), at_work(other := bench.another("two")):
        await bench.add("waits")
        await bench.until(lambda: bench.begun == ["waits"])
        for _ in range(6):
            before = bench.writes
            await bench.pass_by(LEASE / 2)
            await bench.until(lambda before=before: bench.writes >= before + 2)
            other.consume(TasksAdded("work"))
            await bench.until(lambda before=before: bench.writes >= before + 3)
        bench.go_on.set()
        await bench.until(lambda: bench.ended == ["waits"])

    assert bench.begun == ["waits"]


async def test_who_lost_a_lease_stops_and_the_other_does_it(bench: Bench) -> None:
    other = bench.another("two")
    async with at_work(bench.runner), at_work(other):
        await bench.add("waits")
        await bench.until(lambda: bench.begun == ["waits"])
        # The first is held up for longer than its lease.
        bench.clock.pass_by(LEASE)
        other.consume(TasksAdded("work"))
        await bench.until(lambda: bench.begun == ["waits", "waits"])
        bench.runner.consume(TasksAdded("work"))
        await bench.until(lambda: bench.ended == ["waits"])
        bench.go_on.set()
        await bench.until(lambda: bench.ended == ["waits", "waits"])

    assert await bench.counts() == []


async def test_one_that_starts_again_goes_on_at_once_with_what_it_held(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.add("waits")
        await bench.until(lambda: bench.begun == ["waits"])
    bench.go_on.set()

    async with at_work(bench.another("one")):
        await bench.until(lambda: bench.ended == ["waits", "waits"])

    assert await bench.counts() == []


async def test_storage_that_is_away_for_a_while_costs_nothing(bench: Bench) -> None:
    bench.is_away = True
    async with at_work(bench.runner):
        await bench.add("a")
        await bench.until(lambda: bench.writes > 0)
        bench.is_away = False
        await bench.add("b")
        await bench.until(lambda: sorted(bench.ended) == ["a", "b"])


async def test_work_that_outlasts_storage_keeps_its_lease(bench: Bench) -> None:
    async with at_work(bench.runner):
        await bench.add("waits")
        await bench.until(lambda: bench.begun == ["waits"])
        bench.is_away, before = True, bench.writes
        await bench.pass_by(2 * LEASE)
        await bench.until(lambda: bench.writes > before)
        bench.is_away = False
        await bench.pass_by(timedelta(0))
        bench.go_on.set()
        await bench.until(lambda: bench.ended == ["waits"])

    assert bench.begun == ["waits"]
    assert await bench.counts() == []
