"""Who is told of what has happened: projections in every process, consumers once in the system."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from folkmoot.core.events import Event

_log = logging.getLogger(__name__)

Publish = Callable[[Sequence[Event]], None]
"""Tells everybody concerned of events, in every process; what is durable only after its commit."""


class Projection(Protocol):
    """Something that every process keeps up with events: who is connected, what is being written.

    Told of each event of its topics in every process, at most once, in the order in which one
    process published them, and after the projections that subscribed earlier. What is missed is
    not repeated. When it raises, that is logged, and the others are told all the same.
    """

    def apply(self, event: Event) -> None:
        """Take an event in; it must not wait."""
        ...


class Consumer(Protocol):
    """Something that is done about an event by one process only: an answer, an entry, a push.

    Told of each event once in the whole system, by the process that published it, after its
    projections. A process that dies may have told or not, and one that takes over may tell again:
    what must be done is owed in storage, and doing it twice is doing it once. When it raises, that
    is logged, and the others are told all the same.
    """

    def consume(self, event: Event) -> None:
        """Begin what is to be done about an event; it must not wait."""
        ...


class Publisher:
    """Publishes what this process has brought about, and tells the consumers of it."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._consumers: list[Consumer] = []

    def register(self, consumer: Consumer) -> None:
        """Tell a consumer of everything that this process publishes from now on."""
        self._consumers.append(consumer)

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the projections of all processes, and then the consumers. It never waits."""
        self._publish(events)
        for event in events:
            for consumer in self._consumers:
                try:
                    consumer.consume(event)
                except Exception:
                    _log.exception("%s failed at %s", type(consumer).__name__, type(event).__name__)
