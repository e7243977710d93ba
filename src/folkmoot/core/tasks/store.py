"""The port to stored tasks, and how tasks are added."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.tasks.model import NewTask, Payload, Taken, Task, TaskCounts


class TaskStore(Protocol):
    """Durable work within one unit of work.

    A task is there exactly if the unit of work that added it commits, and stays until it is
    completed, cancelled, or dead; the dead are kept, so that an operator sees them. It is done at
    least once: a lease that ends is taken over by whoever comes next. Two never hold a valid lease
    of one task, and who has lost theirs can change nothing about it any more.
    """

    async def add(self, tasks: Sequence[NewTask]) -> None:
        """Add tasks; where one of the same kind and key is there already, that one stays.

        The order among tasks of one ``ordering_key`` holds for units of work that did not overlap:
        whoever adds them locks what the key stands for.
        """
        ...

    async def cancel(self, kind: str, keys: Collection[str]) -> list[str]:
        """Forget tasks, even while they are worked on, and dead ones; the keys of those there."""
        ...

    async def take(
        self, kind: str, holder: str, *, at: datetime, until: datetime, limit: int
    ) -> Taken:
        """Lease up to ``limit`` tasks that are due, the longest due first.

        Left out are those that another holds, and those behind another of their ``ordering_key``.
        One whose last attempt ended with its lease is dead from now on.
        """
        ...

    async def renew(self, task: Task, until: datetime) -> bool:
        """Hold a task until then; whether it was held still."""
        ...

    async def release(self, holder: str, at: datetime) -> None:
        """End all leases of a holder, as one that starts does with those of its earlier life."""
        ...

    async def save(self, task: Task, payload: Payload) -> bool:
        """Keep how far a task has come, for whoever takes it over; whether it was held still."""
        ...

    async def complete(self, task: Task) -> bool:
        """Forget a task, in the unit of work that does it; whether it was held still.

        Where it was not, that unit of work must change nothing else.
        """
        ...

    async def fail(
        self, task: Task, error: str, *, at: datetime, retry_at: datetime | None
    ) -> bool:
        """End an attempt, to be retried or, without a time for it, dead; whether it was held."""
        ...

    async def counts(self) -> list[TaskCounts]:
        """How many tasks there are, by kind."""
        ...


class TaskWork(Protocol):
    """What adding tasks needs of a unit of work."""

    @property
    def tasks(self) -> TaskStore:
        """The tasks."""
        ...

    def record(self, event: TasksAdded) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...


async def add_tasks(work: TaskWork, tasks: Sequence[NewTask]) -> None:
    """Add tasks, and have them begun as soon as this unit of work has committed."""
    await work.tasks.add(tasks)
    for kind in dict.fromkeys(task.kind for task in tasks):
        work.record(TasksAdded(kind))
