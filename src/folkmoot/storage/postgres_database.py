"""Making a PostgreSQL database ready: its tables, and what to say if it cannot be used."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.storage.errors import Unusable
from folkmoot.storage.postgres import PostgresStorage, connected_pool
from folkmoot.storage.postgres_connecting import connect, is_pooled, refuse_settings_of_sessions
from folkmoot.storage.postgres_examination import postgres_faults, postgres_kept_files
from folkmoot.storage.postgres_lock import PostgresLock
from folkmoot.storage.postgres_settings import PostgresSettings
from folkmoot.storage.schema_version import VERSION_QUERY, VERSION_TABLE, newest_version

Result = TypeVar("Result")

# Any number, as long as every version of folkmoot uses the same one.
_MIGRATION_LOCK = 0x666F6C6B6D6F6F74 & 0x7FFFFFFF
_OLDEST = 13_00_00
_HAS_TABLE = "SELECT to_regclass(quote_ident(current_schema()) || '.' || $1)"


async def open_database(
    url: URL, settings: PostgresSettings, lock: PostgresLock | None = None
) -> PostgresStorage:
    """Storage in this database, migrated if need be; it writes only while the ``lock`` is held.

    Raises:
        Unusable: and why.
    """
    _, pooled = await _made_ready(url, settings)
    async with _explained(url):
        pool = await connected_pool(_dsn(url), settings, is_pooled=pooled)
        return PostgresStorage(pool, settings, lock, is_pooled=pooled)


async def lock_database(url: URL) -> PostgresLock:
    """The lock of the one server that this database has.

    Raises:
        Unusable: another server has it, or the database cannot be used; and why.
    """
    lock = PostgresLock(_dsn(url))
    async with _explained(url):
        await lock.take()
    return lock


async def migrate_database(url: URL, settings: PostgresSettings) -> bool:
    """Whether the database lacked tables that it has now; of many at once, one migrates.

    Raises:
        Unusable: and why.
    """
    migrated, _ = await _made_ready(url, settings)
    return migrated


async def _made_ready(url: URL, settings: PostgresSettings) -> tuple[bool, bool]:
    """Whether the database lacked tables that it has now, and whether it is behind a pooler.

    Raises:
        Unusable: and why.
    """

    async def connected(**_: object) -> asyncpg.Connection:
        return await connect(_dsn(url), timeout=settings.timeout_seconds)

    async with _explained(url):
        connection = await connected()
        try:
            pooled = await is_pooled(connection)
            if pooled:
                refuse_settings_of_sessions(url)
            if await _is_up_to_date(connection):
                return False, pooled
        finally:
            await connection.close()
        return await _upgraded(connected), pooled


async def _is_up_to_date(connection: asyncpg.Connection) -> bool:
    """Whether the tables are this version's, in a database that folkmoot can work with.

    Raises:
        Unusable: it cannot.
    """
    version = await connection.fetchval("SHOW server_version_num")
    _refuse_unfit(int(version), await connection.fetchval("SHOW server_encoding"))
    if await connection.fetchval(_HAS_TABLE, VERSION_TABLE) is None:
        return False
    found = [row[0] for row in await connection.fetch(VERSION_QUERY)]
    return found == [newest_version()]


async def _upgraded(connect: Callable[..., Awaitable[asyncpg.Connection]]) -> bool:
    # The ORM and alembic are a fifth of a start, and most starts do not need them.
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    from folkmoot.storage.schema import upgrade

    # Behind a pooler a session keeps what was prepared in it, and meets the same names again.
    options = {
        "async_creator_fn": connect,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"folkmoot_{secrets.token_hex(8)}",
    }
    engine = create_async_engine("postgresql+asyncpg://", connect_args=options, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK}
            )
            return await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


async def examine_database(url: URL, settings: PostgresSettings) -> Sequence[str]:
    """What is damaged in it, a sentence each.

    Raises:
        Unusable: it cannot be looked into; and why.
    """
    return await _seen(url, settings, postgres_faults)


async def kept_files_of_database(url: URL, settings: PostgresSettings) -> Mapping[Uid, KeptFile]:
    """Every file that a row of it names.

    Raises:
        Unusable: it cannot be looked into; and why.
    """
    return await _seen(url, settings, postgres_kept_files)


async def _seen(
    url: URL,
    settings: PostgresSettings,
    look: Callable[[asyncpg.Connection], Awaitable[Result]],
) -> Result:
    async with _explained(url):
        connection = await connect(_dsn(url), timeout=settings.timeout_seconds)
        try:
            return await look(connection)
        finally:
            await connection.close()


def _refuse_unfit(version: int, encoding: str) -> None:
    if version < _OLDEST:
        raise Unusable(f"PostgreSQL {version // 10_000} is too old: upgrade it, 13 is the least.")
    if encoding != "UTF8":
        raise Unusable(f"The database keeps text as {encoding}: create it with ENCODING 'UTF8'.")


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def _explained(url: URL) -> AsyncIterator[None]:
    """One sentence for whatever goes wrong; the password is in none."""
    try:
        yield
    except DBAPIError as error:
        # SQLAlchemy wraps what the driver raised, twice.
        raise Unusable(_sentence(url, (error.orig and error.orig.__cause__) or error)) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unusable(_sentence(url, error)) from error


def _sentence(url: URL, error: BaseException) -> str:
    name = f"PostgreSQL at {url.host or 'the local socket'}"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{name} does not let {url.username!r} in: check the user and the password."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"{name} has no database {url.database!r}: create it first."
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return f"{name} does not let {url.username!r} make tables: grant it the right to."
    reason = " ".join(str(error).split()) or "it does not answer"
    if "unsupported startup parameter" in reason:
        return (
            f"The pooler before {name} does not take it from FOLKMOOT_DATABASE ({reason}): "
            "give it to the role (ALTER ROLE … SET …) instead."
        )
    if "statement pooling" in reason:
        return f"The pooler before {name} knows no transactions: set its pool_mode to transaction."
    return f"{name} cannot be used ({reason}): see that it runs, and check FOLKMOOT_DATABASE."
