"""The zones of lines: as an offset, by a name, or not written down and of the source's setting.

Only what is certain has an instant. A name such as CET is one if the source's zone is called so at
that moment; alone it is not, since several zones share most of these names, and some people write
one of them all year. An hour that the clock went through twice, and one that it left out, have
none either, unless the line says which of the two it is.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MOST_WEST: Final = timedelta(hours=-12)
MOST_EAST: Final = timedelta(hours=14)
_ABBREVIATIONS: Final = (
    *("ACDT", "ACST", "ADT", "AEDT", "AEST", "AKDT", "AKST", "ART", "AST", "AWST", "BRST", "BRT"),
    *("BST", "CAT", "CDT", "CEST", "CET", "CLST", "CLT", "COT", "CST", "EAT", "EDT", "EEST"),
    *("EET", "EST", "HDT", "HKT", "HST", "ICT", "IDT", "IRST", "IST", "JST", "KST", "MDT"),
    *("MESZ", "MEST", "MET", "MEZ", "MSD", "MSK", "MST", "MYT", "NDT", "NPT", "NST", "NZDT"),
    *("NZST", "PDT", "PET", "PHT", "PKT", "PST", "SAST", "SGT", "SST", "TRT", "UYT", "VET"),
    *("WAST", "WAT", "WEST", "WET", "WIB", "WIT", "WITA"),
)
"""Names that follow a time and are no words of the message; what they mean only a setting says."""
_AREAS: Final = frozenset(
    (
        *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil"),
        *("Canada", "Chile", "Etc", "Europe", "Indian", "Mexico", "Pacific", "US"),
    )
)
_KNOWN: Final = frozenset(_ABBREVIATIONS)
_UNIVERSAL: Final = frozenset({"Z", "UTC", "GMT", "UCT"})


class NoSuchZone(ValueError):
    """The tz database has no zone of this name."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of the tz database, as Europe/Berlin.

    Raises:
        NoSuchZone
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NoSuchZone(name) from error


def is_zone(name: str) -> bool:
    """Whether this is the name of a zone, and not a word of the message behind a time."""
    return name in _KNOWN or name.partition("/")[0] in _AREAS


def instant(local: datetime, zone: str | None, source: tzinfo) -> datetime | None:
    """When a clock in the written zone, or else in that of the source, showed ``local``.

    ``None`` if it never did, did twice, or nobody can say.
    """
    if zone is None:
        return local.replace(tzinfo=UTC) if source is UTC else _once(local, source)
    fixed = _written(zone)
    if fixed is not None:
        return local.replace(tzinfo=fixed) if isinstance(fixed, timezone) else _once(local, fixed)
    for fold in (0, 1):
        at = local.replace(tzinfo=source, fold=fold)
        if at.tzname() == zone and _exists(at):
            return at.astimezone(UTC)
    return None


def _once(local: datetime, zone: tzinfo) -> datetime | None:
    at = local.replace(tzinfo=zone)
    is_certain = at.utcoffset() == at.replace(fold=1).utcoffset()
    return at.astimezone(UTC) if is_certain else None


def _exists(at: datetime) -> bool:
    back = at.astimezone(UTC).astimezone(at.tzinfo)
    return back.replace(tzinfo=None) == at.replace(tzinfo=None)


@lru_cache(maxsize=1024)
def _written(zone: str) -> tzinfo | None:
    """What the text means whatever the source's zone is; ``None`` if that depends on it."""
    text = zone.replace("\u2212", "-")
    if text.upper() in _UNIVERSAL:
        return UTC
    if "/" in text:
        try:
            return zone_of(text)
        except NoSuchZone:
            return None
    if text[:3] in _UNIVERSAL:
        text = text[3:]
    elif len(text) == 2:
        return None
    if text[0] not in "+-":
        return None
    hours, minutes, seconds = _parts(text[1:].replace(":", ""))
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    offset = -offset if text[0] == "-" else offset
    return timezone(offset) if minutes < 60 and MOST_WEST <= offset <= MOST_EAST else None


def _parts(digits: str) -> tuple[int, int, int]:
    if len(digits) <= 2:
        return int(digits), 0, 0
    digits = digits.zfill(4)
    return int(digits[:2]), int(digits[2:4]), int(digits[4:] or 0)
