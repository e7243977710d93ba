import pytest

from folkmoot.files.ranges import NotSatisfiable, Span, wanted
from tests.deadlines import costs_less_than


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-4", 2, 5),
        ("bytes=5-", 5, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-30", 0, 10),
        ("bytes=8-99", 8, 10),
    ],
)
def test_one_stretch_is_found(header, start, end):
    span = wanted(header, 10)
    assert span == Span(start, end, 10)
    assert span.length == end - start
    assert span.content_range == f"bytes {start}-{end - 1}/10"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=4-2",
        "bytes=0-1,2-3",
        "lines=0-1",
        "bytes=a-b",
        "bytes=-1-2",
        "bytes=0x1-2",
        "bytes=\u0661-2",
        "bytes=9999999999999999999-",
    ],
)
def test_what_is_not_one_stretch_asks_for_the_whole(header):
    assert wanted(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-11", "bytes=99-", "bytes=-0"])
def test_a_stretch_behind_the_end_cannot_be_given(header):
    with pytest.raises(NotSatisfiable):
        wanted(header, 10)


def test_a_flood_of_ranges_costs_nothing():
    flood = "bytes=" + ",".join(f"{start}-{start + 1}" for start in range(10_000))
    with costs_less_than(0.05):
        assert wanted(flood, 10**6) is None
