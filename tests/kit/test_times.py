"""Times on the wire are those that `strftime` would print, at a fraction of its cost."""

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.kit.times import in_microseconds, in_seconds, in_seconds_spaced

TIMES = st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1000)


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        (in_seconds, "%Y-%m-%dT%H:%M:%SZ"),
        (in_microseconds, "%Y-%m-%dT%H:%M:%S.%fZ"),
        (in_seconds_spaced, "%Y-%m-%d %H:%M:%SZ"),
    ],
)
@settings(deadline=None)
@given(at=TIMES)
def test_a_time_is_printed_as_its_contract_has_it(form, printed, at):
    assert form(at) == at.strftime(printed)
