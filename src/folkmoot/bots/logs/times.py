"""When a line of a log was written, in the many ways in which lines begin with a time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=1)
"""How far a clock elsewhere may be ahead of ours, or a zone that is not written down."""
MAX_AWAY: Final = 300
"""How far from its beginning the time of a line in an access log may stand."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_MONTH: Final = "(" + "|".join(_MONTHS) + ")"
_CLOCK: Final = r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
_ZONE: Final = r"(?:\s?(Z|z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?"

_ISO = re.compile(
    rf"[\[(\"]?(\d{{4}})[-/.](\d\d)[-/.](\d\d)[T _:t]\s?{_CLOCK}{_ZONE}[\])\"]?[:,]?\s*", re.ASCII
)
_SYSLOG = re.compile(
    rf"(?:<\d{{1,3}}>)?{_MONTH} {{1,2}}(\d{{1,2}}) (?:(\d{{4}}) )?{_CLOCK}:? ", re.ASCII
)
_ACCESS = re.compile(rf"\[(\d\d)/{_MONTH}/(\d{{4}}):{_CLOCK}{_ZONE}\]", re.ASCII)
_APACHE = re.compile(
    rf"\[?\w{{3}} {_MONTH} {{1,2}}(\d{{1,2}}) {_CLOCK} (\d{{4}})\]?:?\s*", re.ASCII
)
_EPOCH = re.compile(r"\[?(\d{10})(?:[.,](\d{1,9})|(\d{3})|(\d{6}))?\]?[\s:]\s*", re.ASCII)

Found = tuple[datetime, int, int]
"""A time, and where in the line it begins and ends."""

_zones: dict[str, timezone] = {}


class TimeAbsurd(ValueError):
    """There is a time, but it cannot be when anything was logged."""


def time_of(line: str, now: datetime) -> Found | None:
    """The time with which a line begins; ``None`` if it does not begin with one.

    Raises:
        TimeAbsurd: it lies before 1970 or far ahead, or there never was such a day.
    """
    for pattern, read in _FORMS:
        begins = pattern is not _ACCESS
        match = pattern.match(line) if begins else pattern.search(line, 0, MAX_AWAY)
        if match is not None:
            try:
                at = read(match, now)
            except (ValueError, OverflowError) as error:
                raise TimeAbsurd from error
            return plausible(at, now), match.start(), match.end()
    return None


def plausible(at: datetime, now: datetime) -> datetime:
    """The time itself, if something can have been logged then.

    Raises:
        TimeAbsurd
    """
    if not EARLIEST <= at <= now + AHEAD:
        raise TimeAbsurd
    return at


def from_number(number: float) -> datetime:
    """The time that a number means: seconds since 1970, or thousandths and so on of them.

    Raises:
        TimeAbsurd: it means none.
    """
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        # Ten digits before the point are seconds until the year 2286.
        if abs(number) < 10_000_000_000 * unit:
            try:
                # In whole microseconds: a float of seconds would not keep them.
                return EARLIEST + timedelta(microseconds=int(number * 1_000_000) // unit)
            except (ValueError, OverflowError) as error:
                raise TimeAbsurd from error
    raise TimeAbsurd


def from_text(text: str, now: datetime) -> datetime | None:
    """The time that a whole text says; ``None`` if it says none."""
    text = text.strip()
    if text.replace(".", "", 1).isdigit() and text.isascii():
        number = int(text) if text.isdigit() else float(text)
        return plausible(from_number(number), now)
    found = time_of(text + " ", now)
    return None if found is None else found[0]


def _iso(match: re.Match[str], now: datetime) -> datetime:
    del now
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    return _built(int(year), int(month), int(day), (hour, minute, second, fraction), zone)


def _syslog(match: re.Match[str], now: datetime) -> datetime:
    month, day, year, *clock = match.groups()
    if year is not None:
        return _built(int(year), _MONTHS[month], int(day), clock)
    # The year that does not lie ahead; the 29th of February may lie several years back.
    for back in range(9):
        try:
            at = _built(now.year + 1 - back, _MONTHS[month], int(day), clock)
        except ValueError:
            continue
        if at <= now + AHEAD:
            return at
    raise TimeAbsurd


def _access(match: re.Match[str], now: datetime) -> datetime:
    del now
    day, month, year, hour, minute, second, fraction, zone = match.groups()
    return _built(int(year), _MONTHS[month], int(day), (hour, minute, second, fraction), zone)


def _apache(match: re.Match[str], now: datetime) -> datetime:
    del now
    month, day, hour, minute, second, fraction, year = match.groups()
    return _built(int(year), _MONTHS[month], int(day), (hour, minute, second, fraction))


def _epoch(match: re.Match[str], now: datetime) -> datetime:
    del now
    seconds, fraction, thousandths, millionths = match.groups()
    micros = (fraction or thousandths or millionths or "0").ljust(6, "0")[:6]
    return EARLIEST + timedelta(seconds=int(seconds), microseconds=int(micros))


def _built(
    year: int, month: int, day: int, clock: "tuple[str, ...] | list[str]", zone: str | None = None
) -> datetime:
    hour, minute, second, fraction = clock
    return datetime(
        year,
        month,
        day,
        int(hour),
        int(minute),
        min(int(second or 0), 59),  # a leap second is said to be the 60th
        int(fraction[:6].ljust(6, "0")) if fraction else 0,
        UTC if zone is None else _zone(zone),
    )


def _zone(text: str) -> timezone:
    zone = _zones.get(text)
    if zone is None:
        if text[0] in "+-":
            minutes = int(text[1:3]) * 60 + int(text[-2:])
            zone = timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
        else:
            zone = UTC
        if len(_zones) < 1000:
            _zones[text] = zone
    return zone


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], datetime]], ...]] = (
    (_ISO, _iso),
    (_SYSLOG, _syslog),
    (_EPOCH, _epoch),
    (_APACHE, _apache),
    (_ACCESS, _access),
)
