"""The bus of a server whose processes are one, or, in tests, several in one event loop.

Here events are handed over as they are and at once. Between two buses of one `MemoryNetwork` they
wait in a bounded queue for the next turn of the event loop, encoded where there is a codec.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from folkmoot.bus.dispatcher import Dispatcher, Subscriber
from folkmoot.bus.port import BusStatistics
from folkmoot.bus.subscribers import Projection
from folkmoot.bus.timeline_order import TimelineOrder
from folkmoot.bus.topics import Topic
from folkmoot.core.events import Event

MAX_WAITING = 10_000
_log = logging.getLogger(__name__)


class Codec(Protocol):
    """Turns events into something that can be sent, and back."""

    def encode(self, events: Sequence[Event]) -> Any:
        """The events as they are sent."""
        ...

    def decode(self, data: Any) -> Sequence[Event]:
        """The events again."""
        ...


class _AsTheyAre:
    """No codec: the events themselves are handed over."""

    def encode(self, events: Sequence[Event]) -> Sequence[Event]:
        return events

    def decode(self, data: Sequence[Event]) -> Sequence[Event]:
        return data


class MemoryNetwork:
    """What connects buses; ``codec`` has every event, here too, come from what is sent."""

    def __init__(self, *, codec: Codec | None = None, max_waiting: int = MAX_WAITING) -> None:
        self.codec: Codec = codec or _AsTheyAre()
        self.max_waiting = max_waiting
        self.buses: list[MemoryBus] = []


class MemoryBus:
    """One process's end of the bus; alone where it is given no network."""

    def __init__(self, network: MemoryNetwork | None = None, name: str = "only") -> None:
        self._network = network or MemoryNetwork()
        self._name = name
        self._dispatcher = Dispatcher()
        self._waiting: deque[tuple[str, int, Any]] = deque()
        self._position: dict[str, int] = {name: 0}
        self._dropped = 0
        self.is_deaf = False
        self._network.buses.append(self)

    @property
    def timelines(self) -> TimelineOrder:
        """In what order conversations are told here."""
        return self._dispatcher.timelines

    @property
    def position(self) -> Mapping[str, int]:
        """How many batches of each process were heard here."""
        return dict(self._position)

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the subscribers here at once, those of other processes in the next turn."""
        self._position[self._name] += 1
        batch = self._network.codec.encode(events)
        for bus in self._network.buses:
            if bus is not self:
                bus.take(self._name, self._position[self._name], batch)
        self._dispatch(batch)

    def subscribe(self, topics: Iterable[Topic], projection: Projection) -> Subscriber:
        """Tell a projection of each event of these topics, after those that subscribed earlier."""
        return self._dispatcher.subscribe(topics, projection)

    def statistics(self) -> BusStatistics:
        """How it does."""
        published = self._position[self._name]
        heard = sum(self._position.values()) - published
        return BusStatistics(published, heard, self._dropped, len(self._waiting), self.is_deaf)

    def recover(self) -> None:
        """Let go of what waits, and hear from here on."""
        self._waiting.clear()
        self.is_deaf = False

    def take(self, publisher: str, number: int, batch: Any) -> None:
        """Hear what another process has published, in the next turn of the event loop."""
        if len(self._waiting) >= self._network.max_waiting:
            self._dropped += 1
            self.is_deaf = True
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._hear)
        self._waiting.append((publisher, number, batch))

    def _hear(self) -> None:
        while self._waiting:
            publisher, number, batch = self._waiting.popleft()
            self._position[publisher] = number
            self._dispatch(batch)

    def _dispatch(self, batch: Any) -> None:
        try:
            events = self._network.codec.decode(batch)
        except Exception:
            # Of another release, say: what cannot be read is missed, and so this process knows.
            _log.exception("a batch of events could not be read")
            self.is_deaf = True
            return
        for event in events:
            self._dispatcher.dispatch(event)
