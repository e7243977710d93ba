"""How grave an entry is, by one name for each grade, whatever its program calls it."""

import re
from collections.abc import Mapping
from typing import Any, Final

DEBUG, INFO, WARNING, ERROR, CRITICAL = "debug", "info", "warning", "error", "critical"
UNKNOWN: Final = ""
MAX_AWAY: Final = 120
MAX_FIRST_WORDS: Final = 60

_BY_NAME: Final = {
    **dict.fromkeys(("trace", "debug", "dbg", "verbose", "fine", "finer", "finest"), DEBUG),
    **dict.fromkeys(("trc", "trce", "dbug", "debu", "vrb", "verb"), DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "log"), INFO),
    **dict.fromkeys(("inf", "note", "system", "config", "success"), INFO),
    **dict.fromkeys(("warn", "warning", "wrn", "deprecated"), WARNING),
    **dict.fromkeys(("error", "err", "eror", "erro", "severe", "failure", "fail"), ERROR),
    **dict.fromkeys(
        ("crit", "critical", "fatal", "panic", "alert", "emerg", "emergency"), CRITICAL
    ),
    **dict.fromkeys(("ftl", "fata", "pnc", "pani", "dpanic"), CRITICAL),
}
_WORDS: Final = _BY_NAME | {name.capitalize(): level for name, level in _BY_NAME.items()}
_BY_LETTER: Final = {"d": DEBUG, "t": DEBUG, "i": INFO, "w": WARNING, "e": ERROR, "f": CRITICAL}
_BY_SEVERITY: Final = (CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, INFO, INFO, DEBUG)
_BY_TENS: Final = (DEBUG, DEBUG, INFO, WARNING, ERROR, CRITICAL)
_BY_HUNDREDS: Final = {1: DEBUG, 2: INFO, 3: WARNING, 4: ERROR, 5: CRITICAL, 6: CRITICAL}
_BY_MARK: Final = {".": DEBUG, "-": DEBUG, "*": INFO, "#": WARNING}
_OF_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "levelno": (DEBUG, INFO, WARNING, ERROR, CRITICAL),
    "severitynumber": (*[DEBUG] * 8, *[INFO] * 4, *[WARNING] * 4, *[ERROR] * 4, *[CRITICAL] * 4),
}
"""Numbers that Python counts in tens from 10, and OpenTelemetry in ones from 1."""

# All begin with letters, or all with a bracket: that is what makes the search for them fast.
_WORD = re.compile(
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|FATAL|PANIC|ALERT"
    r"|EMERG|FINE(?:R|ST)?|ERRO|DEBU|FATA|PANI|INF|WRN|DBG|FTL|TRC|VRB|LOG(?=:))(?!\w)"
)
_BRACKETED = re.compile(r"[\[<](?:[\w.-]{1,30}:)?([A-Za-z]{3,11})\s{0,8}[\]>]")
_NAMED = re.compile(r"(?:level|lvl|severity)\"?[=:]\s?\"?(\w{1,13})")
_KLOG = re.compile(r"(?<!\w)([IWEF])\d{4}(?:\d{4})? \d\d:\d\d:")
_LETTER = re.compile(r"[\W\d]{0,40}?\b([IWEFDTV])(?=\s{1,3}[A-Z-]|\s[\w.$-]{1,60}[:(]|/)")
_PHP = re.compile(r"PHP ([A-Z][a-z]+)(?: error)?:")
_WRITTEN: Final = (
    (_WORD, ""),
    (_BRACKETED, "]"),
    (_BRACKETED, ">"),
    (_NAMED, "level"),
    (_NAMED, "lvl"),
    (_NAMED, "severity"),
    (_KLOG, "] "),
)
"""Where a line can name its level, and what must stand in it for that."""
_BEGINS = re.compile(r"\W{0,3}([A-Za-z]{3,11})\b")
_PREFIXED = re.compile(r"(?:^|[\[\s(<=])([A-Za-z]{3,11}|[A-Z])(?=$|[\]\s:,|)>/])")
_MARK = re.compile(r"[\[(<]?([A-Za-z]{1,11})(?:[\]>)]?[,:|]?|/\S{1,40})")
_CASED = re.compile(r"[A-Z][a-z]+:")
_STAMPED = re.compile(r"([IWEF])\d{4}|\[\d\d:\d\d:\d\d ([A-Z]{3})")
_SECOND = re.compile(r"\s{0,8}([A-Za-z]{4,11}): ")
_ATTRIBUTE = re.compile(r"(?:^|\s)(?:level|lvl|severity|loglevel)=\"?(\w{1,13})")
_STATUS = re.compile(r"HTTP/[\d.]{1,3}\" ([1-5])\d\d\b")
_BY_STATUS: Final = {"4": WARNING, "5": ERROR}


def of_name(name: str) -> str:
    """The level that a program calls so."""
    key = name.strip().lower()
    return _BY_NAME.get(key) or _BY_LETTER.get(key) or UNKNOWN


def of_value(value: object, name: str = "") -> str:
    """The level that a field of JSON says: by name, or by a number of the many that there are."""
    if isinstance(value, str):
        if value.isdecimal() and len(value) < 4:
            return of_value(int(value), name)
        return of_name(value) or (of_name(value[0]) if re.fullmatch("D[1-5]", value) else UNKNOWN)
    if isinstance(value, bool) or not isinstance(value, int):
        return UNKNOWN
    key = name.lower().rpartition(".")[2].replace("_", "")
    if key in _OF_OTHERS:
        grades, step = _OF_OTHERS[key], 10 if key == "levelno" else 1
        return grades[value // step - 1] if step <= value <= step * len(grades) else UNKNOWN
    if 0 <= value < len(_BY_SEVERITY):
        return of_severity(value)
    if 100 <= value < 700:
        return _BY_HUNDREDS[value // 100]
    return _BY_TENS[value // 10 - 1] if 10 <= value <= 60 else UNKNOWN


def of_severity(severity: int) -> str:
    """The level of a severity of syslog."""
    return _BY_SEVERITY[severity & 7]


def of_cef(severity: str) -> str:
    """The level of a severity of CEF: from 0 to 10, or a word."""
    if severity.isdecimal():
        number = int(severity)
        return (INFO, WARNING, ERROR, CRITICAL)[(number > 3) + (number > 6) + (number > 8)]
    return {"low": INFO, "medium": WARNING, "high": ERROR, "very-high": CRITICAL}.get(
        severity.lower(), UNKNOWN
    )


def of_access(text: str) -> str:
    """The level of a line of an access log: a failed request is not only for information."""
    status = _STATUS.search(text)
    return INFO if status is None else _BY_STATUS.get(status[1], INFO)


def of_text(text: str) -> str:
    """The level that a line names near its beginning."""
    first, found = MAX_AWAY, UNKNOWN
    for pattern, needle in _WRITTEN:
        if needle and needle not in text:
            continue
        for match in pattern.finditer(text, 0, first):
            level = _of_match(match, text)
            if level:
                first, found = match.start(), level
                break
    if found:
        return found
    begins = _LETTER.match(text) or _PHP.match(text)
    return (of_name(begins[1]) if begins else UNKNOWN) or _before_colon(text)


def _of_match(match: re.Match[str], text: str) -> str:
    begin = match.start()
    if match[0][0].isalpha() and begin and (text[begin - 1].isalnum() or text[begin - 1] == "_"):
        return UNKNOWN
    written = match[match.lastindex or 0]
    return of_value(int(written)) if written.isdecimal() else of_name(written)


def _before_colon(text: str) -> str:
    """The level that is a word with a colon behind it, among the first words."""
    *parts, _ = text[:MAX_FIRST_WORDS].split(":")
    for part in parts:
        word = part[part.rfind(" ") + 1 :]
        if word in _WORDS:
            return _WORDS[word]
    status = _STATUS.search(text) if "HTTP/" in text else None
    return UNKNOWN if status is None else _BY_STATUS.get(status[1], INFO)


def of_prefix(prefix: str, text: str) -> str:
    """The level that stands before the time of a line, or is marked right behind it by Redis."""
    if re.fullmatch(r"\d+:[A-Z] |\[\d+\] ", prefix) and text[1:2] == " " and text[0] in _BY_MARK:
        return _BY_MARK[text[0]]
    for match in _PREFIXED.finditer(prefix, 0, MAX_AWAY):
        level = of_name(match[1])
        if level:
            return level
    return UNKNOWN


def of_stamp(stamp: str) -> str:
    """The level that is the first letter of a stamp of klog's, or of a time of Serilog's."""
    letter = _STAMPED.match(stamp)
    return UNKNOWN if letter is None else of_name(letter[1] or letter[2])


def of_second_line(line: str) -> str:
    """The level with which the second line of an entry begins, where Java logs on two."""
    match = _SECOND.match(line)
    return UNKNOWN if match is None else of_name(match[1])


def of_attribute(text: str) -> str:
    """The level that a line of ``name=value`` says, wherever in it."""
    match = _ATTRIBUTE.search(text)
    return UNKNOWN if match is None else of_value(match[1])


def of_fields(fields: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, str]:
    """The level that the first of these fields says that says one, and the field's name."""
    for name in names:
        level = of_value(fields[name], name) if name in fields else UNKNOWN
        if level:
            return level, name
    return UNKNOWN, ""


def begins_with_one(text: str) -> bool:
    """Whether the text begins with the name of a level."""
    match = _BEGINS.match(text)
    return match is not None and match[1].isupper() and bool(of_name(match[1]))


def is_mark(word: str) -> bool:
    """Whether the word is a level, as programs write one before a time; ``Error:`` is prose."""
    match = _MARK.fullmatch(word)
    if match is None or _CASED.fullmatch(word):
        return False
    return bool(of_name(match[1])) and (len(match[1]) > 1 or word.isupper() or match[1].isupper())
