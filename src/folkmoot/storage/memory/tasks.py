"""Tasks in memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.tasks.model import (
    LEASE_RAN_OUT,
    NewTask,
    Payload,
    Taken,
    Task,
    TaskCounts,
    TaskId,
)
from folkmoot.storage.memory.state import State, TaskRow


class MemoryTasks:
    """`TaskStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, tasks: Sequence[NewTask]) -> None:
        for new in tasks:
            key = (new.kind, new.key)
            if key not in self._state.task_ids:
                task_id = self._state.task_ids[key] = TaskId(self._state.next_number("tasks"))
                self._state.tasks[task_id] = TaskRow(new, new.payload, new.due_at)

    async def cancel(self, kind: str, keys: Collection[str]) -> list[str]:
        there = sorted(key for key in set(keys) if (kind, key) in self._state.task_ids)
        for key in there:
            self._forget(self._state.task_ids[kind, key])
        return there

    async def take(
        self, kind: str, holder: str, *, at: datetime, until: datetime, limit: int
    ) -> Taken:
        for task_id, row in self._living(kind):
            if row.due_at <= at and row.attempts >= row.new.max_attempts:
                dead = replace(row, holder=None, died_at=at, error=LEASE_RAN_OUT)
                self._state.tasks[task_id] = dead
        first: dict[str, TaskId] = {}
        for task_id, row in self._living(kind):
            if row.new.ordering_key is not None:
                first.setdefault(row.new.ordering_key, task_id)
        due = [
            (row.due_at, task_id)
            for task_id, row in self._living(kind)
            if row.due_at <= at and first.get(row.new.ordering_key or "", task_id) == task_id
        ]
        taken = [self._lease(task_id, holder, until) for _, task_id in sorted(due)[:limit]]
        later = [row.due_at for _, row in self._living(kind) if row.due_at > at]
        return Taken(taken, min(later, default=None))

    async def renew(self, task: Task, until: datetime) -> bool:
        row = self._held(task)
        if row is not None:
            self._state.tasks[task.id] = replace(row, due_at=until)
        return row is not None

    async def release(self, holder: str, at: datetime) -> None:
        for task_id, row in list(self._state.tasks.items()):
            if row.holder == holder:
                self._state.tasks[task_id] = replace(row, holder=None, due_at=at)

    async def save(self, task: Task, payload: Payload) -> bool:
        row = self._held(task)
        if row is not None:
            self._state.tasks[task.id] = replace(row, payload=payload)
        return row is not None

    async def complete(self, task: Task) -> bool:
        row = self._held(task)
        if row is not None:
            self._forget(task.id)
        return row is not None

    async def fail(
        self, task: Task, error: str, *, at: datetime, retry_at: datetime | None
    ) -> bool:
        row = self._held(task)
        if row is not None:
            died_at = at if retry_at is None else None
            ended = replace(row, holder=None, error=error, died_at=died_at, due_at=retry_at or at)
            self._state.tasks[task.id] = ended
        return row is not None

    async def counts(self) -> list[TaskCounts]:
        rows = list(self._state.tasks.values())
        return [
            _counted(kind, [row for row in rows if row.new.kind == kind])
            for kind in sorted({row.new.kind for row in rows})
        ]

    def _living(self, kind: str) -> Iterator[tuple[TaskId, TaskRow]]:
        """The tasks of a kind that are not dead, in the order in which they were added."""
        for task_id, row in sorted(self._state.tasks.items()):
            if row.new.kind == kind and row.died_at is None:
                yield task_id, row

    def _lease(self, task_id: TaskId, holder: str, until: datetime) -> Task:
        row = self._state.tasks[task_id]
        row = replace(row, holder=holder, due_at=until, attempts=row.attempts + 1)
        self._state.tasks[task_id] = row
        return Task(
            id=task_id,
            kind=row.new.kind,
            key=row.new.key,
            payload=row.payload,
            max_attempts=row.new.max_attempts,
            holder=holder,
            attempt=row.attempts,
        )

    def _held(self, task: Task) -> TaskRow | None:
        row = self._state.tasks.get(task.id)
        if row is None or (row.holder, row.attempts) != (task.holder, task.attempt):
            return None
        return row

    def _forget(self, task_id: TaskId) -> None:
        new = self._state.tasks[task_id].new
        del self._state.task_ids[new.kind, new.key]
        del self._state.tasks[task_id]


def _counted(kind: str, rows: Sequence[TaskRow]) -> TaskCounts:
    waiting = [row.due_at for row in rows if row.died_at is None and row.holder is None]
    dead = sum(row.died_at is not None for row in rows)
    return TaskCounts(
        kind=kind,
        waiting=len(waiting),
        running=len(rows) - len(waiting) - dead,
        dead=dead,
        oldest_due=min(waiting, default=None),
    )
