"""Storage in PostgreSQL: a pool of connections, one for each unit of work."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg
from asyncpg.transaction import Transaction

from folkmoot.core.shared.refusals import ServerPart, StorageFull, Unavailable
from folkmoot.core.work import Job, OutcomeUnknown, Result
from folkmoot.storage.errors import ConstraintBroken, KeyTaken, ReadingOnly
from folkmoot.storage.postgres_connecting import local_settings
from folkmoot.storage.postgres_lock import PostgresLock
from folkmoot.storage.postgres_settings import PostgresSettings
from folkmoot.storage.sql.executor import Row
from folkmoot.storage.sql.statements import Params, Statement
from folkmoot.storage.sql.work import SqlWork

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs only.
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]

_TRIES = 5
_CACHED_STATEMENTS = 256
_PROOF_SECONDS = 1.0
_ROOM_SECONDS = 10.0
# 64 KiB, of texts too short to be compressed.
_ROOM = (
    "CREATE UNLOGGED TABLE room_for_messages AS"
    " SELECT repeat('x', 1900) AS filling FROM generate_series(1, 35)"
)
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.5
# https://www.postgresql.org/docs/current/errcodes-appendix.html, by class and by code.
_SERVER_AT_FAULT = ("08", "25P", "53", "55P03", "57", "58", "F0", "XX")
_COLLISIONS = ("40001", "40P01")
_ROLLED_BACK = ("23", "40")
_REASONS = {
    "25006": "it cannot be written",
    "53200": "it has not enough memory",
    "53300": "it has too many connections",
    "55P03": "a lock was held too long",
    "57014": "a statement took too long",
    "57P01": "it is shutting down",
    "57P02": "it is shutting down",
    "57P03": "it is starting or shutting down",
    "58030": "its disk failed to read or write",
}
_DRIVER_FAILED = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class Collision(Unavailable):
    """Two writers stood in each other's way; the job can be run again."""

    part = ServerPart.DATABASE
    reason = "too many writers stand in each other's way"


def limits_of(settings: PostgresSettings) -> Mapping[str, str]:
    """What holds in every transaction: it waits for nothing longer than the settings allow."""
    millis = str(round(settings.timeout_seconds * 1000))
    return {
        "synchronous_commit": "on",
        "statement_timeout": millis,
        "lock_timeout": str(round(settings.lock_seconds * 1000)),
        # A process that is frozen in mid-transaction must not hold everybody's heads.
        "idle_in_transaction_session_timeout": millis,
        "jit": "off",
    }


async def connected_pool(dsn: str, settings: PostgresSettings, *, is_pooled: bool) -> "Pool":
    """Connections, whose sessions hold to the limits where these are theirs alone."""
    limits = {} if is_pooled else limits_of(settings)
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=settings.connections,
        timeout=settings.timeout_seconds,
        command_timeout=settings.timeout_seconds * 1.5,
        statement_cache_size=0 if is_pooled else _CACHED_STATEMENTS,
        reset=_leave_as_is,
        server_settings={"application_name": "folkmoot", **limits},
    )


class PostgresStorage:
    """`Storage` in a database that was migrated; a server writes while it holds the ``lock``.

    With ``is_pooled``, each transaction says its limits anew: its session is anybody's.
    """

    def __init__(
        self,
        pool: "Pool",
        settings: PostgresSettings,
        lock: PostgresLock | None = None,
        *,
        is_pooled: bool = False,
    ) -> None:
        self._limits = local_settings(limits_of(settings)) if is_pooled else ""
        self._pool = pool
        self._settings = settings
        self._lock = lock
        self._unfinished = 0
        self._late: set[asyncio.Task[Any]] = set()
        self._stored_at = self._room_is_known_until = float("-inf")

    async def write(self, job: Job[Result]) -> Result:
        try:
            return await self._write(job)
        except Unavailable as fault:
            self._stored_at = float("-inf")
            if isinstance(fault, StorageFull):
                self._room_is_known_until = float("-inf")
            raise

    async def read(self, job: Job[Result]) -> Result:
        reading = asyncio.create_task(self._run(job, is_writing=False))
        try:
            await asyncio.wait((reading,), timeout=self._settings.answer_seconds)
        except asyncio.CancelledError:
            reading.cancel()
            raise
        if not reading.done():
            # Cancelled, it would wait for PostgreSQL to hear of that.
            self._late.add(reading)
            reading.add_done_callback(self._forget)
            raise Unavailable("it does not answer in time", part=ServerPart.DATABASE)
        return reading.result()

    async def check(self) -> None:
        now = time.monotonic()
        async with self._connection(is_writing=True) as connection:
            if now >= self._room_is_known_until:
                await _check_room(connection)
                self._room_is_known_until = now + _ROOM_SECONDS
            if now - self._stored_at >= _PROOF_SECONDS:
                async with connection.transaction():
                    await self._limit(connection)
                    await connection.execute("UPDATE alembic_version SET version_num = version_num")

    async def _limit(self, connection: "Connection") -> None:
        if self._limits:
            await connection.execute(self._limits)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        await asyncio.gather(*self._late, return_exceptions=True)

    def _forget(self, late: "asyncio.Task[Any]") -> None:
        """What came of a read that nobody waits for any more is nobody's."""
        self._late.discard(late)
        if not late.cancelled():
            late.exception()

    async def _write(self, job: Job[Result]) -> Result:
        for _ in range(_TRIES - 1):
            try:
                return await self._run(job, is_writing=True)
            except (Collision, KeyTaken):
                continue
        return await self._run(job, is_writing=True)

    async def _run(self, job: Job[Result], *, is_writing: bool) -> Result:
        isolation: Literal["read_committed", "repeatable_read"] = (
            # Whoever waited for a head must see what was done to it meanwhile.
            "read_committed" if is_writing else "repeatable_read"
        )
        async with self._connection(is_writing=is_writing) as connection:
            executor = _PostgresExecutor(connection, is_writing=is_writing)
            transaction = connection.transaction(isolation=isolation, readonly=not is_writing)
            await transaction.start()
            try:
                await self._limit(connection)
                result = await job(SqlWork(executor))
                number = await executor.transaction_number() if is_writing else None
            except BaseException:
                await _roll_back(transaction)
                raise
            try:
                await transaction.commit()
            except _DRIVER_FAILED as error:
                if number is None or _is_refused(error):
                    raise
                with suppress(asyncpg.InterfaceError):  # Gone already.
                    # Or giving it back would wait for the answer that does not come.
                    connection.terminate()
                told = _told(error, is_writing=True)
                reason = told.reason if isinstance(told, Unavailable) else ""
                outcome = partial(self._outcome, number, result)
                raise OutcomeUnknown(reason, outcome) from error
            if number is not None:
                self._stored_at = time.monotonic()
            return result

    async def _outcome(self, number: int, result: Result) -> Result:
        """The result, once the transaction is known to have been committed.

        Raises:
            Unavailable: it was not, or the database has forgotten it.
        """
        pause = _SHORTEST_PAUSE_SECONDS
        while (status := await self._status_of(number)) in {"in progress", None}:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if status == "committed":
            return result
        raise Unavailable("the connection to it broke", part=ServerPart.DATABASE)

    async def _status_of(self, number: int) -> str | None:
        """What became of a transaction; ``None`` while nobody can be asked."""
        try:
            async with self._connection(is_writing=False) as connection:
                # No status: so long ago, or so far ahead, that it was another database's.
                found = "SELECT coalesce(txid_status($1), 'unknown')"
                status: str = await connection.fetchval(found, number)
                return status
        except asyncpg.DataError:
            return "unknown"
        except Unavailable:
            return None

    @asynccontextmanager
    async def _connection(self, *, is_writing: bool) -> AsyncIterator["Connection"]:
        """A free connection; what goes wrong with it is told in the words of the core."""
        if self._unfinished >= self._settings.max_waiting:
            raise Unavailable("too many wait for it", part=ServerPart.DATABASE)
        if is_writing and self._lock is not None and not self._lock.is_held:
            raise Unavailable("another server might have it by now", part=ServerPart.DATABASE)
        self._unfinished += 1
        try:
            async with self._pool.acquire(timeout=self._settings.timeout_seconds) as connection:
                yield connection
        except _DRIVER_FAILED as error:
            raise _told(error, is_writing=is_writing) from error
        finally:
            self._unfinished -= 1


class _PostgresExecutor:
    """`Executor` on one connection, inside its transaction."""

    has_word_table = False

    def __init__(self, connection: "Connection", *, is_writing: bool) -> None:
        self._connection = connection
        self.is_writing = is_writing
        self._transaction_number: int | None = None

    async def transaction_number(self) -> int | None:
        """By what the database can be asked later what became of this; none: nothing was written.

        Where a message or conversation was inserted, that has told it already.
        """
        if self._transaction_number is None:
            query = "SELECT txid_current_if_assigned()"
            self._transaction_number = await self._connection.fetchval(query)
        return self._transaction_number

    def note_deleted_words(self) -> None:
        """Nothing to do: there is no such table."""

    async def rows(self, statement: Statement, params: Params) -> Sequence[Row]:
        prepared = statement.postgres
        try:
            return await self._connection.fetch(prepared.text, *prepared.arguments(params))
        except _DRIVER_FAILED as error:
            raise _told(error, is_writing=self.is_writing) from error

    async def run(self, statement: Statement, params: Params) -> None:
        await self.rows(statement, params)

    async def run_many(self, statement: Statement, params: Sequence[Params]) -> None:
        prepared = statement.postgres
        try:
            await self._connection.executemany(prepared.text, map(prepared.arguments, params))
        except _DRIVER_FAILED as error:
            raise _told(error, is_writing=self.is_writing) from error

    async def insert(self, statement: Statement, params: Sequence[Params]) -> Sequence[int]:
        prepared = statement.postgres
        text = f"{prepared.text} RETURNING id, txid_current()"
        try:
            rows = await self._connection.fetchmany(text, map(prepared.arguments, params))
        except _DRIVER_FAILED as error:
            raise _told(error, is_writing=self.is_writing) from error
        if rows:
            self._transaction_number = rows[0][1]
        return [row[0] for row in rows]


async def _roll_back(transaction: Transaction) -> None:
    """Take back what a job did; where the connection has gone, the database does so by itself."""
    with suppress(*_DRIVER_FAILED):
        await transaction.rollback()


def _is_refused(error: BaseException) -> bool:
    """Whether the database has said in so many words that it did not commit."""
    code = getattr(error, "sqlstate", None) or ""
    return code.startswith(_ROLLED_BACK)


async def _check_room(connection: "Connection") -> None:
    """Take some room, and give it back; a small change may find some where a message does not."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(_ROOM)
    except asyncpg.InsufficientPrivilegeError:
        pass  # Whoever may make no tables cannot be told.
    finally:
        await _roll_back(transaction)


async def _leave_as_is(_connection: object) -> None:
    """Nothing outlives a transaction here, so there is nothing to ask the server to reset."""


def _told(error: BaseException, *, is_writing: bool) -> BaseException:
    """What the driver said, in words that the callers of a `Storage` know."""
    if isinstance(error, asyncpg.OutdatedSchemaCacheError):
        return Collision()
    if not isinstance(error, asyncpg.PostgresError):
        # A value that the driver cannot encode is our bug; all the rest is the connection.
        return error if isinstance(error, asyncpg.DataError) else _unreachable(error)
    code = error.sqlstate or ""
    if code in _COLLISIONS:
        return Collision()
    if code == asyncpg.UniqueViolationError.sqlstate:
        return KeyTaken(str(error))
    if code.startswith("23"):
        return ConstraintBroken(str(error))
    if code == asyncpg.DiskFullError.sqlstate:
        return StorageFull()
    if code == asyncpg.ReadOnlySQLTransactionError.sqlstate:
        return _failing(code) if is_writing else ReadingOnly(str(error))
    return _failing(code) if code.startswith(_SERVER_AT_FAULT) else error


def _failing(code: str) -> Unavailable:
    return Unavailable(_REASONS.get(code, f"it says {code}"), part=ServerPart.DATABASE)


def _unreachable(error: BaseException) -> Unavailable:
    if isinstance(error, ConnectionRefusedError):
        reason = "it refuses connections"
    elif isinstance(error, TimeoutError):
        reason = "it does not answer in time"
    else:
        reason = "the connection to it broke"
    return Unavailable(reason, part=ServerPart.DATABASE)
