"""What happened to tasks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TasksAdded:
    """There is more to do of a kind. Nobody is told, but who does it."""

    kind: str
