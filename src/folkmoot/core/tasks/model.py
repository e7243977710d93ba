"""What a task is, and when one that failed is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

TaskId = NewType("TaskId", int)
Payload = Mapping[str, str | int | None]
"""What a task is about; it goes through JSON."""

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)
LEASE_RAN_OUT = "the last attempt ended with its lease, without a word"
"""Why a task is dead whose workers all died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """Work of a ``kind`` that is due at a time.

    ``key`` names it within its kind. Of tasks with the same ``ordering_key`` one is worked on at a
    time, in the order in which they were added. It is begun at most ``max_attempts`` times.
    """

    kind: str
    key: str
    payload: Payload
    due_at: datetime
    ordering_key: str | None = None
    max_attempts: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as ``holder`` has taken it, for the ``attempt``-th time.

    The two are its lease: whoever takes it afterwards has another.
    """

    id: TaskId
    kind: str
    key: str
    payload: Payload
    max_attempts: int
    holder: str
    attempt: int

    def retry_at(self, failed_at: datetime) -> datetime | None:
        """When to try again after a failure, each time later; ``None`` after the last attempt."""
        if self.attempt >= self.max_attempts:
            return None
        doubled = FIRST_PAUSE * (1 << min(self.attempt - 1, 30))
        return failed_at + min(doubled, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Taken:
    """The tasks that were taken, the longest due first, and when the next of their kind is due."""

    tasks: list[Task]
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """The tasks of one kind: how many wait, are worked on, and failed for good.

    ``oldest_due`` is when the first of those that wait was or will be due.
    """

    kind: str
    waiting: int
    running: int
    dead: int
    oldest_due: datetime | None
