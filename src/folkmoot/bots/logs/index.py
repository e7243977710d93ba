"""The logs that the assistant answers from: read by a process of its own, searched at once."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import msgspec

from folkmoot.bots.child_process import ChildProcess
from folkmoot.core.conversations.errors import DaysOutOfRange
from folkmoot.core.logs.errors import AlreadyReading
from folkmoot.core.logs.model import (
    MAX_DAYS,
    MIN_DAYS,
    Excerpt,
    LogQuery,
    LogReading,
    SourceAudience,
)
from folkmoot.core.logs.store import OnProgress
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.ids import Clock
from folkmoot.core.shared.refusals import ServerPart, Unavailable

FILE_NAME: Final = "log-index.db"
OWN_FOLDER: Final = "logs"
DEFAULT_DAYS: Final = 7
STALE_AFTER: Final = timedelta(minutes=5)
REST_FACTOR: Final = 10
"""A reading is followed by a rest that is so many times as long, however stale the index gets."""
FIRST_SECONDS: Final = 4.0
MAX_LINE_BYTES: Final = 256 * 1024
EXIT_ALREADY: Final = 3

_log = logging.getLogger(__name__)


class StoredIndex(Protocol):
    """The index that is in place, whoever wrote it."""

    async def find(self, query: LogQuery) -> list[Excerpt]:
        """The best matches for those audiences; never an error for any words."""
        ...

    async def size(self) -> int:
        """How many entries there are."""
        ...

    async def read_at(self) -> datetime | None:
        """When its entries were read; ``None`` if there is no index."""
        ...


class IndexOrder(msgspec.Struct, frozen=True, tag="logs"):
    """What the reading process is told on its first line of stdin; when that ends, it ends too."""

    sources: tuple[str, ...]
    days: int
    now: datetime
    own: str
    target: str
    made_of: str
    audience: SourceAudience = SourceAudience.EVERYBODY
    zones: Mapping[str, str] = {}


def made_of(
    sources: Sequence[str], audience: SourceAudience, zones: Mapping[str, str] | None = None
) -> str:
    """What the index of these sources says that it was made of; see `AboutIndex`."""
    return msgspec.json.encode([list(sources), audience, dict(zones or {})]).decode()


class IndexReport(msgspec.Struct, frozen=True):
    """What the reading process says on each line of stdout: how far it is, or why it gave up."""

    reading: LogReading | None = None
    failed: str | None = None


class Logs:
    """The entries of some sources, for an ``audience``, or of this server's own logs if none.

    The index is ``log-index.db`` in the data ``folder``, where the server's own logs are as well.
    ``zones`` are those of `LogSources`. ``reader`` is the module that reads, run as a process.
    `run` must be running for `refresh`.
    """

    def __init__(
        self,
        *,
        sources: Sequence[str],
        audience: SourceAudience = SourceAudience.EVERYBODY,
        zones: Mapping[str, str] | None = None,
        folder: Path,
        index: StoredIndex,
        reader: str,
        clock: Clock,
        stale_after: timedelta = STALE_AFTER,
        days: int = DEFAULT_DAYS,
        health: Health | None = None,
    ) -> None:
        self._health = health or Health()
        self._own = folder.absolute() / OWN_FOLDER
        self._sources = tuple(sources) or (str(self._own),)
        self._audience = audience
        self._zones = dict(zones or {})
        self._made_of = made_of(sources, audience, self._zones)
        self._target = folder.absolute() / FILE_NAME
        self._index = index
        self._reader = reader
        self._clock = clock
        self._stale_after = stale_after
        self._days = days
        self._is_reading = False
        self._unasked: asyncio.Task[None] | None = None
        self._rest_until: datetime | None = None
        self._wanted = asyncio.Event()
        self._attempted = asyncio.Event()

    @property
    def is_reading(self) -> bool:
        """Whether the logs are being read right now."""
        return self._is_reading

    async def find(self, query: LogQuery) -> list[Excerpt]:
        """The best matches for those audiences, the best first; none if too many ask."""
        try:
            return await self._index.find(query)
        except Unavailable as fault:
            self._health.met(fault)
            return []

    async def size(self) -> int:
        """How many entries there are."""
        return await self._index.size()

    async def read_anew(self, days: int, on_progress: OnProgress) -> LogReading:
        """Replace all entries by those of the last ``days`` days; see `LogIndex`.

        Whoever stops waiting ends the reading; the old entries remain. A reading that nobody asked
        for gives way.
        """
        if not MIN_DAYS <= days <= MAX_DAYS:
            raise DaysOutOfRange(field="days", least=MIN_DAYS, most=MAX_DAYS)
        if self._unasked is not None:
            self._unasked.cancel()
            await asyncio.wait([self._unasked])
        return await self._read_once(days, on_progress)

    async def _read_once(self, days: int, on_progress: OnProgress) -> LogReading:
        if self._is_reading:
            raise AlreadyReading
        self._is_reading = True
        begun = self._clock.now()
        try:
            reading = await self._read(days, begun, on_progress)
            self._days = days
            self._health.well(ServerPart.LOG_INDEX)
        except ReadingFailed as fault:
            self._health.failed(fault, lasts=self._stale_after)
            raise
        finally:
            ended = self._clock.now()
            self._rest_until = ended + max(self._stale_after, REST_FACTOR * (ended - begun))
            self._is_reading = False
            self._attempted.set()
        return reading

    async def refresh(self) -> None:
        """Return when there is something to find, or a few seconds later; read what is old."""
        try:
            read_at = await self._index.read_at()
        except Unavailable:
            return
        if self._is_old(read_at):
            self._wanted.set()
        if read_at is None and not self._attempted.is_set():
            try:
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._attempted.wait()
            except TimeoutError:
                return

    async def run(self) -> None:
        """Read anew whenever `refresh` found that it is time, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                self._unasked = tasks.create_task(self._read_unasked())
                await asyncio.wait([self._unasked])
                self._unasked = None

    async def _read_unasked(self) -> None:
        with suppress(AlreadyReading, ReadingFailed):
            await self._read_once(self._days, lambda _: None)

    def _is_old(self, read_at: datetime | None) -> bool:
        if self._is_reading:
            return False
        now = self._clock.now()
        if self._rest_until is not None:
            return now >= self._rest_until
        return read_at is None or now - read_at >= self._stale_after

    async def _read(self, days: int, now: datetime, on_progress: OnProgress) -> LogReading:
        order = IndexOrder(
            sources=self._sources,
            days=days,
            now=now,
            own=str(self._own),
            target=str(self._target),
            made_of=self._made_of,
            audience=self._audience,
            zones=self._zones,
        )
        return await index_apart(self._reader, order, on_progress)


class ReadingFailed(Unavailable):
    """The reading process gave up or was ended; the entries from before remain."""

    code = "logs_unreadable"
    sentence = "The logs could not be read just now; what was read before is still there."
    part = ServerPart.LOG_INDEX


async def index_apart(reader: str, order: msgspec.Struct, on_progress: OnProgress) -> LogReading:
    """Have the module ``reader``, run as a process, read what is ordered into an index.

    Raises:
        AlreadyReading: another process is at it.
        ReadingFailed: it came to nothing; the old index remains.
    """
    beside = await ChildProcess.begun(reader, max_line_bytes=MAX_LINE_BYTES)
    try:
        return await _heard(beside, order, on_progress)
    except OSError as error:
        raise ReadingFailed(error.strerror or "") from error
    finally:
        await beside.end()


async def _heard(
    beside: ChildProcess, order: msgspec.Struct, on_progress: OnProgress
) -> LogReading:
    beside.orders.write(msgspec.json.encode(order) + b"\n")
    await beside.orders.drain()
    last, failed = None, None
    try:
        async for line in beside.reports:
            report = msgspec.json.decode(line, type=IndexReport)
            failed = report.failed or failed
            if report.reading is not None:
                last = report.reading
                on_progress(last)
    except (ValueError, msgspec.DecodeError) as error:
        raise ReadingFailed("the reading process said something else than was expected") from error
    code = await beside.process.wait()
    if code == EXIT_ALREADY:
        raise AlreadyReading
    if code != 0 or last is None or not last.is_done:
        why = failed.partition(":")[0] if failed else f"code {code}"
        raise ReadingFailed(f"the reading process ended ({why})") from (
            OSError(failed) if failed else None
        )
    return last
