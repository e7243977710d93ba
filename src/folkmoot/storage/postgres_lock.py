"""One server to a PostgreSQL database, held by an advisory lock on a connection of its own.

A session holds the lock; behind a pooler, which gives that session to others, a transaction that
stays open.

What one server announces, another does not hear: until a bus between processes carries it, two on
one database would each leave out the other's clients. SQLite's equal is `filelock`.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg

from folkmoot.storage.errors import Unusable
from folkmoot.storage.postgres_connecting import (
    connect,
    is_pooled,
    local_settings,
    session_settings,
)

if TYPE_CHECKING:
    # Generic in the stubs only.
    Session: TypeAlias = asyncpg.Connection[asyncpg.Record]

ASK_EVERY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 3.0
"""For how long a server that begins waits for one that has just ended, or was killed."""

# Any number, as long as every version of folkmoot uses the same one; the other half of the key is
# the schema, so that two servers may share a database in schemas of their own.
_SERVER_LOCK: Final = 0x666F6C6B
_TAKE: Final = "SELECT pg_advisory_lock($1, hashtext(current_schema()))"
_TAKE_POOLED: Final = "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))"
_BEGIN_POOLED: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_KEPT_OPEN: Final = {"idle_in_transaction_session_timeout": "0", "statement_timeout": "0"}
_KEPT_LONG: Final = (
    "SELECT set_config('transaction_timeout', '0', true)"
    " WHERE current_setting('server_version_num')::int >= 170000"
)
_SELF: Final = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_HOLDER: Final = """
    SELECT pg_locks.pid, backend_start, client_addr FROM pg_locks
    LEFT JOIN pg_stat_activity AS session ON session.pid = pg_locks.pid
    WHERE locktype = 'advisory' AND granted AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = $1
        AND objid::bigint = hashtext(current_schema())::bigint & 4294967295
"""
_FAILED: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_log = logging.getLogger(__name__)


class PostgresLock:
    """Held from `take` to `release`, or until its session ends; then taken again by `run`.

    The session alone decides: while its connection stands, PostgreSQL gives the lock to nobody
    else, however long it does not answer.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: Session | None = None
        self._id: tuple[int, object] | None = None
        self._lost = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether no other server can have the database."""
        return self._session is not None

    async def take(self, patience: float = PATIENCE_SECONDS) -> None:
        """Take the lock; a server that has it is given a moment to end.

        Raises:
            Unusable: another server has the database; the sentence says since when.
            asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError: and why.
        """
        session = await connect(
            self._dsn,
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            application_name="folkmoot server",
        )
        limits = {
            "lock_timeout": str(round(patience * 1000)),
            # A server whose machine is gone must not keep the next one out for hours.
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        }
        try:
            begin = ""
            if await is_pooled(session):
                begin = f"{_BEGIN_POOLED}; {local_settings(limits | _KEPT_OPEN)}; {_KEPT_LONG}"
            else:
                await session.execute(session_settings(limits))
            await self._lock(session, begin)
            row = await session.fetchrow(_SELF)
            self._id = (row["pid"], row["backend_start"]) if row else None
        except BaseException:
            session.terminate()
            raise
        self._lost.clear()
        self._session = session
        session.add_termination_listener(self._note_end)
        if session.is_closed():
            self._note_end(session)

    async def run(self) -> None:
        """See that the lock is held, and take it again when its session was lost; until cancelled.

        Raises:
            Unusable: another server has the database now.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_EVERY_SECONDS):
                    await self._lost.wait()
            try:
                if self._session is None:
                    await self._take_again()
                else:
                    await self._session.execute("SELECT 1")
            except _FAILED:
                self._let_go()
                await asyncio.sleep(AGAIN_SECONDS)

    async def release(self) -> None:
        """Let go."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(*_FAILED):
                await session.close(timeout=1.0)

    async def _lock(self, session: "Session", begin: str) -> None:
        """Take the lock, in a transaction that ``begin`` opens, or by the session."""
        take = _TAKE_POOLED if begin else _TAKE
        try:
            if begin:
                await session.execute(begin)
            await session.execute(take, _SERVER_LOCK)
        except asyncpg.LockNotAvailableError:
            if begin:
                await session.execute("ROLLBACK")
            holder = await session.fetchrow(_HOLDER, _SERVER_LOCK)
            if holder is not None and (holder["pid"], holder["backend_start"]) == self._id:
                # Our own session, whose end PostgreSQL has not noticed yet.
                await session.execute("SELECT pg_terminate_backend($1)", holder["pid"])
                if begin:
                    await session.execute(begin)
                await session.execute(take, _SERVER_LOCK)
                return
            raise Unusable(_sentence(holder)) from None

    async def _take_again(self) -> None:
        await self.take()
        _log.warning("the database is this server's again, after its session was lost")

    def _note_end(self, session: object) -> None:
        if session is self._session:
            _log.warning("the session that holds the database for this server was lost")
            self._session = None
            self._lost.set()

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.terminate()
        self._lost.set()


def _sentence(holder: "asyncpg.Record | None") -> str:
    facts = []
    if holder is not None and holder["client_addr"] is not None:
        facts.append(f"from {holder['client_addr']}")
    if holder is not None and holder["backend_start"] is not None:
        facts.append(f"since {holder['backend_start']:%Y-%m-%d %H:%M:%S} UTC")
    known = f" ({', '.join(facts)})" if facts else ""
    return (
        f"Another folkmoot serves this database{known}: "
        "stop it first, or give this one another database."
    )
