"""Every kind of event goes through JSON and back."""

import pytest
from hypothesis import given, settings

from folkmoot.bus.codec import EventUnreadable, JsonCodec, decode, encode
from folkmoot.core.messages.events import MessagePosted
from tests.any_value import anything_of
from tests.events import EVENTS, KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_of_any_kind_comes_back_equal_whatever_it_holds(kind):
    @settings(deadline=None, max_examples=30)
    @given(anything_of(kind))
    def comes_back(event):
        told = decode(encode(event))
        assert type(told) is kind
        assert told == event

    comes_back()


def test_where_a_message_came_from_comes_back_too():
    event = next(one for one in EVENTS if isinstance(one, MessagePosted))
    assert event.origin is not None
    assert decode(encode(event)).origin == event.origin


def test_a_batch_comes_back_in_order():
    codec = JsonCodec()
    assert codec.decode(codec.encode(EVENTS)) == list(EVENTS)
    assert codec.decode(codec.encode([])) == []


def test_an_unknown_kind_is_an_error_that_names_it():
    with pytest.raises(EventUnreadable, match="'MessagePinned'") as raised:
        decode(b'{"kind":"MessagePinned","event":{}}')
    assert raised.value.kind == "MessagePinned"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_malformed_event_is_an_error_that_names_its_kind(event):
    name = type(event).__name__
    with pytest.raises(EventUnreadable, match=f"'{name}'"):
        decode(b'{"kind":"%s","event":{"seq":"seven"}}' % name.encode())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"kind":1}', b'{"kind":"x"'])
def test_what_is_no_event_at_all_is_an_error_too(data):
    with pytest.raises(EventUnreadable):
        decode(data)
