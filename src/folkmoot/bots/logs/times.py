"""When a line of a log was written, in the many ways in which programs say so.

What is not certain has no time: it is better to cite a line without one than with a wrong one.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.stamps import ACCESS, ORDERS, READ, SHAPES, Shape, local_time
from folkmoot.bots.logs.zones import MOST_EAST, MOST_WEST, instant, is_zone

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=1)
"""How far a clock elsewhere may be ahead of ours, or a zone that is not written down."""
MAX_AWAY: Final = 300
"""How far from its beginning the time of a line in an access log may stand."""
MAX_PREFIX: Final = 120
MAX_KNOWN_DAYS: Final = 1_000
MAX_PREFIX_WORDS: Final = 6
YEARS_OF_A_BARE_NUMBER: Final = timedelta(days=10 * 365)
"""A line that begins with a number begins with a time if that lies within so long."""

_USUAL = re.compile(
    r"[\[(\"]?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)(?:[\])\"]|\Z"
    r"|(?=\s{1,2}(?:(?![ap]\.?m\b)[\[(<{|\"a-z0-9]|INFO|ERROR|WARN|DEBUG|- )))[:,;|]?\s*",
    re.ASCII,
)
"""The most usual stamp of all, where what follows it can be neither a zone nor a half of a day.

Python reads these itself, in a fraction of the time that the grammar takes for the same answer.
"""
_HINT = re.compile(r"[0-9](?::[0-9][0-9]|[0-9]{5})")
_BEGINS = re.compile(
    r"(?!\d{1,3}(?:\.\d{1,3}){3}[\s:,])(?:[\[(<\"'{][ ]?)?"
    r"(?:\d{4}|\d\d?[-/.: ]|[A-Z][a-z]{2}|[IWEF]\d|<\d+>[A-Z])",
    re.ASCII,
)
_STAMP_BEGINS = re.compile(
    r"(?<![\w./-])(?=\d{4}[-/.]\d\d?[-/.]\d|\d{4}-?W?\d{2,3}|\d\d?[-/. ][A-Z][a-z]{2}"
    r"|\d{6,8}[T_: -]|\d\d?[/.-]\d\d?[/.-]\d\d|(?:[A-Z][a-z]{2,8},? {1,2}){1,2}\d)",
    re.ASCII,
)
_NUMBER = re.compile(
    r"[\[(]?(?:(\d{10})(?:[.,](\d{1,9}))?|(\d{13}|\d{16}|\d{19}))[\])]?(?:[:;,|]\s*|\s+|\Z)",
    re.ASCII,
)
_MAY_BEGIN_A_TIME: Final = ("[", "(", *"0123456789")
_DAY_TIME = re.compile(
    r"[\[(]?\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?(?: ?[AaPp][Mm]\b)?|[AaPp][Mm]\b)[\])]?"
    r"(?:\s|\||[A-Z]{3}\b)"
)
_UPTIME = re.compile(r"\[\s{0,8}\d{1,8}\.\d{3,9}\] ")
_TABLE = re.compile(r"\s*[|+]")
_BRACKETED = re.compile(r"\[[^\[\]]{0,80}\]|\([^()]{0,80}\)|<[^<>]{0,40}>|\{[^{}]{0,80}\}")
_COMPOSED = re.compile(r"\S{1,80}\s{1,40}\|\s{0,4}")
_PID = re.compile(r"\s{1,8}\d{1,7}:")
_INTRODUCED = re.compile(r'Started [A-Z]{3,7} "[^"]{0,250}" for \S{1,60} at |# Time: ')
"""What Rails and MySQL write before a time, in words."""
_PREFIX_WORD = re.compile(
    r"[\w.@:+/|\\-]*\d[\w.@:+/|\\-]*,?|[\w-]+(?:[./@][\w-]+)+:?|[^\w\s]+|https?|h2|grpcs|wss?"
    r"|=[A-Z]+|REPORT=+"
)
_BEHIND = re.compile(r"\s*(?:[\[(][\w/ +:-]{1,60}[\])])?\s*(?:[A-Z]{3,5})?(?: m=[+-][\d.]+)?\s*")
_DOTNET = re.compile(r"/Date\((\d{12,14})(?:[+-]\d{4})?\)/")


@dataclass(slots=True)
class FoundTime:
    """A stamp in a line: where it begins and ends, and when it was, if that is certain."""

    at: datetime | None
    begin: int
    end: int
    is_access: bool = False


class TimeReader:
    """Reads the times of one file, in whose lines a time without a zone is one of ``zone``.

    It learns from line to line which shape the stamps have, and in which order their numbers stand.
    """

    def __init__(self, now: datetime, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._now = now
        self._latest = now + AHEAD
        self._last_day = self._latest.date()
        self._shapes = list(SHAPES)
        self._orders: Set[str] = ORDERS
        self._known_days: dict[str, date] = {}

    def of_line(self, line: str) -> FoundTime | None:
        """The stamp of an entry that begins with this line; ``None`` if none begins here."""
        match = _USUAL.match(line)
        if match is not None:
            return FoundTime(self._usual(match[1]), 0, match.end())
        for shape in self._shapes[:2]:
            match = shape.pattern.match(line)
            if match is not None:
                return self._found(match, shape)
        if _HINT.search(line, 0, MAX_AWAY) is None:
            return _without_date(line) if line.startswith(_MAY_BEGIN_A_TIME) else None
        found = None
        if _BEGINS.match(line) is not None:
            found = self._at(line, 0) or self._of_number(line)
        if found is None:
            found = self._of_access(line) or self._behind_prefix(line)
        return found or _without_date(line)

    def of_text(self, text: str) -> datetime | None:
        """The time that a whole text says, if it is certain."""
        text = text.strip()
        match = _USUAL.fullmatch(text)
        if match is not None:
            return self._usual(match[1])
        found = self._at(text, 0)
        if found is not None:
            is_whole = found.end == len(text) or _BEHIND.fullmatch(text, found.end)
            return found.at if is_whole else None
        if text.replace(".", "", 1).isdigit() and text.isascii():
            return self.of_number(int(text) if text.isdigit() else float(text))
        dotnet = _DOTNET.fullmatch(text)
        return None if dotnet is None else self.of_number(int(dotnet[1]))

    def of_number(self, number: float) -> datetime | None:
        """The time that a number means: seconds since 1970, or thousandths and so on of them."""
        for unit in (1, 1_000, 1_000_000, 1_000_000_000):
            # Ten digits before the point are seconds from 2001 to 2286; what lies between these
            # ranges counts something else: the seconds since a start, say.
            if 1_000_000_000 * unit <= number < 10_000_000_000 * unit:
                # In whole microseconds: a float of seconds would not keep them.
                micros = (
                    int(number * 1_000_000) // unit
                    if isinstance(number, int)
                    else round(number / unit * 1_000_000)
                )
                return self._plausible(EARLIEST + timedelta(microseconds=micros))
        return None

    def of_value(self, value: Any) -> datetime | None:
        """The time that a value of JSON says."""
        if isinstance(value, str):
            return self.of_text(value)
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return self.of_number(value)
        return self._of_parts(value) if isinstance(value, dict) else None

    def _of_parts(self, value: Mapping[str, Any]) -> datetime | None:
        """Of Java's ``Instant``, Google's ``Timestamp``, and MongoDB's extended JSON."""
        for name in ("$date", "$numberLong"):
            if name in value:
                return self.of_value(value[name])
        for seconds, rest in (("epochSecond", "nanoOfSecond"), ("seconds", "nanos")):
            whole, nanos = value.get(seconds), value.get(rest, 0)
            if isinstance(whole, str) and whole.isdecimal():
                whole = int(whole)
            if type(whole) is int and type(nanos) is int and 0 <= nanos < 1_000_000_000:
                at = self.of_number(whole)
                return None if at is None else at + timedelta(microseconds=nanos // 1000)
        return None

    def _usual(self, text: str) -> datetime | None:
        try:
            local = datetime.fromisoformat(text)
            away = local.utcoffset()
            if away is None:
                at = instant(local, None, self.zone)
            else:
                at = local if MOST_WEST <= away <= MOST_EAST else None
        except ValueError:  # the 60th second, say
            found = self._at(text, 0)
            return None if found is None else found.at
        return at if at is not None and EARLIEST <= at <= self._latest else None

    def _at(self, line: str, begin: int) -> FoundTime | None:
        for number, shape in enumerate(self._shapes):
            match = shape.pattern.match(line, begin)
            if match is not None:
                if number:
                    self._shapes.insert(0, self._shapes.pop(number))
                return self._found(match, shape)
        return None

    def _found(self, match: re.Match[str], shape: Shape) -> FoundTime:
        clock = match.group(*READ)
        zone, name = clock[5], clock[6]
        begin, end = match.span()
        if name is not None:
            if is_zone(name):
                zone = name
            else:
                end = match.start("name")
        return FoundTime(self._instant(match, shape, clock, zone), begin, end, shape is ACCESS)

    def _instant(
        self,
        match: re.Match[str],
        shape: Shape,
        clock: tuple[str | None, ...],
        zone: str | None,
    ) -> datetime | None:
        try:
            day = self._day(match, shape)
            local = None if day is None else local_time(day, clock)
            at = None if local is None else instant(local, zone, self.zone)
        except (ValueError, OverflowError):
            return None
        return at if at is not None and EARLIEST <= at <= self._latest else None

    def _day(self, match: re.Match[str], shape: Shape) -> date | None:
        """The day, where the order of its numbers follows from this line or from those before."""
        written = match.string[match.start() : match.start("hour")]
        known = self._known_days.get(written)
        if known is not None and match.lastgroup != "behind":
            return known
        days = shape.days(match, self._last_day)
        if isinstance(days, date):
            if len(self._known_days) < MAX_KNOWN_DAYS and match.lastgroup != "behind":
                self._known_days[written] = days
            return days
        self._orders = self._orders & days.keys() or self._orders
        possible = {days[order] for order in self._orders if order in days}
        return possible.pop() if len(possible) == 1 else None

    def _plausible(self, at: datetime) -> datetime | None:
        return at if EARLIEST <= at <= self._latest else None

    def _of_number(self, line: str) -> FoundTime | None:
        match = _NUMBER.match(line)
        if match is None:
            return None
        seconds, fraction, finer = match.groups()
        at = self.of_number(int(seconds or finer))
        if at is None or at < self._now - YEARS_OF_A_BARE_NUMBER:
            return None
        if fraction:
            at += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
        return FoundTime(at, 0, match.end())

    def _of_access(self, line: str) -> FoundTime | None:
        match = ACCESS.pattern.search(line, 0, MAX_AWAY)
        return None if match is None else self._found(match, ACCESS)

    def _behind_prefix(self, line: str) -> FoundTime | None:
        """A stamp behind a level, a host, an id, or whatever else is no word of a sentence."""
        introduced = _INTRODUCED.match(line)
        begins = _STAMP_BEGINS.finditer(line, 1, MAX_PREFIX)
        for begin in [introduced.end()] if introduced else [each.start() for each in begins]:
            prefix = line[:begin]
            if not introduced and not _is_prefix(prefix):
                continue
            found = self._at(line, begin)
            if found is not None:
                is_trusted = not prefix[0].isspace() or _PID.fullmatch(prefix)
                return found if is_trusted or levels.begins_with_one(line[found.end :]) else None
        return None


def _without_date(line: str) -> FoundTime | None:
    """An entry that begins with a time of some day, or of some start of the machine."""
    match = _DAY_TIME.match(line) or _UPTIME.match(line)
    return None if match is None else FoundTime(None, 0, match.end())


def _is_prefix(text: str) -> bool:
    if _TABLE.match(text):
        return False
    if _COMPOSED.fullmatch(text):
        return True
    words = _BRACKETED.sub(" ", text).split()
    return len(words) <= MAX_PREFIX_WORDS and all(
        _PREFIX_WORD.fullmatch(word) or levels.is_mark(word) for word in words
    )
