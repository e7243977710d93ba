"""The closed list of events."""

from typing import get_args

from folkmoot.core import events
from folkmoot.core.conversations.events import Durable
from folkmoot.core.events import AccountEvent, PassingEvent, StateEvent, TimelineEvent
from tests.events import EVENTS, KINDS


def test_every_durable_change_of_a_conversation_is_in_the_list():
    # By name, since a dataclass with slots is made of a class that is still about.
    assert {kind.__name__ for kind in Durable.__subclasses__()} == {
        kind.__name__ for kind in get_args(TimelineEvent)
    }


def test_no_kind_is_in_two_lists():
    lists = (TimelineEvent, AccountEvent, StateEvent, PassingEvent)
    assert sum(len(get_args(one)) for one in lists) == len(KINDS)


def test_there_is_a_sample_of_every_kind():
    assert {type(event) for event in EVENTS} == set(KINDS)


def test_every_kind_can_be_had_from_the_list():
    assert {kind.__name__ for kind in KINDS} <= set(events.__all__)
    assert all(getattr(events, kind.__name__) is kind for kind in KINDS)
