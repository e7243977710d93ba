"""One line of a log to what it says: when, how grave, and in which words."""

import re
from datetime import UTC, datetime, tzinfo
from enum import Enum, auto

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.entry import Entry
from folkmoot.bots.logs.fields import cef_level, has_time, of_cef, of_json, of_pairs
from folkmoot.bots.logs.times import FoundTime, TimeReader

_COLOURS = re.compile(
    r"(?:\x1b|#033|\^\[)\[[0-9;:?]{0,20}[A-Za-z]|\x1b\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]"
)
_PRI = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"<(\d{1,3})>\d{1,2} (\S{1,64}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255}) "
    r"(-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*+\")*+\])++)(?: \ufeff?(.*))?",
    re.DOTALL,
)
_W3C = re.compile(r"#(?:Software|Version|Date|Start-Date|Fields|Remark): ")


class Verdict(Enum):
    """What else a line can be than the beginning of an entry."""

    CONTINUES = auto()
    """It has no time of its own: it belongs to the entry before it."""
    BROKEN = auto()
    """It should have been an entry, and cannot be read."""
    NOTHING = auto()
    """It is about the file, and belongs to no entry."""


class Parser:
    """Reads the lines of one file, whose form it learns as it goes.

    A time without a zone is one of ``zone``. In a file where no line had a time so far, each line
    is an entry without one, together with the indented lines that follow it.
    """

    def __init__(self, now: datetime, zone: tzinfo = UTC) -> None:
        self._times = TimeReader(now, zone)
        self._is_json: bool | None = None
        self._is_timed = False

    def parse(self, line: str) -> Entry | Verdict:
        """What the line is; never an error, whatever it is."""
        if "\0" in line:
            return Verdict.BROKEN
        if "\x1b" in line or "#033[" in line:
            line = _COLOURS.sub("", line)
        if line.startswith("\ufeff"):
            line = line.lstrip("\ufeff")
        first = line[:1]
        if first == "#" and _W3C.match(line):
            self._times.zone = UTC  # the standard of these logs says so, whatever the machine's is
            return Verdict.NOTHING
        try:
            entry = self._entry(line, first)
        except ValueError:  # a number of more digits than Python reads
            return Verdict.BROKEN
        if entry is not None:
            self._is_timed = self._is_timed or entry.at is not None
            return entry
        if first == "{" and self._is_json is not False:
            return Verdict.BROKEN
        if self._is_timed or first.isspace():
            return Verdict.CONTINUES
        return Entry(None, levels.of_text(line), line)

    def _entry(self, line: str, first: str) -> Entry | None:
        if first == "{":
            return self._of_json(line)
        entry = _of_syslog(line, self._times) if first == "<" else None
        entry = entry or _of_text(line, self._times)
        if entry is not None and entry.at is not None and self._is_json is None:
            self._is_json = False
        return entry

    def _of_json(self, line: str) -> Entry | None:
        # An object below a line of text may be what that line is about.
        if self._is_json is False and not has_time(line, self._times):
            return None
        entry = of_json(line, self._times)
        if entry is not None and entry.at is not None:
            self._is_json = True
        return entry


def _of_text(line: str, times: TimeReader) -> Entry | None:
    found = times.of_line(line)
    if found is None:
        if line.startswith("CEF:"):
            return of_cef(line, times)
        return of_pairs(line, times) if "=" in line else None
    if found.at is None:
        return Entry(None, _level(line, line[found.end :], found), line)
    rest = line[found.end :]
    text = line[: found.begin] + rest if found.begin else rest
    return Entry(found.at, _level(line, rest, found), text)


def _level(line: str, rest: str, found: FoundTime) -> str:
    if found.is_access:
        return levels.of_access(line)
    prefix = line[: found.begin] if found.begin else line[: found.end]
    if found.begin == 0:
        priority = _PRI.match(line)
        if priority is not None:
            return levels.of_severity(int(priority[1]))
        level = levels.of_stamp(line) if line[0] in "IWEF[" else levels.UNKNOWN
    else:
        level = levels.of_prefix(prefix, rest)
    if level:
        return level
    return (cef_level(rest) if "CEF:" in rest else "") or levels.of_text(rest)


def _of_syslog(line: str, times: TimeReader) -> Entry | None:
    """An entry in the form of RFC 5424."""
    match = _RFC5424.match(line)
    if match is None:
        return None
    priority, time, host, program, process, kind, data, message = match.groups()
    who = program if process == "-" else f"{program}[{process}]"
    parts = [*(each for each in (host, kind) if each != "-"), f"{who}:"]
    parts += [each for each in (data, message) if each and each != "-"]
    return Entry(times.of_text(time), levels.of_severity(int(priority)), " ".join(parts))
