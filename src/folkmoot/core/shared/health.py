"""How the parts of a server are: told by whoever uses them, read by whoever asks."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from folkmoot.core.shared.refusals import ServerPart, Unavailable

TELL_EVERY = timedelta(minutes=1)
ESSENTIAL = frozenset({ServerPart.DATABASE})
"""Without these, no message can be stored."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part that is not well, why, and since when; presumed well again from ``until`` on."""

    part: ServerPart
    code: str
    reason: str
    since: datetime
    until: datetime | None = None

    @property
    def is_down(self) -> bool:
        """Whether no message can be stored without it; else the server is merely degraded."""
        return self.part in ESSENTIAL

    @property
    def explained(self) -> str:
        """Which part and why, for whoever runs the server."""
        return f"{self.part}: {self.reason}"


@dataclass(frozen=True, slots=True)
class HealthNotice:
    """What is worth a log line: a cause that failed ``count`` times since it was last told.

    ``fault`` is the latest of them; ``None``: the part is well again, after ``count`` failures.
    """

    part: ServerPart
    count: int
    fault: Unavailable | None
    lasted: timedelta = timedelta(0)


@dataclass(slots=True)
class _Cause:
    told_at: datetime = _LONG_AGO
    untold: int = 0


class Health:
    """Keeps which parts fail and why, and has each cause told once a minute, with a count.

    To be used from one thread.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: _LONG_AGO,
        tell: Callable[[HealthNotice], None] = lambda _: None,
    ) -> None:
        self._now = now
        self._tell = tell
        self._failures: dict[ServerPart, PartFailure] = {}
        self._in_outage: Counter[ServerPart] = Counter()
        self._told: set[ServerPart] = set()
        self._causes: dict[tuple[ServerPart, str, str], _Cause] = {}
        self._counts: Counter[tuple[ServerPart, str]] = Counter()

    @property
    def counts(self) -> Mapping[tuple[ServerPart, str], int]:
        """How often something was unavailable, by part and code."""
        return self._counts

    def failures(self) -> list[PartFailure]:
        """The parts that are not well."""
        now = self._now()
        for failure in list(self._failures.values()):
            if failure.until is not None and failure.until <= now:
                self.well(failure.part)
        return list(self._failures.values())

    def failure_of(self, part: ServerPart) -> PartFailure | None:
        """Why a part is not well; ``None``: it is."""
        return self._failures.get(part)

    def failed(self, fault: Unavailable, *, lasts: timedelta | None = None) -> None:
        """Note that a part is not well.

        It stays so until `well`, or for as long as it ``lasts`` where nobody would find out.
        """
        now = self._now()
        before = self._failures.get(fault.part)
        since = now if before is None else before.since
        until = None if lasts is None else now + lasts
        self._failures[fault.part] = PartFailure(fault.part, fault.code, fault.reason, since, until)
        self._in_outage[fault.part] += 1
        self.met(fault)

    def met(self, fault: Unavailable) -> None:
        """Note a failure that says nothing of how the part will do next time."""
        self._counts[fault.part, fault.code] += 1
        now = self._now()
        cause = self._causes.setdefault((fault.part, fault.code, fault.reason), _Cause())
        cause.untold += 1
        if now - cause.told_at >= TELL_EVERY or cause.told_at is _LONG_AGO:
            count, cause.told_at, cause.untold = cause.untold, now, 0
            self._told.add(fault.part)
            self._tell(HealthNotice(fault.part, count, fault))

    def well(self, part: ServerPart) -> None:
        """Note that a part does what it should."""
        failure = self._failures.pop(part, None)
        if failure is None:
            return
        count = self._in_outage.pop(part, 0)
        if part in self._told:
            # Not of a part that comes and goes within the minute.
            self._told.discard(part)
            self._tell(HealthNotice(part, count, None, self._now() - failure.since))
