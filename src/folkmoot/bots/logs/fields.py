"""Lines that are made of fields: JSON, ``name=value`` and CEF."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.entry import Entry
from folkmoot.bots.logs.redaction import HIDDEN, is_secret_name
from folkmoot.bots.logs.times import TimeReader

MAX_FIELDS: Final = 200
MAX_DEPTH: Final = 6
MAX_AWAY: Final = 400
"""How far from its beginning a line of ``name=value`` may say its time."""

TIMES: Final = (
    *("timestamp", "@timestamp", "time", "ts", "datetime", "asctime", "eventTime", "event_time"),
    *("logged_at", "t", "_time", "Time", "Timestamp", "@t", "__REALTIME_TIMESTAMP"),
    *("_SOURCE_REALTIME_TIMESTAMP", "timeMillis", "instant", "timestamp_ms", "timeUnixNano"),
)
OTHER_TIMES: Final = ("date", "created_at", "created", "when", "at", "start_time")
"""Of something else, perhaps, where one of `TIMES` says when the line was written."""
_NORMAL_TIMES: Final = frozenset(
    (
        *("timestamp", "time", "ts", "datetime", "asctime", "eventtime", "loggedat", "logtime"),
        *("eventtimestamp", "timegenerated", "timecreated", "systemtime", "realtimetimestamp"),
        *("timemillis", "timestampms", "timeunixnano", "observedtimeunixnano", "logtimestamp"),
        *("epoch", "epochms", "starttime", "startutc", "timelocal", "timeiso8601", "requesttime"),
        *("datetimeutc", "utctime", "timestamputc", "isotime", "unixtime", "generationtime"),
    )
)
LEVELS: Final = (
    *("level", "severity", "lvl", "levelname", "log_level", "loglevel", "log.level", "Level"),
    *("@l", "priority", "PRIORITY", "level_name", "severity_text", "severityText", "levelno"),
    *("LogLevel", "logLevel", "error_severity", "level.levelStr", "level.name", "LevelDisplayName"),
    *("EntryType", "SeverityText", "SEVERITY", "LEVEL", "Severity", "severityNumber", "s"),
    *("severity_number", "level_value", "record.level.name", "levelName", "SeverityNumber"),
)
MESSAGES: Final = (
    *("message", "msg", "event", "log", "text", "body", "short_message", "MESSAGE", "Message"),
    *("@m", "@mt", "error", "description", "summary", "fields.message", "body.stringValue"),
)

_decode = msgspec.json.Decoder().decode
_DAY_TIME = re.compile(r"\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AaPp][Mm])?")
_NAMED = re.compile(r"[A-Za-z@_][\w.@-]{0,40}=")
_PAIR = re.compile(
    r"(?:^|(?<=[\s,]))(@?timestamp|time|ts|t|datetime|date|eventtime|tz)="
    r"(?:\"([^\"]{1,60})\"|([^\s\",]{1,60}))[\s,]?",
    re.IGNORECASE,
)
_CEF = re.compile(r"CEF:\d{1,2}\|(?:(?:[^|\\]|\\.)*\|){5}([^|]{0,20})\|")
_CEF_TIME = re.compile(r"(?<![\w.])(?:rt|end|start)=(.{1,60}?)(?=\s\w{1,60}=|\s*\Z)")


def of_json(line: str, times: TimeReader) -> Entry | None:
    """The entry that an object of JSON is; ``None`` if the line is none."""
    fields = _object(line)
    if fields is None:
        return None
    flat = dict(_flattened(fields, "", 0))
    at, used = _time_in(fields, flat, times)
    level, level_name = levels.of_fields(flat, LEVELS)
    message_name = next((name for name in MESSAGES if isinstance(flat.get(name), str)), "")
    used |= {level_name or next((name for name in LEVELS if name in flat), ""), message_name}
    message = str(flat.get(message_name, ""))
    inner = _object(message) if message.startswith("{") else None
    if inner is not None:
        within = of_json(message, times)
        message, level = (within.text, level or within.level) if within else (message, level)
    rest = [f"{name}={value}" for name, value in flat.items() if name not in used]
    text = " ".join([message, *rest]) if message else " ".join(rest)
    return Entry(at, level or levels.of_text(message), _sound(text))


def has_time(line: str, times: TimeReader) -> bool:
    """Whether a line of JSON says when it was written, and not only when something was."""
    fields = _object(line)
    return fields is not None and any(
        times.of_value(value) is not None for name, value in fields.items() if name in TIMES
    )


def of_pairs(line: str, times: TimeReader) -> Entry | None:
    """The entry that a line of ``name=value`` is; ``None`` if it says no time, or is none."""
    if not _NAMED.match(line):
        return None
    said = {match[1].lower(): match for match in _PAIR.finditer(line, 0, MAX_AWAY)}
    values = {name: match[2] or match[3] for name, match in said.items()}
    zone = values.pop("tz", "")
    day = values.pop("date", None)
    if day is not None and _DAY_TIME.fullmatch(values.get("time", "")):
        values = {"time": f"{day} {values['time']} {zone}"}
    elif day is not None:
        values.setdefault("date", day)
    for name, value in values.items():
        at = times.of_text(value)
        if at is not None:
            begin, end = said[name].span()
            text = line[:begin] + line[end:]
            return Entry(at, levels.of_attribute(text) or levels.of_text(text), text)
    return Entry(None, levels.of_attribute(line), line) if values else None


def of_cef(line: str, times: TimeReader) -> Entry | None:
    """The entry that a line of CEF is, whose time stands among its extensions."""
    match = _CEF.match(line)
    if match is None:
        return None
    time = _CEF_TIME.search(line, match.end())
    at = times.of_text(time[1]) if time else None
    return Entry(at, levels.of_cef(match[1]), line)


def cef_level(text: str) -> str:
    """The level of an entry that is CEF behind the time of a syslog."""
    match = _CEF.search(text)
    return levels.of_cef(match[1]) if match else levels.UNKNOWN


def _object(line: str) -> dict[str, Any] | None:
    try:
        fields = _decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _time_in(
    fields: Mapping[str, Any], flat: Mapping[str, Any], times: TimeReader
) -> tuple[datetime | None, set[str]]:
    """The time, and the fields that say it."""
    is_said = False
    for name in TIMES:
        value = fields.get(name, flat.get(name))
        if value is not None:
            at, used = _of_named(name, value, fields, times)
            if at is not None:
                return at, used
            is_said = True
    for name in flat:
        normal = name.rpartition(".")[2].lower().replace("_", "").replace("@", "")
        if name not in TIMES and normal in _NORMAL_TIMES:
            at = times.of_value(flat[name])
            if at is not None:
                return at, {name}
            is_said = True
    for name in () if is_said else OTHER_TIMES:
        at = times.of_value(fields.get(name, flat.get(name)))
        if at is not None:
            return at, {name}
    return None, set()


def _of_named(
    name: str, value: Any, fields: Mapping[str, Any], times: TimeReader
) -> tuple[datetime | None, set[str]]:
    day = fields.get("date", fields.get("Date"))
    if isinstance(day, str) and isinstance(value, str) and _DAY_TIME.fullmatch(value):
        return times.of_text(f"{day} {value}"), {name, "date", "Date"}
    inner = {f"{name}.{each}" for each in value} if isinstance(value, dict) else set()
    return times.of_value(value), {name, *inner}


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
