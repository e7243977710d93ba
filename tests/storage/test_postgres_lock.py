"""One server to a PostgreSQL database: who has it, what becomes of that, and what is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.storage import Unusable, lock_storage, migrate, open_storage
from folkmoot.storage.postgres_lock import PostgresLock
from tests.cast import enter
from tests.deadlines import WITHIN_S
from tests.patience import PATIENT_POSTGRES, opened_patiently
from tests.postgres import ONE_WORKER

pytestmark = ONE_WORKER


CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'folkmoot server' AND datname = current_database()
"""
TAKE = "SELECT pg_advisory_lock(1718578283, hashtext(current_schema()))"


async def taken(url: str) -> PostgresLock:
    lock = await lock_storage(url)
    assert lock is not None
    return lock


@asynccontextmanager
async def seen_to(lock: PostgresLock) -> AsyncIterator["asyncio.Task[None]"]:
    running = asyncio.create_task(lock.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await lock.release()


async def is_held(lock: PostgresLock, *, held: bool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            if lock.is_held is held:
                return
            await asyncio.sleep(0.01)  # polls: PostgreSQL ends sessions in its own time


@pytest.fixture
async def stranger(
    emptied_postgres_url: str,
) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(emptied_postgres_url)
    yield connection
    await connection.close()


async def test_a_second_server_is_refused_in_a_sentence_until_the_first_ends(emptied_postgres_url):
    first = await taken(emptied_postgres_url)
    with pytest.raises(Unusable, match=r"Another folkmoot serves this database \(.*since .* UTC\)"):
        await PostgresLock(emptied_postgres_url).take(patience=0.05)
    await first.release()
    await (await taken(emptied_postgres_url)).release()


async def test_migrations_and_commands_need_no_lock(emptied_postgres_url):
    lock = await taken(emptied_postgres_url)
    assert await migrate(emptied_postgres_url) is False
    beside = await opened_patiently(emptied_postgres_url)
    await beside.check()
    await beside.close()
    await lock.release()


async def test_a_session_that_was_cut_is_made_good_and_nothing_is_written_without_one(
    emptied_postgres_url, stranger
):
    lock = await taken(emptied_postgres_url)
    storage = await open_storage(emptied_postgres_url, postgres=PATIENT_POSTGRES, lock=lock)
    cast = await enter(storage)
    await stranger.execute(CUT)
    await is_held(lock, held=False)
    with pytest.raises(Unavailable):
        await cast.say(cast.ana, "hello")
    async with seen_to(lock):
        await is_held(lock, held=True)
        assert (await cast.say(cast.ana, "hello")).seq == 1
        await storage.close()


async def test_a_server_whose_database_another_has_taken_ends(emptied_postgres_url, stranger):
    lock = await taken(emptied_postgres_url)
    other = await asyncpg.connect(emptied_postgres_url)
    waiting = asyncio.create_task(other.execute(TAKE))
    async with seen_to(lock) as running:
        await stranger.execute(CUT)
        await asyncio.wait_for(waiting, WITHIN_S)
        with pytest.raises(Unusable, match="Another folkmoot serves this database"):
            await asyncio.wait_for(running, WITHIN_S)
    await other.close()


async def test_a_session_whose_end_only_its_owner_saw_keeps_nobody_out(
    emptied_postgres_url, tmp_path
):
    async with HalfOpen(emptied_postgres_url, tmp_path) as between:
        lock = await taken(between.url)
        async with seen_to(lock):
            between.cut()
            await is_held(lock, held=False)
            await is_held(lock, held=True)


class HalfOpen:
    """Stands between a client and PostgreSQL, which does not notice that the client was cut off."""

    def __init__(self, url: str, folder: Path) -> None:
        base, _, real = url.partition("?host=")
        self._real = f"{real}/.s.PGSQL.5432"
        self._path = folder / ".s.PGSQL.5432"
        self.url = f"{base}?host={folder}"
        self._clients: list[asyncio.StreamWriter] = []
        self._kept: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "HalfOpen":
        self._server = await asyncio.start_unix_server(self._serve, path=str(self._path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in (*self._clients, *self._kept):
            writer.close()

    def cut(self) -> None:
        """Cut off every client."""
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_real, to_real = await asyncio.open_unix_connection(self._real)
        self._clients.append(writer)
        self._kept.append(to_real)
        for source, target in ((reader, to_real), (from_real, writer)):
            task = asyncio.create_task(_carry(source, target))
            self._tasks.add(task)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
