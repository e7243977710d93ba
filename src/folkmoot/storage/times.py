"""Times as they are stored: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """The stored form of an aware time; a naive one is a `TypeError`."""
    return (at - _EPOCH) // _MICROSECOND


def to_time(micros: int) -> datetime:
    """The time that was stored."""
    return _EPOCH + timedelta(0, 0, micros)


def to_time_or_none(micros: int | None) -> datetime | None:
    """The time that was stored, if one was."""
    return None if micros is None else to_time(micros)
