"""How many lines of one kind, and from one source, are logged in a time."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from folkmoot.core.shared.rates import Buckets, Rate

PER_SOURCE: Final = Rate(per_minute=600, burst=300)
PER_KIND: Final = Rate(per_minute=120, burst=60)
MAX_COUNTED: Final = 1000
ACCESS: Final = "uvicorn.access"
REFUSED: Final = "folkmoot.refused"

TELL_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class LogRates:
    """Lets a record of the log through, or counts it as left out.

    An access line is counted for the address that asked, any other for its logger and its text
    before anything was filled in: what somebody outside can cause is repeated, what is new is not.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._sources = Buckets(PER_SOURCE, max_keys=10_000)
        self._kinds = Buckets(PER_KIND, max_keys=10_000)
        self._left_out: Counter[str] = Counter()

    def admit(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged; asked by each handler, and counted once."""
        admitted: bool | None = getattr(record, "is_admitted", None)
        if admitted is None:
            admitted = record.name == __name__ or self._counted(record)
            record.is_admitted = admitted
        return admitted

    def tell(self) -> None:
        """Log how many lines were left out since the last time."""
        left_out, self._left_out = self._left_out, Counter()
        for what, lines in left_out.most_common():
            _log.warning("log lines were left out", extra={"lines": lines, "of": what})

    def _counted(self, record: logging.LogRecord) -> bool:
        if is_access(record):
            what, buckets = str(record.args[0]).rpartition(":")[0], self._sources  # type: ignore[index]  # checked
        else:
            what, buckets = f"{record.name}: {str(record.msg)[:100]}", self._kinds
        wait = buckets.take(what, self._monotonic())
        if wait:
            known = what in self._left_out or len(self._left_out) < MAX_COUNTED
            self._left_out[what if known else "others"] += 1
        return not wait


async def tell_every_minute(*told: Callable[[], None]) -> None:
    """Have each say what it left out, now and then, for as long as the server runs."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        for tell in told:
            tell()


def is_from_outside(record: logging.LogRecord) -> bool:
    """Whether somebody who does not run the server can cause as many of these as they like."""
    return record.name == REFUSED or is_access(record)


def is_access(record: logging.LogRecord) -> bool:
    """Whether the record is of a request that somebody made."""
    return record.name == ACCESS and isinstance(record.args, tuple) and len(record.args) == 5
