from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.alarms import Alarms


def test_they_ring_in_order_and_once():
    alarms = Alarms()
    alarms.set("ana", 3.0)
    alarms.set("bo", 1.0)
    alarms.set("cy", 2.0)

    assert alarms.next_at() == 1.0
    assert alarms.due(2.0) == ["bo", "cy"]
    assert alarms.due(2.0) == []
    assert alarms.next_at() == 3.0


def test_an_earlier_alarm_replaces_a_later_one_and_not_the_other_way():
    alarms = Alarms()

    assert alarms.set("ana", 3.0)
    assert alarms.set("ana", 2.0)
    assert not alarms.set("ana", 5.0)

    assert alarms.due(10.0) == ["ana"]


def test_a_forgotten_key_does_not_ring():
    alarms = Alarms()
    alarms.set("ana", 1.0)

    alarms.forget("ana")

    assert alarms.next_at() is None
    assert alarms.due(10.0) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=30))
def test_nobody_rings_later_than_asked(wishes):
    alarms = Alarms()
    first = {}
    for key, at in wishes:
        alarms.set(key, at)
        first[key] = min(at, first.get(key, at))

    rung = []
    for key, at in sorted(first.items(), key=lambda wish: wish[1]):
        rung += alarms.due(at)
        assert key in rung
    assert alarms.next_at() is None
