"""From a URL to a `Storage` that is ready to use.

``memory://`` keeps nothing, ``sqlite:///relative/path`` and ``sqlite:////absolute/path`` one file,
``postgresql://user:password@host:port/name`` is for many processes. What one of them needs is
imported only for it: the ORM comes with SQLAlchemy's way to asyncpg, a sixth of a start.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.core.work import Storage
from folkmoot.storage.errors import Unusable
from folkmoot.storage.postgres_settings import PostgresSettings
from folkmoot.storage.sqlite import SqliteSettings
from folkmoot.storage.sqlite_file import (
    file_faults,
    kept_files_of_file,
    migrate_file,
    open_file,
)

if TYPE_CHECKING:
    from folkmoot.storage.postgres_lock import PostgresLock

_SQLITE = SqliteSettings()
_POSTGRES = PostgresSettings()
_FORMS = "write postgresql://user:password@host/name, or leave it out to have SQLite"
_POSTGRES_NAMES = {"postgresql", "postgres", "postgresql+asyncpg"}


async def lock_storage(url: str) -> "PostgresLock | None":
    """What a server holds so that no other serves the same database, before it opens it.

    ``None`` for a file, which whoever has it open has locked already, and for memory.

    Raises:
        Unusable: another server has it, or it cannot be opened; one sentence says so.
    """
    parsed = _parsed(url)
    if parsed.drivername not in _POSTGRES_NAMES:
        return None
    from folkmoot.storage import postgres_database

    return await postgres_database.lock_database(parsed)


async def open_storage(
    url: str,
    *,
    sqlite: SqliteSettings = _SQLITE,
    postgres: PostgresSettings = _POSTGRES,
    lock: "PostgresLock | None" = None,
) -> Storage:
    """Storage at the URL, its tables brought up to date; with a ``lock``, only while it is held.

    Raises:
        Unusable: it cannot be opened; one sentence says why and what to do.
    """
    parsed = _parsed(url)
    if parsed.drivername == "memory":
        from folkmoot.storage.memory.storage import MemoryStorage

        return MemoryStorage()
    if parsed.drivername == "sqlite":
        return await asyncio.to_thread(open_file, _path(parsed), sqlite)
    from folkmoot.storage import postgres_database

    return await postgres_database.open_database(parsed, postgres, lock)


async def migrate(url: str) -> bool:
    """Bring the tables at the URL up to date; whether anything was missing.

    Raises:
        Unusable: it cannot be opened; one sentence says why and what to do.
    """
    parsed = _parsed(url)
    if parsed.drivername == "memory":
        return False
    if parsed.drivername == "sqlite":
        return await asyncio.to_thread(migrate_file, _path(parsed), _SQLITE)
    from folkmoot.storage import postgres_database

    return await postgres_database.migrate_database(parsed, _POSTGRES)


async def examine(url: str) -> Sequence[str]:
    """Read the whole database, beside whoever uses it, and say what is damaged, a sentence each.

    Raises:
        Unusable: it cannot be looked into; one sentence says why.
    """
    parsed = _parsed(url)
    if parsed.drivername == "memory":
        return ()
    if parsed.drivername == "sqlite":
        return await asyncio.to_thread(file_faults, _path(parsed), _SQLITE)
    from folkmoot.storage import postgres_database

    return await postgres_database.examine_database(parsed, _POSTGRES)


async def kept_files(url: str) -> Mapping[Uid, KeptFile]:
    """Every stored file that a row names, read beside whoever uses the database.

    Raises:
        Unusable: it cannot be looked into; one sentence says why.
    """
    parsed = _parsed(url)
    if parsed.drivername == "memory":
        return {}
    if parsed.drivername == "sqlite":
        return await asyncio.to_thread(kept_files_of_file, _path(parsed), _SQLITE)
    from folkmoot.storage import postgres_database

    return await postgres_database.kept_files_of_database(parsed, _POSTGRES)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Unusable(f"The database URL is not a URL: {_FORMS}.") from None
    if parsed.drivername not in {"memory", "sqlite", *_POSTGRES_NAMES}:
        raise Unusable(f"No database goes by {parsed.drivername}://: {_FORMS}.")
    return parsed


def _path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise Unusable("A sqlite:/// URL needs a path; memory:// keeps everything in memory.")
    return Path(url.database)
