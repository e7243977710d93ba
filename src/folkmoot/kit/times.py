"""Times as the wire has them, always in UTC; each contract has chosen one of these forms."""

from datetime import datetime


def in_seconds(at: datetime) -> str:
    """To the second: ``2025-11-22T10:30:00Z``."""
    return at.isoformat("T", "seconds")[:19] + "Z"


def in_microseconds(at: datetime) -> str:
    """To the microsecond: ``2025-11-22T10:30:00.250000Z``."""
    return at.isoformat("T", "microseconds")[:26] + "Z"


def in_seconds_spaced(at: datetime) -> str:
    """To the second, with a space: ``2025-11-22 10:30:00Z``."""
    return at.isoformat(" ", "seconds")[:19] + "Z"
