"""A folder with logs and an index of them, read as a server would, by a process of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from folkmoot.bots.logs.index import FILE_NAME, Logs, made_of
from folkmoot.bots.logs.reading import LogReader, LogSources
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.logs.model import (
    FOR_EVERYBODY,
    Excerpt,
    LogLine,
    LogQuery,
    LogReading,
    SourceAudience,
)
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.storage.log_index import AboutIndex, LogIndexFile, build
from tests.cast import FrozenClock

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ABOUT = AboutIndex(made_of="a test", now=NOW, days=7)
READER = "folkmoot.server.programs.log_reader"


def account(username: str = "ana", role: Role = Role.USER) -> Account:
    uid = Uid("00000000-0000-7000-8000-000000000001")
    return Account(
        AccountId(1), uid, username, f"{username}@example.com", "", None, role, True, NOW
    )


def entry(text: str, *, minutes_ago: int = 5, **other: object) -> LogLine:
    at = NOW - timedelta(minutes=minutes_ago)
    details = {"source": "app.log", "number": 1, "level": "info", **other}
    return LogLine(at=at, text=text, **details)


def read(
    *patterns: Path | str,
    days: int = 7,
    own: Path | None = None,
    audience: SourceAudience = SourceAudience.EVERYBODY,
    zones: Mapping[str, str] | None = None,
) -> tuple[list[LogLine], LogReading]:
    """What is in the logs, read in this process."""
    sources = LogSources(
        patterns=tuple(map(str, patterns)),
        days=days,
        now=NOW,
        own=own or Path("/nowhere/logs"),
        audience=audience,
        zones=zones or {},
    )
    reader = LogReader(sources)
    return list(reader.lines()), reader.so_far(is_done=True)


@dataclass
class IndexedLogs:
    """An index, and whoever asks it."""

    index: LogIndexFile

    async def found(
        self,
        words: str,
        *,
        audiences: frozenset[SourceAudience] = FOR_EVERYBODY,
        limit: int = 8,
    ) -> list[Excerpt]:
        return await self.index.find(LogQuery(words, audiences, limit))


@asynccontextmanager
async def indexed(folder: Path, lines: Sequence[LogLine]) -> AsyncIterator[IndexedLogs]:
    """An index of these entries."""
    path = folder / FILE_NAME
    build(path, lines, ABOUT, tell=lambda: None)
    index = LogIndexFile(path, made_of=ABOUT.made_of, search_seconds=5)
    try:
        yield IndexedLogs(index)
    finally:
        await index.close()


@asynccontextmanager
async def keeping(
    folder: Path,
    *sources: Path | str,
    audience: SourceAudience = SourceAudience.EVERYBODY,
    clock: FrozenClock | None = None,
) -> AsyncIterator[Logs]:
    """The logs as a server keeps them, its data in the folder."""
    named = tuple(map(str, sources))
    index = LogIndexFile(folder / FILE_NAME, made_of=made_of(named, audience), search_seconds=5)
    logs = Logs(
        sources=named,
        audience=audience,
        folder=folder,
        index=index,
        reader=READER,
        clock=clock or FrozenClock(NOW),
    )
    try:
        yield logs
    finally:
        await index.close()
