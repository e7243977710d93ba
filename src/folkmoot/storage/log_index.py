"""The index of logs: a file of its own beside the database, made anew as a whole and only read.

What is in it can be read again from the logs at any time, so it is written without a journal, in
a file of another name, and moved into its place once it is complete.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Final, TypeVar

import msgspec

from folkmoot.core.logs.model import Excerpt, LogLine, LogQuery, SourceAudience
from folkmoot.core.shared.refusals import ServerPart
from folkmoot.storage.connection_threads import ConnectionThreads
from folkmoot.storage.filelock import FileLock
from folkmoot.storage.log_ranking import TOKENS, Candidates
from folkmoot.storage.log_words import indexed, question_of

VERSION: Final = 4
BATCH_LINES: Final = 5_000
SEARCH_SECONDS: Final = 0.25
WAIT_SECONDS: Final = 5.0
"""For those who asked before; the time of the search itself comes on top."""
STEPS_BETWEEN_LOOKS: Final = 2_000
LINES_IN_A_ROW: Final = 50
STEPS_IN_A_ROW: Final = 1_000
"""Reading and storing, each less than a millisecond: then whoever waits for the processor has it.

Being nice makes turns fewer, not shorter.
"""
COMMON_DOCUMENTS: Final = 500
"""Words in more entries than this have their number written down."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PRAGMAS: Final = """
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = memory;
"""
_SCHEMA: Final = """
    CREATE TABLE about (
        version INTEGER, made_of TEXT, entries INTEGER, read_at INTEGER, days INTEGER);
    CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT, link TEXT);
    CREATE TABLE lines (
        id INTEGER PRIMARY KEY, source INTEGER, number INTEGER, at INTEGER, level TEXT, text TEXT);
    CREATE TABLE withheld (id INTEGER PRIMARY KEY, audience TEXT);
    CREATE TABLE common (term TEXT PRIMARY KEY, documents INTEGER) WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5 (
        text, content = '', columnsize = 0, detail = none, tokenize = '?');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);
"""
_ADD_LINES: Final = """
    INSERT INTO lines SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
        value ->> 5 FROM json_each(?)
"""
_ADD_WORDS: Final = (
    "INSERT INTO words (rowid, text) SELECT value ->> 0, value ->> 6 FROM json_each(?)"
)

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutIndex:
    """When an index was made, and of what: the sources and who may read them.

    What was made of something else is not searched: somebody may have lost the right to see it.
    """

    made_of: str
    now: datetime
    days: int


def build(
    path: Path, lines: Iterable[LogLine], about: AboutIndex, *, tell: Callable[[], None]
) -> None:
    """Put an index of these entries in place of the one that is there; ``tell`` hears of progress.

    Raises:
        Unusable: another process is building it.
        OSError, sqlite3.Error: it cannot be written; the old one remains.
    """
    lock = FileLock(path.with_suffix(".lock"), sentence="The logs are being read already.")
    fresh = path.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        _write(fresh, lines, about, tell=tell)
        _synced(fresh)
        fresh.replace(path)
        _synced(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
        lock.release()


def _write(
    path: Path, lines: Iterable[LogLine], about: AboutIndex, *, tell: Callable[[], None]
) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(_PRAGMAS + _SCHEMA.replace("?", TOKENS))
        sources: dict[tuple[str, str], int] = {}
        count, walk = 0, _giving_way(lines)
        connection.set_progress_handler(os.sched_yield, STEPS_IN_A_ROW)
        while batch := list(islice(walk, BATCH_LINES)):
            _add(connection, batch, count, sources)
            count += len(batch)
            tell()
        connection.executemany(
            "INSERT INTO sources VALUES (?, ?, ?)",
            ((number, name, link) for (name, link), number in sources.items()),
        )
        connection.execute(
            "INSERT INTO common SELECT term, doc FROM vocabulary WHERE doc > ?", (COMMON_DOCUMENTS,)
        )
        at = (about.now - _EPOCH) // _MICROSECOND
        connection.execute(
            "INSERT INTO about VALUES (?, ?, ?, ?, ?)",
            (VERSION, about.made_of, count, at, about.days),
        )
    finally:
        connection.close()


def _giving_way(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    for count, line in enumerate(lines):
        if count % LINES_IN_A_ROW == 0:
            os.sched_yield()
        yield line


def _add(
    connection: sqlite3.Connection,
    batch: Sequence[LogLine],
    first: int,
    sources: dict[tuple[str, str], int],
) -> None:
    rows, withheld = [], []
    for number, line in enumerate(batch, start=first + 1):
        source = sources.setdefault((line.source, line.link), len(sources) + 1)
        at = None if line.at is None else (line.at - _EPOCH) // _MICROSECOND
        row = (number, source, line.number, at, line.level, line.text, indexed(line.text))
        rows.append(row)
        if line.audience is not SourceAudience.EVERYBODY:
            withheld.append((number, line.audience.value))
    # As one value: to be handed each row by itself costs more than to index it.
    packed = _encode(rows).decode()
    connection.execute("BEGIN")
    connection.execute(_ADD_LINES, (packed,))
    connection.execute(_ADD_WORDS, (packed,))
    connection.executemany("INSERT INTO withheld VALUES (?, ?)", withheld)
    connection.execute("COMMIT")


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LogIndexFile:
    """The index that is in place, searched on a thread of its own."""

    def __init__(self, path: Path, *, made_of: str, search_seconds: float = SEARCH_SECONDS) -> None:
        self._threads = ConnectionThreads(
            "log-index",
            [_IndexConnection(path, made_of, search_seconds)],
            max_waiting=64,
            seconds=WAIT_SECONDS + search_seconds,
            part=ServerPart.LOG_INDEX,
        )

    async def find(self, query: LogQuery) -> list[Excerpt]:
        """The best matches for those audiences; none while there is no index that can be read.

        Raises:
            Unavailable: too many ask at once.
        """
        return await self._threads.run(lambda reader: reader.find(query))

    async def size(self) -> int:
        """How many entries there are."""
        return await self._threads.run(lambda reader: reader.about()[0])

    async def read_at(self) -> datetime | None:
        """When the logs were read that are in it."""
        micros = await self._threads.run(lambda reader: reader.about()[1])
        return None if micros is None else _EPOCH + timedelta(microseconds=micros)

    async def close(self) -> None:
        """End the thread."""
        await self._threads.close()


class _IndexConnection:
    """One connection to whichever index is in place."""

    def __init__(self, path: Path, made_of: str, search_seconds: float) -> None:
        self._path = path
        self._made_of = made_of
        self._search_seconds = search_seconds
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def about(self) -> tuple[int, int | None]:
        """How many entries there are, and when they were read."""
        nothing: tuple[int, int | None] = (0, None)
        return self._attempt(self._about, nothing)

    def find(self, query: LogQuery) -> list[Excerpt]:
        """The best matches."""
        question = question_of(query.words)
        if not question.wanted or query.limit < 1:
            return []

        def search(connection: sqlite3.Connection) -> list[Excerpt]:
            deadline = monotonic() + self._search_seconds
            entries = self._about(connection)[0]
            if not entries:
                return []
            candidates = Candidates(
                connection, question, entries=entries, audiences=query.audiences
            )
            # To stop a statement is to fail it: what was gathered until then has to do.
            connection.set_progress_handler(lambda: monotonic() > deadline, STEPS_BETWEEN_LOOKS)
            try:
                candidates.gather()
            finally:
                connection.set_progress_handler(None, 0)
            return candidates.best(query.limit)

        return self._attempt(search, [])

    def _attempt(self, task: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        try:
            connection = self._present()
            return otherwise if connection is None else task(connection)
        except sqlite3.Error:
            _log.warning("the index of logs cannot be read", exc_info=True)
            self._close()
            return otherwise

    def _present(self) -> sqlite3.Connection | None:
        """A connection to the file that is in place now."""
        try:
            status = self._path.stat()
        except OSError:
            self._close()
            return None
        identity = status.st_dev, status.st_ino
        if self._connection is None or identity != self._identity:
            self._close()
            uri = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False
            )
            self._identity = identity
        return self._connection

    def _about(self, connection: sqlite3.Connection) -> tuple[int, int | None]:
        (version,) = connection.execute("SELECT version FROM about").fetchone() or (None,)
        if version != VERSION:
            return 0, None
        query = "SELECT entries, read_at FROM about WHERE made_of = ?"
        found = connection.execute(query, (self._made_of,)).fetchone()
        return found or (0, None)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._identity = None, None
