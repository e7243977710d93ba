"""The bus between the processes of one server, and what its users may rely on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from folkmoot.bus.subscribers import Projection
from folkmoot.bus.timeline_order import TimelineOrder
from folkmoot.bus.topics import Topic
from folkmoot.core.events import Event


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """What a bus has done so far: batches published, heard of others, dropped; and what waits."""

    published: int
    heard: int
    dropped: int
    waiting: int
    is_deaf: bool


class TopicSubscription(Protocol):
    """What one projection hears of; it changes from the next event on."""

    def add(self, topic: Topic) -> None:
        """Hear of a topic too."""
        ...

    def remove(self, topic: Topic) -> None:
        """Hear of a topic no longer; of one that is not heard of anyway, nothing happens."""
        ...

    def end(self) -> None:
        """Hear of nothing more."""
        ...


class Bus(Protocol):
    """Hands events to those who subscribed to one of their topics, in every process.

    At most once: an event may be lost between processes, but never comes twice, however many of
    its topics a subscriber hears of. In order: what one process published, others hear in that
    order. Whoever missed something knows it: ``is_deaf`` says so until `recover`. Storage has all
    that is durable, so what was missed is read there.
    """

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the subscribers here at once, those of other processes soon.

        It never waits. What waits to be sent elsewhere is bounded; what finds no room is dropped,
        and whoever misses it knows. An empty ``events`` is a sign of life.
        """
        ...

    def subscribe(self, topics: Iterable[Topic], projection: Projection) -> TopicSubscription:
        """Tell a projection of each event of these topics, after those that subscribed earlier.

        What it publishes in turn is heard before it returns. When it raises, that is logged, and
        the others are told all the same.
        """
        ...

    @property
    def timelines(self) -> TimelineOrder:
        """In what order conversations are told here.

        Of those that are followed nothing is told twice, and nothing before its turn: what did not
        come is read from storage.
        """
        ...

    @property
    def position(self) -> Mapping[str, int]:
        """How many batches of each process were heard here; its own are the published ones."""
        ...

    @property
    def is_deaf(self) -> bool:
        """Whether this process may have missed something of others since it last recovered."""
        ...

    def statistics(self) -> BusStatistics:
        """How it does."""
        ...

    def recover(self) -> None:
        """Start afresh: what comes from here on is heard, and nothing before it is awaited.

        To be called before what was missed is read from storage.
        """
        ...
