"""Storage in one SQLite file: one connection that writes and checkpoints, and a few that read.

A unit of work costs one hop to the thread that owns the connection; there, nothing suspends.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

from folkmoot.core.shared.refusals import ServerPart, StorageFull, Unavailable
from folkmoot.core.work import Job, OutcomeUnknown, Result
from folkmoot.storage.connection_threads import ConnectionThreads
from folkmoot.storage.errors import ConstraintBroken, ReadingOnly
from folkmoot.storage.filelock import FileLock
from folkmoot.storage.job_driver import drive
from folkmoot.storage.scrubbing import Scrubber
from folkmoot.storage.sql.executor import Row
from folkmoot.storage.sql.statements import Params, Statement
from folkmoot.storage.sql.work import SqlWork

Synchronous = Literal["FULL", "EXTRA", "NORMAL"]

_MIB = 1024 * 1024
_CACHED_STATEMENTS = 256
# Of SQLite's own small steps: about every millisecond.
_STEPS_BETWEEN_LOOKS = 20_000
_OUR_FAULT = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE}
_DISK_FAILED = {
    sqlite3.SQLITE_IOERR: "the disk failed to read or write",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no database",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "its lock cannot be had",
}
_PASSING = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_INTERRUPT: "reading took too long",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}
_PROBE_BUSY_MILLISECONDS = 1000
# Less than this is as good as nothing: a probe finds room in the log where a message does not.
_LEAST_FREE_BYTES = 256 * 1024
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PROOF_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """``synchronous`` below FULL loses acknowledged messages when the power fails.

    ``busy_seconds`` is how long to wait for a stranger who has the file locked, say a backup;
    ``reading_seconds`` how long one may read who searches for what everybody says, and
    ``answer_seconds`` how long whoever reads is kept waiting.
    """

    synchronous: Synchronous = "FULL"
    readers: int = 2
    max_waiting: int = 1000
    max_waiting_reads: int = 1000
    timeout_seconds: float = 30.0
    busy_seconds: float = 1.0
    reading_seconds: float = 5.0
    answer_seconds: float = 2.5


class DiskFailed(Unavailable):
    """The file could not be read or written; what a connection believes of it is void."""

    part = ServerPart.DATABASE


class SqliteStorage:
    """`Storage` in one file, which must have been migrated. Holds ``lock`` until it is closed."""

    def __init__(self, path: Path, lock: FileLock, settings: SqliteSettings) -> None:
        """Open the file.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        self._lock = lock
        self._writer = _WriteConnection(path, settings)
        self._readers = [_ReadConnection(path, settings) for _ in range(settings.readers)]
        waiting, seconds = settings.max_waiting, settings.timeout_seconds
        self._writing = ConnectionThreads(
            "storage-write", [self._writer], waiting, seconds, afterwards=_WriteConnection.scrub
        )
        self._reading = ConnectionThreads(
            "storage-read", self._readers, settings.max_waiting_reads, settings.answer_seconds
        )

    async def write(self, job: Job[Result]) -> Result:
        return await self._writing.run(lambda writer: writer.run(job))

    async def read(self, job: Job[Result]) -> Result:
        try:
            return await self._reading.run(lambda reader: reader.run(job))
        except OutcomeUnknown as late:
            raise Unavailable(late.reason, part=late.part) from None

    async def check(self) -> None:
        await self._writing.run(_WriteConnection.check)

    async def close(self) -> None:
        await self._reading.close()
        await self._writing.close()
        for reader in self._readers:
            reader.close()
        # Last, because the last to close copies the log into the database.
        self._writer.close()
        self._lock.release()


class _SqliteExecutor:
    """`Executor` on one connection; its methods never suspend."""

    has_word_table = True

    def __init__(self, cursor: sqlite3.Cursor, *, is_writing: bool) -> None:
        self._cursor = cursor
        self.is_writing = is_writing
        self.deleted_words = False

    def note_deleted_words(self) -> None:
        self.deleted_words = True

    async def rows(self, statement: Statement, params: Params) -> Sequence[Row]:
        prepared = statement.sqlite
        try:
            return self._cursor.execute(prepared.text, prepared.arguments(params)).fetchall()
        except sqlite3.Error as error:
            raise _told(error, is_writing=self.is_writing) from error

    async def run(self, statement: Statement, params: Params) -> None:
        prepared = statement.sqlite
        try:
            self._cursor.execute(prepared.text, prepared.arguments(params))
        except sqlite3.Error as error:
            raise _told(error, is_writing=self.is_writing) from error

    async def run_many(self, statement: Statement, params: Sequence[Params]) -> None:
        prepared = statement.sqlite
        try:
            self._cursor.executemany(prepared.text, map(prepared.arguments, params))
        except sqlite3.Error as error:
            raise _told(error, is_writing=self.is_writing) from error

    async def insert(self, statement: Statement, params: Sequence[Params]) -> Sequence[int]:
        prepared = statement.sqlite
        text, arguments, execute = prepared.text, prepared.arguments, self._cursor.execute
        try:
            # RETURNING would cost as much again as the row itself.
            return [execute(text, arguments(each)).lastrowid or 0 for each in params]
        except sqlite3.Error as error:
            raise _told(error, is_writing=self.is_writing) from error


class _WriteConnection:
    """The one connection that writes. After a failure of the disk it is opened anew."""

    def __init__(self, path: Path, settings: SqliteSettings) -> None:
        self._path = path
        self._settings = settings
        self._connection: sqlite3.Connection | None = self._open()
        self._scrubber = Scrubber()
        self._stored_at = float("-inf")

    def run(self, job: Job[Result]) -> Result:
        """One unit of work. When this returns, SQLite has said that it is on disk."""
        connection = self._sound()
        cursor = connection.cursor()
        changes = connection.total_changes
        executor = _SqliteExecutor(cursor, is_writing=True)
        try:
            _execute(cursor, "BEGIN IMMEDIATE")
            result = drive(job, SqlWork(executor))
            # Fails if SQLite has rolled back by itself, and the job went on regardless.
            _execute(cursor, "COMMIT")
        except BaseException as error:
            self._undo(connection, error)
            raise
        if connection.total_changes != changes:
            self._stored_at = time.monotonic()
        if executor.deleted_words:
            self._scrubber.wanted()
        return result

    def scrub(self) -> None:
        """Overwrite a little of what was deleted, if anything was. What fails waits for later."""
        if self._scrubber.is_due and self._connection is not None:
            with suppress(sqlite3.Error):
                self._scrubber.step(self._connection)

    def check(self) -> None:
        """See that there is room; and that the disk keeps what it is given.

        That, what was stored a moment ago shows; otherwise something is written for real, without
        waiting long for a stranger's lock.
        """
        self._check_room()
        if time.monotonic() - self._stored_at < _PROOF_SECONDS:
            return
        connection = self._sound()
        cursor = connection.cursor()
        patience = round(self._settings.busy_seconds * 1000)
        try:
            _execute(cursor, f"PRAGMA busy_timeout = {min(patience, _PROBE_BUSY_MILLISECONDS)}")
            _execute(cursor, "BEGIN IMMEDIATE")
            _execute(cursor, "UPDATE alembic_version SET version_num = version_num")
            _execute(cursor, "COMMIT")
            _execute(cursor, f"PRAGMA busy_timeout = {patience}")
        except BaseException as error:
            self._undo(connection, error)
            with suppress(sqlite3.Error):
                connection.execute(f"PRAGMA busy_timeout = {patience}")
            raise

    def _check_room(self) -> None:
        """Take some room, and give it back: a quota does not show in what the disk says is free."""
        try:
            disk = os.statvfs(self._path)
        except OSError as error:
            raise DiskFailed("the file cannot be found") from error
        if disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES:
            raise StorageFull
        try:
            with TemporaryFile(dir=self._path.resolve().parent) as room:
                os.posix_fallocate(room.fileno(), 0, _LEAST_FREE_BYTES)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageFull from error
            # A folder that takes no other file may hold this one all the same.

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._scrubber.finish(self._connection)
            self._connection.close()

    def _sound(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except sqlite3.Error as error:
                raise _told(error, is_writing=True) from error
        return self._connection

    def _undo(self, connection: sqlite3.Connection, error: BaseException) -> None:
        """Take back what was begun. After a failure of the disk, trust nothing remembered."""
        if isinstance(error, Unavailable):
            self._stored_at = float("-inf")
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._forget(connection)
        else:
            if isinstance(error, DiskFailed):
                self._forget(connection)

    def _forget(self, connection: sqlite3.Connection) -> None:
        self._connection = None
        with suppress(sqlite3.Error):
            connection.close()

    def _open(self) -> sqlite3.Connection:
        return connect(
            self._path,
            self._settings.busy_seconds,
            f"synchronous = {self._settings.synchronous}",
            "foreign_keys = ON",
            "secure_delete = ON",
            f"journal_size_limit = {64 * _MIB}",
            f"wal_autocheckpoint = {4 * 1024}",
            "cache_size = -32768",
            "temp_store = MEMORY",
        )


class _ReadConnection:
    """A connection that can only read, and leaves checkpoints to the writer."""

    def __init__(self, path: Path, settings: SqliteSettings) -> None:
        self._connection = connect(
            path,
            settings.busy_seconds,
            "query_only = ON",
            "wal_autocheckpoint = 0",
            "cache_size = -16384",
        )
        self._seconds = settings.reading_seconds
        self._until = float("inf")
        self._connection.set_progress_handler(self._is_too_late, _STEPS_BETWEEN_LOOKS)

    def run(self, job: Job[Result]) -> Result:
        """One unit of work on one snapshot."""
        self._until = time.monotonic() + self._seconds
        cursor = self._connection.cursor()
        try:
            _execute(cursor, "BEGIN", is_writing=False)
            return drive(job, SqlWork(_SqliteExecutor(cursor, is_writing=False)))
        finally:
            self._until = float("inf")
            if self._connection.in_transaction:
                _execute(cursor, "ROLLBACK", is_writing=False)

    def close(self) -> None:
        self._connection.close()

    def _is_too_late(self) -> bool:
        """Whether SQLite should give up what it is doing."""
        return time.monotonic() > self._until


def connect(path: Path, busy_seconds: float, *pragmas: str) -> sqlite3.Connection:
    """A connection to an existing file, whose transactions are all begun by hand.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        # SQLite looks at the file no earlier than it must.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def error_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code. What the module finds wrong by itself has none, and is ours."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)) & 0xFF


def _execute(cursor: sqlite3.Cursor, statement: str, *, is_writing: bool = True) -> None:
    try:
        cursor.execute(statement)
    except sqlite3.Error as error:
        raise _told(error, is_writing=is_writing) from error


def _told(error: sqlite3.Error, *, is_writing: bool) -> Exception:
    """What SQLite said, in words that the callers of a `Storage` know."""
    code = error_code(error)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConstraintBroken(str(error))
    if code == sqlite3.SQLITE_FULL:
        return StorageFull()
    if code == sqlite3.SQLITE_READONLY and not is_writing:
        return ReadingOnly("a reading job tried to write")
    if code in _DISK_FAILED:
        return DiskFailed(_DISK_FAILED[code])
    if code in _OUR_FAULT:
        return error
    return Unavailable(_PASSING.get(code, f"SQLite error {code}"), part=ServerPart.DATABASE)
