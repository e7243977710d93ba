"""Making a SQLite file ready: its place, its lock, its tables, and what to say if that fails."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.storage.errors import Unusable
from folkmoot.storage.filelock import FileLock
from folkmoot.storage.schema_version import VERSION_QUERY, VERSION_TABLE, newest_version
from folkmoot.storage.sqlite import SqliteSettings, SqliteStorage, connect, error_code
from folkmoot.storage.sqlite_examination import sqlite_faults, sqlite_kept_files

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OLDEST = (3, 35, 0)


def open_file(path: Path, settings: SqliteSettings) -> SqliteStorage:
    """Storage in this file, made and migrated if need be. Blocks: call it on a thread.

    Raises:
        Unusable: and why.
    """
    with _explained(path):
        lock = _claimed(path)
        try:
            _migrate(path, settings)
            return SqliteStorage(path, lock, settings)
        except BaseException:
            lock.release()
            raise


def migrate_file(path: Path, settings: SqliteSettings) -> bool:
    """Whether the file, made if need be, lacked tables that it has now. Blocks.

    Raises:
        Unusable: and why.
    """
    with _explained(path):
        lock = _claimed(path)
        try:
            return _migrate(path, settings)
        finally:
            lock.release()


def file_faults(path: Path, settings: SqliteSettings) -> Sequence[str]:
    """What is damaged in the file, a sentence each. Blocks as long as reading all of it takes.

    Raises:
        Unusable: and why.
    """
    with _explained(path):
        return sqlite_faults(path, settings.busy_seconds)


def kept_files_of_file(path: Path, settings: SqliteSettings) -> Mapping[Uid, KeptFile]:
    """Every stored file that a row in this one names. Blocks.

    Raises:
        Unusable: and why.
    """
    with _explained(path):
        return sqlite_kept_files(path, settings.busy_seconds)


def _claimed(path: Path) -> FileLock:
    """The lock on the file, which is there after this, and readable by nobody else."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise Unusable(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is the least.")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whatever name it goes by: SQLite's own files are beside the file as well, not beside a link.
    real = path.resolve()
    lock = FileLock(
        real.with_name(f"{real.name}.lock"),
        sentence=f"Another folkmoot uses {path}: stop it first, or give this one another database.",
    )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except BaseException:
        lock.release()
        raise
    return lock


def _migrate(path: Path, settings: SqliteSettings) -> bool:
    raw = connect(path, settings.busy_seconds)
    try:
        (mode,) = raw.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Unusable(f"{path} is on a disk without shared memory: use a local one.")
        return False if _is_up_to_date(raw) else _upgraded(raw)
    finally:
        raw.close()


def _is_up_to_date(raw: sqlite3.Connection) -> bool:
    """Whether the tables are this version's, in a file that could be written just now."""
    raw.execute("BEGIN EXCLUSIVE")
    try:
        found = raw.execute("SELECT name FROM sqlite_schema WHERE name = ?", (VERSION_TABLE,))
        return bool(found.fetchone()) and raw.execute(VERSION_QUERY).fetchall() == [
            (newest_version(),)
        ]
    finally:
        raw.execute("ROLLBACK")


def _upgraded(raw: sqlite3.Connection) -> bool:
    # Alembic and what it brings are an eighteenth of a start, and most starts do not need them.
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    from folkmoot.storage.schema import upgrade

    # A power cut takes all of it or nothing, and closing has all of it reach the disk.
    raw.execute("PRAGMA synchronous = NORMAL")
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", _begin_exclusive)
    with engine.begin() as connection:
        return upgrade(connection)


def _begin_exclusive(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN EXCLUSIVE")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"{path} cannot be written ({error.strerror}): "
            "check the path, its owner and its permissions."
        ) from error
    except DBAPIError as error:
        raise Unusable(_sentence(path, error.orig)) from error
    except sqlite3.Error as error:
        raise Unusable(_sentence(path, error)) from error


def _sentence(path: Path, error: BaseException | None) -> str:
    code = error_code(error) if isinstance(error, sqlite3.Error) else sqlite3.SQLITE_ERROR
    if code in _DAMAGED:
        return (
            f"{path} is damaged or no SQLite database: "
            "restore it from a backup, or move it away to begin anew."
        )
    if code in _LOCKED:
        return f"{path} is locked by another program: close whatever has it open."
    if code == sqlite3.SQLITE_FULL:
        return f"There is no room on the disk of {path}: free some."
    return f"{path} cannot be used ({error}): check the disk, the owner and the permissions."
