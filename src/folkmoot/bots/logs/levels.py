"""How grave an entry is, by one name for each grade, whatever its program calls it."""

import re
from typing import Final

DEBUG, INFO, WARNING, ERROR, CRITICAL = "debug", "info", "warning", "error", "critical"
UNKNOWN: Final = ""
MAX_AWAY: Final = 120

_BY_NAME: Final = {
    **dict.fromkeys(("trace", "debug", "dbg", "verbose", "fine", "finer", "finest"), DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "log"), INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), WARNING),
    **dict.fromkeys(("error", "err", "eror", "severe", "failure"), ERROR),
    **dict.fromkeys(
        ("crit", "critical", "fatal", "panic", "alert", "emerg", "emergency"), CRITICAL
    ),
}
_BY_LETTER: Final = {"d": DEBUG, "t": DEBUG, "i": INFO, "w": WARNING, "e": ERROR, "f": CRITICAL}
_BY_SEVERITY: Final = (CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, INFO, INFO, DEBUG)

_WRITTEN = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|FATAL|PANIC|ALERT|EMERG)\b"
    r"|[\[<](?:[\w.-]{1,30}:)?([A-Za-z]{3,11})[\]>]|\b(?:level|lvl|severity)=\"?(\w{1,13})"
)
_STATUS = re.compile(r"HTTP/[\d.]{1,3}\" ([1-5])\d\d\b")
_BY_STATUS: Final = {"4": WARNING, "5": ERROR}


def of_name(name: str) -> str:
    """The level that a program calls so."""
    key = name.strip().lower()
    return _BY_NAME.get(key) or _BY_LETTER.get(key) or UNKNOWN


def of_value(value: object) -> str:
    """The level that a field of JSON says: by name, or by a number of syslog or of pino."""
    if isinstance(value, str):
        return of_severity(int(value)) if value.isdigit() and len(value) == 1 else of_name(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return UNKNOWN
    if 0 <= value < len(_BY_SEVERITY):
        return of_severity(value)
    if value < 10 or value > 60:
        return UNKNOWN
    return (DEBUG, DEBUG, INFO, WARNING, ERROR, CRITICAL)[value // 10 - 1]


def of_severity(severity: int) -> str:
    """The level of a severity of syslog."""
    return _BY_SEVERITY[severity & 7]


def of_access(text: str) -> str:
    """The level of a line of an access log: a failed request is not only for information."""
    status = _STATUS.search(text)
    return INFO if status is None else _BY_STATUS.get(status[1], INFO)


def of_text(text: str) -> str:
    """The level that a line names near its beginning."""
    for match in _WRITTEN.finditer(text, 0, MAX_AWAY):
        level = of_name(match[match.lastindex or 0])
        if level:
            return level
    return UNKNOWN
