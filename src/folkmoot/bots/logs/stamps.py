"""The grammar of time stamps: dates in their orders, a clock, and a zone, as programs write them.

A shape is a date and how a clock follows it. The shapes exclude each other, so whichever is tried
first, a text means one thing. What a text leaves open (which of two numbers is the month, say)
stays open here, as several dates.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

ORDERS: Final = frozenset({"dmy", "mdy", "ymd"})
"""Of three numbers, none of which has to be the year or the month."""
YEARS_OF_TWO_DIGITS: Final = 3
"""A year of two digits is one of the last so many."""
MAX_YEARS_BACK: Final = 8
"""How far back a day without a year may lie: the 29th of February not every fourth year."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH: Final = (
    r"(?P<month>(?:[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov"
    r"|[Dd]ec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[a-z]{0,6})\.?"
)
_OPENED: Final = r"(?:[\[(<\"'{][ ]?)?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? {1,2})?"
_BETWEEN: Final = r"(?:[T_:t@\t]|::|,? {1,2}(?:(?:at|-|@) )?)"
_FRACTION: Final = r"(?:(?:[.,]|:(?=\d{3}(?!\d)))(?P<fraction>\d{1,9}))?"
_CLOCK: Final = (
    rf"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d){_FRACTION})?(?!:?\d)"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_PACKED_CLOCK: Final = (
    rf"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d){_FRACTION}(?!\d)(?P<half>(?!))?"
)
_ZONE: Final = (
    r"(?:\s?(?:(?P<zone>[Zz](?![\w.])|(?:UTC|GMT)(?:[+-]\d\d?(?::?\d\d)?)?(?![\w/+-])"
    r"|[+\-\u2212]\d\d(?::?\d\d(?::\d\d)?)?(?![\w./-]|[:,]\d)|(?<=\d)[+-]\d[\w:.]*)"
    r"|(?P<name>[A-Z]{2,5}(?![\w./-])|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z0-9_+-]{1,20}){1,2})))?"
)
_NO_ZONE: Final = r"(?P<half>(?!))?(?P<zone>(?!))?(?P<name>(?!))?"
_CLOSED: Final = r"[\])>}\"']?[:,;|]?\s*"
READ: Final = ("hour", "minute", "second", "fraction", "half", "zone", "name")

Days = date | dict[str, date]
"""The day of a stamp, or those that it may mean by the order in which its numbers are read then."""


def _of_numbers(match: re.Match[str], last: date) -> Days:
    del last
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _of_week(match: re.Match[str], last: date) -> Days:
    del last
    year, week, day = int(match["year"]), int(match["week"]), int(match["day"])
    return date.fromisocalendar(year, week, day)


def _of_ordinal(match: re.Match[str], last: date) -> Days:
    del last
    year, day = int(match["year"]), int(match["ordinal"])
    found = date.fromordinal(date(year, 1, 1).toordinal() + day - 1)
    return found if day and found.year == year else {}


def _of_name(match: re.Match[str], last: date) -> Days:
    month = _MONTHS[match["month"][:3].lower()]
    year = match["year"] or match.groupdict().get("behind")
    return _in_year(year, month, int(match["day"]), last)


def _of_month_and_day(match: re.Match[str], last: date) -> Days:
    year = match.groupdict().get("year")
    return _in_year(year, int(match["month"]), int(match["day"]), last)


def _in_year(year: str | None, month: int, day: int, last: date) -> Days:
    if year is not None and len(year) == 4:
        return date(int(year), month, day)
    if year is not None:
        return _one(_recent({"": (int(year), month, day)}, last))
    for each in range(last.year, last.year - MAX_YEARS_BACK - 1, -1):
        try:
            found = date(each, month, day)
        except ValueError:
            continue
        if found <= last:
            return found
    return {}


def _of_three(match: re.Match[str], last: date) -> Days:
    a, b, c = (int(match[name]) for name in ("a", "b", "c"))
    orders = {"dmy": (c, b, a), "mdy": (c, a, b), "ymd": (a, b, c)}
    if match["dash"] == ".":
        del orders["mdy"]
    if len(match["c"]) == 2:
        if len(match["a"]) == 1:
            del orders["ymd"]
        return _recent(orders, last)
    del orders["ymd"]
    return {order: day for order, day in _valid(orders) if day <= last}


def _of_six(match: re.Match[str], last: date) -> Days:
    return _one(_recent({"": (int(match["a"]), int(match["b"]), int(match["c"]))}, last))


def _one(days: dict[str, date]) -> Days:
    return days.get("", {})


def _recent(orders: dict[str, tuple[int, int, int]], last: date) -> dict[str, date]:
    century = last.year // 100 * 100
    whole = {order: (century + y, m, d) for order, (y, m, d) in orders.items()}
    first = last.year - YEARS_OF_TWO_DIGITS
    return {order: day for order, day in _valid(whole) if first <= day.year and day <= last}


def _valid(orders: dict[str, tuple[int, int, int]]) -> Iterator[tuple[str, date]]:
    for order, numbers in orders.items():
        try:
            yield order, date(*numbers)
        except ValueError:
            continue


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of stamp: how it looks at the beginning of a text, and the days that it may mean.

    Of the days none is behind the one that ``days`` is given.
    """

    pattern: re.Pattern[str]
    days: Callable[[re.Match[str], date], Days]


def _shape(
    written: str,
    days: Callable[[re.Match[str], date], Days],
    clock: str = _CLOCK,
    between: str = _BETWEEN,
) -> Shape:
    pattern = rf"{_OPENED}{written}{between}{clock}{_ZONE}{_CLOSED}"
    return Shape(re.compile(pattern, re.ASCII), days)


_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_YEAR_BEHIND: Final = r"(?: (?P<behind>(?:19|20)\d\d)(?![\w.-]))?"
SHAPES: Final = (
    _shape(r"(?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d\d?)(?P=dash)(?P<day>\d\d?)", _of_numbers),
    Shape(
        re.compile(
            rf"(?:<\d{{1,3}}>)?{_OPENED}{_MONTH} {{1,2}}(?P<day>\d\d?)(?:,? (?P<year>\d{{4}}))?,? "
            rf"{{1,2}}(?:at )?{_CLOCK}{_ZONE}{_YEAR_BEHIND}{_CLOSED}",
            re.ASCII,
        ),
        _of_name,
    ),
    _shape(
        rf"(?P<day>\d\d?)(?P<dash>[-/. ]){_MONTH}(?:(?P=dash)(?P<year>\d{{4}}|\d\d(?= \d\d?:)))?",
        _of_name,
    ),
    _shape(rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)", _of_numbers, between="[T_: -]"),
    _shape(
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)", _of_numbers, _PACKED_CLOCK, between="[Tt_: -]?"
    ),
    _shape(rf"{_YEAR}-?W(?P<week>\d\d)-?(?P<day>[1-7])", _of_week),
    _shape(rf"{_YEAR}-(?P<ordinal>\d{{3}})", _of_ordinal),
    _shape(r"(?P<a>\d\d?)(?P<dash>[-/.])(?P<b>\d\d?)(?P=dash)(?P<c>\d{4}|\d\d)(?!\d)", _of_three),
    _shape(r"(?P<a>\d\d)(?P<b>\d\d)(?P<c>\d\d)", _of_six, between=" {1,2}"),
    _shape(r"(?P<a>\d\d)(?P<b>\d\d)(?P<c>\d\d)", _of_six, _PACKED_CLOCK, between=" "),
    Shape(
        re.compile(
            rf"[IWEF]{_YEAR}?(?P<month>\d\d)(?P<day>\d\d) "
            r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)\.(?P<fraction>\d{3,9})"
            rf"{_NO_ZONE}\s+",
            re.ASCII,
        ),
        _of_month_and_day,
    ),
    Shape(
        re.compile(
            r"(?P<month>\d\d)-(?P<day>\d\d) (?P<hour>\d\d):"
            r"(?P<minute>\d\d):(?P<second>\d\d)\.(?P<fraction>\d{3})"
            rf"{_NO_ZONE}(?=(?:\s+\d+){{2,3}} [VDIWEFS] |\s[VDIWEF]/)\s+",
            re.ASCII,
        ),
        _of_month_and_day,
    ),
)
"""Of a whole line's beginning; a stamp that says no year has the one that does not lie ahead."""

ACCESS: Final = Shape(
    re.compile(rf"\[(?P<day>\d\d)/{_MONTH}/(?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}\]", re.ASCII),
    _of_name,
)
"""The time in a line of an access log, wherever in it."""


def local_time(day: date, clock: tuple[str | None, ...]) -> datetime | None:
    """What the clock showed on that day, of what a match has for `READ`."""
    hour, minute, second, fraction, half = clock[:5]
    if hour is None or minute is None:
        return None
    hours, seconds = int(hour), int(second) if second else 0
    if half is not None:
        is_later = half in "Pp"
        if (hours > 12 and not is_later) or (hours == 0 and is_later):
            return None
        if hours <= 12:
            hours = hours % 12 + (12 if is_later else 0)
    return datetime(  # noqa: DTZ001 - what zone it is of is another question
        day.year,
        day.month,
        day.day,
        hours,
        int(minute),
        59 if seconds == 60 else seconds,  # a leap second is said to be the 60th
        int(fraction[:6].ljust(6, "0")) if fraction else 0,
    )
