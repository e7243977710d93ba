"""Every kind of event goes through JSON and back."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.bus.codec import EventUnreadable, JsonCodec, decode, encode
from folkmoot.core.messages.events import MessagePosted
from tests.events import EVENTS, KINDS

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    str: st.text(max_size=20),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def anything_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that an event's field of this type may have."""
    if isinstance(kind, NewType):
        return anything_of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{one.name: anything_of(hints[one.name]) for one in fields(kind)})
    if get_origin(kind) is None:
        return LEAVES[kind]
    inner = [anything_of(one) for one in get_args(kind) if one is not ...]
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        return st.one_of(inner)
    if origin is tuple:
        is_long = get_args(kind)[-1] is ...
        return st.lists(inner[0], max_size=3).map(tuple) if is_long else st.tuples(*inner)
    if origin is frozenset:
        return st.frozensets(inner[0], max_size=3)
    if origin is Mapping:
        return st.dictionaries(*inner, max_size=3)
    raise LookupError(f"no values for {kind}: say here what they may be")


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
