"""The real clock and the real ids: the only place where time and chance enter the server."""

import os
import secrets
import threading
import time
from datetime import UTC, datetime

from folkmoot.core.shared.ids import Uid

_SEQUENCE_BITS = 12


def first_connection_id() -> int:
    """Where this process begins to count connections, so that no two processes meet."""
    return secrets.randbits(62)


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDs of version 7 (RFC 9562), which sort by the time of their making; any thread may ask.

    Within a millisecond a counter orders them; when it runs over, or the clock goes back, they
    borrow from the milliseconds to come rather than repeat or go backwards.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def uid(self) -> Uid:
        """A UUID never handed out before."""
        with self._lock:
            now = time.time_ns() // 1_000_000 << _SEQUENCE_BITS
            self._last = stamp = max(now, self._last + 1)
        chance = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
        milliseconds, sequence = stamp >> _SEQUENCE_BITS, stamp & (1 << _SEQUENCE_BITS) - 1
        digits = f"{milliseconds << 80 | 7 << 76 | sequence << 64 | 2 << 62 | chance:032x}"
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return Uid("-".join(parts))

    def secret(self) -> str:
        """256 random bits, safe in a URL."""
        return secrets.token_urlsafe(32)
