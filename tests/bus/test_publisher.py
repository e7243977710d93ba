"""Who is told of an event, in which order, and what becomes of it when one of them fails."""

import logging

from folkmoot.bus.memory import MemoryBus
from folkmoot.bus.subscribers import Publisher
from folkmoot.bus.topics import EVERYTHING
from folkmoot.core.social.events import BlockLifted, BlockSet

SET, LIFTED = BlockSet(1, 2), BlockLifted(1, 2)


class Log:
    """A projection and a consumer that writes down what it is told of, with a name."""

    def __init__(self, name, told):
        self._name, self._told = name, told

    def apply(self, event):
        self._told.append((self._name, event))

    consume = apply


class Failing:
    def apply(self, event):
        raise ValueError(event)

    consume = apply


def publishing(projections, consumers):
    bus = MemoryBus()
    publisher = Publisher(bus.publish)
    for projection in projections:
        bus.subscribe((EVERYTHING,), projection)
    for consumer in consumers:
        publisher.register(consumer)
    return publisher.publish


def test_projections_are_told_event_by_event_in_the_order_of_their_registration():
    told = []
    publish = publishing([Log("first", told), Log("second", told)], [])

    publish([SET, LIFTED])

    assert told == [("first", SET), ("second", SET), ("first", LIFTED), ("second", LIFTED)]


def test_consumers_are_told_once_of_each_event_after_the_projections():
    told = []
    publish = publishing([Log("projection", told)], [Log("consumer", told)])

    publish([SET])

    assert told == [("projection", SET), ("consumer", SET)]


def test_one_that_fails_is_logged_and_keeps_nobody_from_being_told(caplog):
    told = []
    publish = publishing([Failing(), Log("projection", told)], [Failing(), Log("consumer", told)])

    with caplog.at_level(logging.ERROR):
        publish([SET, LIFTED])

    assert [event for name, event in told if name == "projection"] == [SET, LIFTED]
    assert [event for name, event in told if name == "consumer"] == [SET, LIFTED]
    assert len(caplog.records) == 4
    assert all(record.exc_info for record in caplog.records)
