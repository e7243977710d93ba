import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.wire.json_bounds import MAX_DEPTH, MAX_VALUES, Excess, excess_in

MEGABYTE = 1_000_000

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a,[]{}"\\\n:é', max_size=12),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(alphabet='k,[]{}"\\', max_size=4), inner, max_size=5)
    ),
    max_leaves=60,
)


def separators_in(value: Any) -> int:
    """Lists, objects, and what stands between their entries, counted on the value itself."""
    if not isinstance(value, (list, dict)):
        return 0
    entries = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(entries) - 1) + sum(map(separators_in, entries))


def depth_of(value: Any) -> int:
    if not isinstance(value, (list, dict)):
        return 0
    entries = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, entries), default=0)


@settings(deadline=None)
@given(JSON_VALUES, st.integers(0, 40), st.integers(0, 6), st.booleans())
def test_values_and_depth_are_counted_as_they_are(
    value: Any, max_values: int, max_depth: int, is_ascii: bool
):
    text = json.dumps(value, ensure_ascii=is_ascii).encode()

    excess = excess_in(text, max_values=max_values, max_depth=max_depth)

    right = None
    if separators_in(value) > max_values:
        right = Excess.VALUES
    elif depth_of(value) > max_depth:
        right = Excess.DEPTH
    assert excess is right


@pytest.mark.parametrize(
    ("text", "excess"),
    [
        (b'{"x":[' + b",".join([b"[" * 60 + b"]" * 60] * 8000) + b"]}", Excess.VALUES),
        (b"[" + b"[]," * 330_000 + b"[]]", Excess.VALUES),
        (b"[" + b"{}," * 330_000 + b"{}]", Excess.VALUES),
        (b"[" + b",".join([b'""'] * 330_000) + b"]", Excess.VALUES),
        (b"[" + b"1," * 400_000 + b"1]", Excess.VALUES),
        (json.dumps({str(number): 0 for number in range(80_000)}).encode(), Excess.VALUES),
        (b"[" * MEGABYTE, Excess.VALUES),
        (b"]" * MEGABYTE, None),
        (b"[" * 100 + b"]" * 100, Excess.DEPTH),
        (b'"' + b',\\"' * 330_000 + b'"', Excess.ESCAPES),
        (b'"' + b"x" * MEGABYTE + b'"', None),
        (b'"' + b"\\n" * (MEGABYTE // 2) + b'"', Excess.ESCAPES),
        (b'"' + b"\\n" * 20_000 + b'"', None),
    ],
)
def test_what_costs_the_loop_is_refused_before_anything_is_made_of_it(
    text: bytes, excess: Excess | None
):
    assert excess_in(text) is excess


def test_a_long_text_of_brackets_and_commas_is_one_value():
    text = json.dumps({"content": '[]{},"\\\n' * 1250}).encode()

    assert excess_in(text) is None


def test_the_bounds_are_taken_exactly():
    assert excess_in(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is None
    assert excess_in(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)) is Excess.DEPTH
    assert excess_in(b"[" + b"1," * (MAX_VALUES - 1) + b"1]") is None
    assert excess_in(b"[" + b"1," * MAX_VALUES + b"1]") is Excess.VALUES
