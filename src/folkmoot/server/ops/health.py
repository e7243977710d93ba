"""Whether the server can do its work: found out by one probe for all who ask, and by looking round.

Asking costs next to nothing: all who ask share one probe a second, which writes nothing where
something was stored a moment ago, and wait for it no longer than `DEADLINE_SECONDS`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from folkmoot.core.shared.health import Health, HealthNotice
from folkmoot.core.shared.refusals import ServerPart, Unavailable
from folkmoot.server.ops.line_file import LineFile
from folkmoot.storage.reporting import ReportingStorage

DEADLINE_SECONDS: Final = 1.8
FRESH_SECONDS: Final = 1.0
ROUND_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 30.0
PROMPT_ANSWERS: Final = 20
PROMPT_SECONDS: Final = 0.1

Check = Callable[[], Awaitable[object]]
"""Returns if a part is well; raises `Unavailable` where it is not."""
_log = logging.getLogger(__name__)


class _Slow(Unavailable):
    part = ServerPart.DATABASE
    reason = "it does not answer in time"


@dataclass(frozen=True, slots=True)
class LoopStatistics:
    """How long the event loop kept a timer waiting: the last time, and the longest so far."""

    lag_seconds: float
    longest_lag_seconds: float


class Readiness:
    """Finds out how the parts are that nobody happens to use.

    ``checks`` are for side parts: each is asked once a second while its part is not well, and those
    in ``always`` at any time, because they cost nothing. ``stalled`` tells why nothing can be
    stored, as far as whoever stores knows.
    """

    def __init__(
        self,
        storage: ReportingStorage,
        health: Health,
        checks: Mapping[ServerPart, Check],
        always: frozenset[ServerPart] = frozenset(),
        stalled: Callable[[], Unavailable | None] = lambda: None,
    ) -> None:
        self.health = health
        self._stalled = stalled
        self._second_began = 0.0
        self._answered = 0
        self._storage = storage
        self._checks = checks
        self._always = always
        self._tasks: asyncio.TaskGroup | None = None
        self._probe: asyncio.Task[None] | None = None
        self._probed_at = self._probing_since = 0.0
        self._checking: dict[ServerPart, asyncio.Task[None]] = {}
        self._lag = 0.0
        self._longest_lag = 0.0

    def statistics(self) -> LoopStatistics:
        """How the event loop keeps time."""
        return LoopStatistics(self._lag, self._longest_lag)

    async def look(self) -> None:
        """Have `health` say of the database what is true now, within `DEADLINE_SECONDS`.

        Beyond the first `PROMPT_ANSWERS` in a second, whoever would be answered at once waits for
        the second to end: however many ask, and how often, the server has time for its messages.
        """
        began = time.monotonic()
        await self._look()
        now = time.monotonic()
        if now - self._second_began >= FRESH_SECONDS:
            self._second_began, self._answered = now, 0
        self._answered += 1
        if self._answered > PROMPT_ANSWERS and now - began < PROMPT_SECONDS:
            await asyncio.sleep(self._second_began + FRESH_SECONDS - now)

    async def _look(self) -> None:
        if self._note_stall():
            return
        is_well = self.health.failure_of(ServerPart.DATABASE) is None
        if is_well and time.monotonic() - self._storage.checked_at < FRESH_SECONDS:
            return
        if self._probe is None or self._probe.done():
            self._begin_probe()
        if self._probe is None:
            return
        left = self._probing_since + DEADLINE_SECONDS - time.monotonic()
        await asyncio.wait([self._probe], timeout=max(0.0, left))
        if not self._probe.done() and self.health.failure_of(ServerPart.DATABASE) is None:
            self.health.failed(_Slow())

    def _note_stall(self) -> bool:
        """Note that nothing can be stored, if whoever stores knows; whether that is so."""
        fault = self._stalled()
        if fault is not None and self.health.failure_of(ServerPart.DATABASE) is None:
            self.health.failed(fault)
        return fault is not None

    async def run(self) -> None:
        """Look round once a second, until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as self._tasks:
            try:
                while True:
                    due = loop.time() + ROUND_SECONDS
                    await asyncio.sleep(ROUND_SECONDS)
                    self._lag = max(0.0, loop.time() - due)
                    self._longest_lag = max(self._longest_lag, self._lag)
                    self._look_round(self._tasks)
            finally:
                self._tasks = None

    def _begin_probe(self) -> None:
        """Begin the next probe, a second after the last one at the earliest."""
        if self._tasks is not None:
            now = time.monotonic()
            pause = max(0.0, self._probed_at + FRESH_SECONDS - now)
            self._probing_since = now
            self._probe = self._tasks.create_task(self._probe_database(pause))

    async def _probe_database(self, pause: float) -> None:
        await asyncio.sleep(pause)
        self._probed_at = time.monotonic()
        try:
            await self._storage.check()
        except Unavailable:
            return  # `health` knows.
        except Exception:
            _log.exception("the database could not be probed")
            self.health.failed(Unavailable("a fault of ours", part=ServerPart.DATABASE))

    def _look_round(self, tasks: asyncio.TaskGroup) -> None:
        self._note_stall()
        failing = {failure.part for failure in self.health.failures()}
        if ServerPart.DATABASE in failing and (self._probe is None or self._probe.done()):
            self._begin_probe()
        for part in (failing & self._checks.keys()) | self._always:
            running = self._checking.get(part)
            if running is None or running.done():
                self._checking[part] = tasks.create_task(self._check(part))

    async def _check(self, part: ServerPart) -> None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._checks[part]()
        except (Unavailable, TimeoutError) as error:
            fault = error if isinstance(error, Unavailable) else Unavailable(part=part)
            self.health.failed(fault)
        except Exception:
            _log.exception("a part of the server could not be checked")
        else:
            self.health.well(part)


class LogFolderUnavailable(Unavailable):
    """The server's own log or its audit trail cannot be written."""

    code = "log_folder_unavailable"
    part = ServerPart.LOG_FOLDER


async def check_lines(files: Sequence[LineFile]) -> None:
    """Return if lines could be written, as far as is known; ask anew for the next time.

    Raises:
        LogFolderUnavailable
    """
    troubles = [file.trouble for file in files if file.trouble is not None]
    for file in files:
        file.probe()
    if troubles:
        raise LogFolderUnavailable(troubles[0])


def log_notice(notice: HealthNotice) -> None:
    """One line for whoever runs the server."""
    extra = {"part": str(notice.part), "failures": notice.count}
    if notice.fault is None:
        seconds = round(notice.lasted.total_seconds(), 1)
        _log.warning("%s is well again", notice.part, extra={**extra, "seconds": seconds})
        return
    cause = notice.fault.__cause__
    with suppress(Exception):  # what a stranger's exception says of itself
        extra["cause"] = "" if cause is None else f"{type(cause).__name__}: {cause}"
    extra["code"] = notice.fault.code
    _log.error("%s is unavailable: %s", notice.part, notice.fault.reason, extra=extra)
