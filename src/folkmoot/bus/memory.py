"""The bus of a house with one process: what is published is heard at once, in order."""

from collections.abc import Callable, Sequence

Hearer = Callable[[Sequence[object]], None]


class MemoryBus:
    """Hands events to everybody in this process who hears them."""

    def __init__(self) -> None:
        self._hearers: list[Hearer] = []

    def hear(self, hearer: Hearer) -> None:
        """Tell ``hearer`` of everything that is published from now on."""
        self._hearers.append(hearer)

    def publish(self, events: Sequence[object]) -> None:
        """Tell everybody of events that are durable now."""
        for hearer in self._hearers:
            hearer(events)
