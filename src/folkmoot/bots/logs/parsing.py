"""One line of a log to what it says: when, how grave, and in which words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final

import msgspec

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.redaction import HIDDEN, is_secret_name
from folkmoot.bots.logs.times import from_number, from_text, plausible, time_of

MAX_FIELDS: Final = 200
MAX_DEPTH: Final = 6

TIMES: Final = (
    *("timestamp", "@timestamp", "time", "ts", "datetime", "date", "asctime", "eventTime"),
    *("event_time", "logged_at", "created_at", "created", "when", "at", "t", "_time", "Time"),
    *("Timestamp", "@t", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "timeMillis"),
    *("instant", "start_time", "timestamp_ms"),
)
LEVELS: Final = (
    *("level", "severity", "lvl", "levelname", "log_level", "loglevel", "log.level", "Level"),
    *("@l", "priority", "PRIORITY", "level_name", "severity_text", "levelno"),
)
MESSAGES: Final = (
    *("message", "msg", "event", "log", "text", "body", "short_message", "MESSAGE", "Message"),
    *("@m", "@mt", "error", "description", "summary"),
)

_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_PRI = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"<(\d{1,3})>\d{1,2} (\S{1,64}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255}) "
    r"(-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*+\")*+\])++)(?: \ufeff?(.*))?",
    re.DOTALL,
)
_decode = msgspec.json.Decoder().decode


class Verdict(Enum):
    """What else a line can be than the beginning of an entry."""

    CONTINUES = auto()
    """It has no time of its own: it belongs to the entry before it."""
    BROKEN = auto()
    """It should have been an entry, and cannot be read."""


@dataclass(slots=True)
class Entry:
    """What a line says."""

    at: datetime
    level: str
    text: str


class Parser:
    """Reads the lines of one file, whose form it learns as it goes."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._is_json: bool | None = None

    def parse(self, line: str) -> Entry | Verdict:
        """What the line is; never an error, whatever it is."""
        if "\0" in line:
            return Verdict.BROKEN
        if "\x1b" in line:
            line = _COLOURS.sub("", line)
        try:
            entry = self._entry(line)
        except ValueError:  # an absurd time, or a number of more digits than Python prints
            return Verdict.BROKEN
        if entry is None:
            is_broken = self._is_json is not False and line.startswith("{")
            return Verdict.BROKEN if is_broken else Verdict.CONTINUES
        return entry

    def _entry(self, line: str) -> Entry | None:
        if line.startswith("{"):
            entry = _of_json(line, self._now)
            if entry is not None:
                self._is_json = True
            return entry
        entry = _of_syslog(line, self._now) if line.startswith("<") else None
        entry = entry or _of_text(line, self._now)
        if entry is not None and self._is_json is None:
            self._is_json = False
        return entry


def _of_text(line: str, now: datetime) -> Entry | None:
    found = time_of(line, now)
    if found is None:
        return None
    at, begin, end = found
    if begin > 0:
        text = line[:begin] + line[end:].lstrip()
        return Entry(at, levels.of_access(text), text)
    priority = _PRI.match(line)
    text = line[end:]
    level = levels.of_severity(int(priority[1])) if priority else levels.of_text(text)
    return Entry(at, level, text)


def _of_syslog(line: str, now: datetime) -> Entry | None:
    """An entry in the form of RFC 5424."""
    match = _RFC5424.match(line)
    if match is None:
        return None
    priority, time, host, program, process, kind, data, message = match.groups()
    at = from_text(time, now)
    if at is None:
        return None
    who = program if process == "-" else f"{program}[{process}]"
    parts = [*(each for each in (host, kind) if each != "-"), f"{who}:"]
    parts += [each for each in (data, message) if each and each != "-"]
    return Entry(at, levels.of_severity(int(priority)), " ".join(parts))


def _of_json(line: str, now: datetime) -> Entry | None:
    try:
        fields = _decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    flat = dict(_flattened(fields, "", 0))
    at, when = _time_in(fields, flat, now)
    if at is None:
        return None
    level_name = next((name for name in LEVELS if name in flat), "")
    message_name = next((name for name in MESSAGES if isinstance(flat.get(name), str)), "")
    used = {when, level_name, message_name}
    message = str(flat.get(message_name, ""))
    rest = [f"{name}={value}" for name, value in flat.items() if name not in used]
    text = " ".join([message, *rest]) if message else " ".join(rest)
    level = levels.of_value(flat.get(level_name)) or levels.of_text(message)
    return Entry(at, level, _sound(text))


def _time_in(
    fields: Mapping[str, Any], flat: Mapping[str, Any], now: datetime
) -> tuple[datetime | None, str]:
    for name in TIMES:
        value = fields.get(name, flat.get(name))
        if isinstance(value, str):
            at = from_text(value, now)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            at = plausible(from_number(value), now)
        else:
            continue
        if at is not None:
            return at, name
    return None, ""


def _flattened(
    value: Mapping[str, Any] | list[Any], path: str, depth: int
) -> Iterator[tuple[str, Any]]:
    """The fields of all depths by their paths, those with secret names hidden."""
    if isinstance(value, list):
        items: Any = ((path, each) for each in value)
    else:
        # Of a pair of a name and a value, it is the name that says what the value is.
        pair = value.get("name", value.get("key"))
        is_secret = isinstance(pair, str) and is_secret_name(pair)
        items = (
            (f"{path}.{name}" if path else name, HIDDEN if is_secret and name == "value" else each)
            for name, each in value.items()
        )
    lists: dict[str, str] = {}
    for count, (name, each) in enumerate(items):
        if count >= MAX_FIELDS:
            break
        if each is None or each == "":
            continue
        if is_secret_name(name):
            yield name, HIDDEN
        elif isinstance(each, dict | list) and depth < MAX_DEPTH:
            for inner, leaf in _flattened(each, name, depth + 1):
                known = lists.get(inner)
                lists[inner] = str(leaf) if known is None else f"{known} {leaf}"
        else:
            yield name, each
    yield from lists.items()


def _sound(text: str) -> str:
    """The text as it can be stored: JSON may spell out what is no character, or ends a string."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
