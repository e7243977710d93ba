"""Every implementation of the bus; another one joins by its line in `EVERY_BUS`."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from folkmoot.bus.codec import JsonCodec
from folkmoot.bus.memory import Codec, MemoryBus, MemoryNetwork
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

    async def garble(self) -> None:
        """Have every process be sent something that it cannot read."""
        ...


class Unreadable:
    """A codec that can read nothing."""

    def encode(self, events: Sequence[Event]) -> bytes:
        return b""

    def decode(self, data: bytes) -> list[Event]:
        raise ValueError(data)


class MemoryBuses:
    """Buses in one event loop."""

    max_waiting = 10

    def __init__(self, codec: Codec | None = None) -> None:
        self._network = MemoryNetwork(codec=codec, max_waiting=self.max_waiting)
        self._joined: list[MemoryBus] = []

    async def join(self, name: str) -> MemoryBus:
        self._joined.append(bus := MemoryBus(self._network, name))
        return bus

    async def garble(self) -> None:
        codec, self._network.codec = self._network.codec, Unreadable()
        for number, bus in enumerate(self._joined):
            bus.take("stranger", number, b"")
        await asyncio.sleep(0)
        self._network.codec = codec


def json_buses() -> MemoryBuses:
    """The same, with every event sent as JSON, as between processes."""
    return MemoryBuses(JsonCodec())


EVERY_BUS: list[Callable[[], Buses]] = [MemoryBuses, json_buses]


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
