"""The bus of a server with one process: what is published is heard at once, in order."""

import logging
from collections.abc import Callable, Sequence

from folkmoot.core.events import Event

_log = logging.getLogger(__name__)

Hear = Callable[[Event], None]


class MemoryBus:
    """Hands events to everybody in this process who subscribed, in the order of subscription."""

    def __init__(self) -> None:
        self._subscribers: list[Hear] = []

    def subscribe(self, hear: Hear) -> None:
        """Call ``hear`` with everything that is published from now on."""
        self._subscribers.append(hear)

    def publish(self, events: Sequence[Event]) -> None:
        """Tell everybody; whoever raises keeps nobody else from hearing."""
        for event in events:
            for hear in self._subscribers:
                try:
                    hear(event)
                except Exception:
                    _log.exception("%s could not be handled", type(event).__name__)
