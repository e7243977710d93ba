"""Doing the tasks that are due: taken from storage, held while they are worked on, tried again.

What a task means, its handler knows; which handlers there are, wiring says.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from folkmoot.core.events import Event
from folkmoot.core.shared.ids import Clock
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.tasks.model import Taken, Task
from folkmoot.core.work import UnitOfWork, Write

LEASE = timedelta(seconds=30)
RENEWALS_A_LEASE = 3
LONGEST_SLEEP = timedelta(minutes=1)
"""How late another process's tasks may be noticed, if it ends before it has done them."""
MAX_ERROR_CHARS = 500
_log = logging.getLogger(__name__)

Handle = Callable[[Task], Awaitable[None]]
"""Does a task, and completes it in the unit of work that does it.

What it raises ends the attempt: it is tried again later, or dead. It is cancelled once another
holds the task; being begun again after it was half done must do no harm.
"""


@dataclass(frozen=True, slots=True)
class TaskStatistics:
    """How many tasks this process works on, and how many attempts have failed here so far."""

    running: int
    failures: int


@dataclass(frozen=True, slots=True)
class _Kind:
    handle: Handle
    at_once: int


@dataclass(slots=True, eq=False)
class _Attempt:
    """A task that is being worked on here, by ``worker``."""

    task: Task
    worker: "asyncio.Task[None]" = field(init=False)


class TaskRunner:
    """Works on the tasks of the registered kinds, as ``holder``, a name that outlives a restart.

    It wakes when this process adds tasks, when the next is due, and otherwise once a minute.
    """

    def __init__(self, write: Write, clock: Clock, *, holder: str) -> None:
        self._write = write
        self._clock = clock
        self._holder = holder
        self._kinds: dict[str, _Kind] = {}
        self._attempts: set[_Attempt] = set()
        self._renew_at = clock.now()
        self._has_released = False
        self._failures = 0
        self._wake = asyncio.Event()

    def register(self, kind: str, handle: Handle, *, at_once: int) -> None:
        """Have tasks of a kind done from now on, so many of them at once."""
        self._kinds[kind] = _Kind(handle, at_once)

    def consume(self, event: Event) -> None:
        """Wake up when there is more to do."""
        if isinstance(event, TasksAdded):
            self._wake.set()

    def statistics(self) -> TaskStatistics:
        """What this process is doing."""
        return TaskStatistics(len(self._attempts), self._failures)

    async def run(self) -> None:
        """Work until cancelled, first of all on what was held when the last process ended."""
        async with asyncio.TaskGroup() as workers:
            while True:
                self._wake.clear()
                wake_at = await self._turn(workers)
                with suppress(TimeoutError):
                    async with asyncio.timeout((wake_at - self._clock.now()).total_seconds()):
                        await self._wake.wait()

    async def _turn(self, workers: asyncio.TaskGroup) -> datetime:
        """Hold what is being worked on, and begin what is due; when to do so again."""
        now = self._clock.now()
        wake_at = now + LONGEST_SLEEP
        try:
            if self._attempts and now >= self._renew_at:
                await self._renew()
            found = await self._take()
        except Exception as error:
            # It says itself why it is away; all else is a bug of ours, and may pass as well.
            if not isinstance(error, Unavailable):
                _log.exception("tasks could not be taken")
            return now + LEASE / RENEWALS_A_LEASE
        for taken in found:
            for task in taken.tasks:
                attempt = _Attempt(task)
                self._attempts.add(attempt)
                attempt.worker = workers.create_task(self._work_on(attempt))
            wake_at = min(wake_at, taken.next_due or wake_at)
        return min(wake_at, self._renew_at) if self._attempts else wake_at

    async def _take(self) -> list[Taken]:
        now = self._clock.now()
        busy = Counter(attempt.task.kind for attempt in self._attempts)
        free = {
            kind: each.at_once - busy[kind]
            for kind, each in self._kinds.items()
            if each.at_once > busy[kind]
        }
        if not free:
            return []
        if not busy:
            self._renew_at = now + LEASE / RENEWALS_A_LEASE
        must_release = not self._has_released

        async def take(work: UnitOfWork) -> list[Taken]:
            if must_release:
                await work.tasks.release(self._holder, now)
            return [
                await work.tasks.take(kind, self._holder, at=now, until=now + LEASE, limit=limit)
                for kind, limit in free.items()
            ]

        found = await self._write(take)
        self._has_released = True
        return found

    async def _renew(self) -> None:
        """Hold what is being worked on for longer, and stop what another holds by now."""
        attempts, now = list(self._attempts), self._clock.now()

        async def renew(work: UnitOfWork) -> list[bool]:
            return [await work.tasks.renew(each.task, now + LEASE) for each in attempts]

        for attempt, is_held in zip(attempts, await self._write(renew), strict=True):
            if not is_held:
                attempt.worker.cancel()
        self._renew_at = now + LEASE / RENEWALS_A_LEASE

    async def _work_on(self, attempt: _Attempt) -> None:
        task = attempt.task
        try:
            await self._kinds[task.kind].handle(task)
        except Exception as error:
            self._failures += 1
            _log.exception(
                "%s %s failed, attempt %d of %d",
                task.kind,
                task.key,
                task.attempt,
                task.max_attempts,
            )
            await self._fail(task, repr(error)[:MAX_ERROR_CHARS])
        finally:
            self._attempts.discard(attempt)
            # There is room for another, and whoever stood behind this one may come.
            self._wake.set()

    async def _fail(self, task: Task, error: str) -> None:
        now = self._clock.now()
        try:
            await self._write(
                lambda work: work.tasks.fail(task, error, at=now, retry_at=task.retry_at(now))
            )
        except Exception as fault:
            # The attempt ends with its lease.
            _log.warning("that %s %s failed is not stored: %r", task.kind, task.key, fault)
