"""Every implementation of presence; another one joins with its class in `EVERY_PRESENCE`."""

from typing import Protocol

from folkmoot.bus.memory_presence import MemoryPresence, PresenceBoard
from folkmoot.bus.presence import Presence


class Processes(Protocol):
    """The processes of one server, as far as they know who is online."""

    now: float
    published: list[object]

    def join(self, *, grace_seconds: float = 0.0, lease_seconds: float = 10.0) -> Presence:
        """The presence of one more process."""
        ...


class MemoryProcesses:
    """Processes in one event loop."""

    def __init__(self) -> None:
        self.now = 0.0
        self.published: list[object] = []
        self._board = PresenceBoard()

    def join(self, *, grace_seconds: float = 0.0, lease_seconds: float = 10.0) -> MemoryPresence:
        return MemoryPresence(
            self.published.extend,
            lambda: self.now,
            self._board,
            grace_seconds=grace_seconds,
            lease_seconds=lease_seconds,
        )


EVERY_PRESENCE = [MemoryProcesses]
