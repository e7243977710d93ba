"""Telling the subscribers of this process of an event; every bus does it this way."""

import logging
from collections.abc import Iterable

from folkmoot.bus.subscribers import Projection
from folkmoot.bus.timeline_order import TimelineOrder
from folkmoot.bus.topics import EVERYTHING, Topic, topics_of
from folkmoot.core.events import Event

_log = logging.getLogger(__name__)


class Subscriber:
    """One who is told of some topics: the `Subscription` of a bus."""

    __slots__ = ("_dispatcher", "projection", "topics")

    def __init__(
        self, dispatcher: "Dispatcher", topics: Iterable[Topic], projection: Projection
    ) -> None:
        self.projection = projection
        self.topics = set(topics)
        self._dispatcher = dispatcher

    def add(self, topic: Topic) -> None:
        """Hear of a topic too."""
        self.topics.add(topic)

    def remove(self, topic: Topic) -> None:
        """Hear of a topic no longer."""
        self.topics.discard(topic)

    def end(self) -> None:
        """Hear of nothing more."""
        self.topics.clear()
        self._dispatcher.subscribers = tuple(
            other for other in self._dispatcher.subscribers if other is not self
        )


class Dispatcher:
    """The subscribers of this process, in the order in which they are told.

    What stands in a timeline waits for its turn; see `TimelineOrder`.
    """

    def __init__(self) -> None:
        self.subscribers: tuple[Subscriber, ...] = ()
        self.timelines = TimelineOrder(self._tell)

    def subscribe(self, topics: Iterable[Topic], projection: Projection) -> Subscriber:
        """Tell one more, after the others."""
        subscriber = Subscriber(self, topics, projection)
        self.subscribers += (subscriber,)
        return subscriber

    def dispatch(self, event: Event) -> None:
        """Tell each whom it concerns, once, in its turn."""
        self.timelines.take(event)

    def _tell(self, event: Event) -> None:
        """Tell each whom it concerns; one who raises keeps nobody else from hearing."""
        topics = topics_of(event)
        for subscriber in self.subscribers:
            heard_of = subscriber.topics
            if EVERYTHING in heard_of or not heard_of.isdisjoint(topics):
                try:
                    subscriber.projection.apply(event)
                except Exception:
                    name = type(subscriber.projection).__name__
                    _log.exception("%s failed at %s", name, type(event).__name__)
