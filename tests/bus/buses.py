"""Every implementation of the bus; another one joins with its class in `EVERY_BUS`."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from folkmoot.bus.memory import MemoryBus, MemoryNetwork
from folkmoot.bus.port import Bus
from folkmoot.core.events import Event
from tests.deadlines import WITHIN_S


class Buses(Protocol):
    """The processes of one server, as far as they have a bus between them."""

    max_waiting: int
    """How many batches may wait between two processes."""

    async def join(self, name: str) -> Bus:
        """The bus of one more process."""
        ...


class MemoryBuses:
    """Buses in one event loop."""

    max_waiting = 10

    def __init__(self) -> None:
        self._network = MemoryNetwork(max_waiting=self.max_waiting)

    async def join(self, name: str) -> MemoryBus:
        return MemoryBus(self._network, name)


EVERY_BUS = [MemoryBuses]


class Recorder:
    """A projection that writes down what it hears, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._news = asyncio.Event()

    def apply(self, event: Event) -> None:
        self.heard.append(event)
        self._news.set()

    async def hears(self, event: Event) -> list[Event]:
        """What was heard up to an event, that one included."""
        async with asyncio.timeout(WITHIN_S):
            while event not in self.heard:
                self._news.clear()
                await self._news.wait()
        return self.heard


class Calling:
    """A projection that calls a function."""

    def __init__(self, apply: Callable[[Event], object]) -> None:
        self.apply = apply
