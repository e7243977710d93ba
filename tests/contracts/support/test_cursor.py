"""Where a thread of several sessions stands, and what came after that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.contracts.support.cursor import after_cursor, after_position, cursor_of, positions_in
from tests.contracts.support.samples import head, uid

positions = st.dictionaries(st.integers(1, 10**15 - 1), st.integers(0, 10**15 - 1), max_size=50)


@given(positions)
def test_a_cursor_says_the_seqs_that_it_was_made_of(positions):
    assert positions_in(cursor_of(positions)) == (positions or {0: 0})


@pytest.mark.parametrize(
    "cursor",
    [
        *(None, 5, "", "1", "1-", "-1", "1-2.", "1-2,3-4", "1-2\n", "\u0661-\u0662", "1--2"),
        "9" * 16 + "-1",
        ".".join(["1-1"] * 501),
    ],
)
def test_what_is_no_cursor_names_no_places(cursor):
    assert positions_in(cursor) is None


@given(st.text() | st.binary() | st.integers() | st.none())
def test_nothing_that_a_client_says_for_a_cursor_is_a_fault(cursor):
    found = positions_in(cursor)
    assert found is None or cursor_of(found)


def test_what_came_after_a_cursor_is_the_rest_of_what_it_names_and_whatever_it_does_not_name():
    thread = [head(1, 9), head(2, 4), head(5, 3), head(6, 1)]

    # 1 was not among the sessions of the thread when the cursor was made: it has been used since.
    assert after_cursor({2: 4, 5: 1}, thread) == {1: 0, 2: 4, 5: 1, 6: 0}
    assert after_cursor({0: 0}, thread) == {1: 0, 2: 0, 5: 0, 6: 0}
    assert after_cursor({6: 1}, []) == {}


@pytest.mark.parametrize(
    ("seq", "session", "expected"),
    [
        (3, uid(2), {2: 3, 5: 0}),
        (0, uid(5), {5: 0}),
        # Without its session a seq is the oldest's that has come so far.
        (0, None, {1: 0, 2: 0, 5: 0}),
        (9, None, {1: 9, 2: 0, 5: 0}),
        (10, None, {2: 10, 5: 0}),
        (99, None, {5: 99}),
        (3, uid(99), {1: 3, 2: 0, 5: 0}),
    ],
)
def test_what_came_after_a_place(seq, session, expected):
    thread = [head(5, 3), head(2, 12), head(1, 9)]

    assert after_position(seq, session, thread) == expected


def test_a_seq_in_no_session_has_nothing_after_it():
    assert after_position(3, None, []) == {}
