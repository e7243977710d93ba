"""PostgreSQL behind a pooler, whose sessions are anybody's from one transaction to the next."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import Storage
from folkmoot.storage import (
    PostgresSettings,
    Unusable,
    examine,
    lock_storage,
    migrate,
    open_storage,
)
from folkmoot.storage.postgres_lock import PostgresLock
from tests.cast import enter
from tests.deadlines import WITHIN_S
from tests.pgbouncer import POOL_SIZE, PgBouncer, pgbouncer
from tests.postgres import ONE_WORKER, PostgresServer
from tests.storage.test_postgres_lock import is_held, seen_to

pytestmark = [ONE_WORKER, pytest.mark.program]

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'folkmoot server' AND datname = current_database()
"""


@pytest.fixture(params=["transaction", "session"])
def pooler(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[PgBouncer]:
    size = {} if request.param == "transaction" else {"default_pool_size": "20"}
    with pgbouncer(postgres, request.param, **size) as pooler:
        yield pooler


@pytest.fixture
def by_transaction(postgres: PostgresServer) -> Iterator[PgBouncer]:
    with pgbouncer(postgres, "transaction") as pooler:
        yield pooler


@pytest.fixture
async def lock(pooler: PgBouncer, database: str) -> AsyncIterator[PostgresLock]:
    lock = await lock_storage(pooler.url(database))
    assert lock is not None
    yield lock
    await lock.release()


@pytest.fixture
async def storage(pooler: PgBouncer, database: str, lock: PostgresLock) -> AsyncIterator[Storage]:
    storage = await open_storage(pooler.url(database), lock=lock)
    yield storage
    await storage.close()


async def test_what_many_say_at_once_is_stored_in_order(storage, pooler, database, postgres_url):
    cast = await enter(storage)
    async with asyncio.timeout(WITHIN_S):
        said = await asyncio.gather(*(cast.say(cast.ana, f"word {n}") for n in range(40)))
    await storage.check()
    assert sorted(message.seq for message in said) == list(range(1, 41))
    assert await examine(pooler.url(database)) == []


async def test_fewer_sessions_than_connections_serve_all(by_transaction, database, postgres_url):
    url = by_transaction.url(database)
    assert await migrate(url) is True
    assert await migrate(url) is False
    storage = await open_storage(url)
    cast = await enter(storage)
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(*(cast.say(cast.ana, f"word {n}") for n in range(40)))
    stranger = await asyncpg.connect(postgres_url)
    assert await stranger.fetchval(BACKENDS) <= POOL_SIZE + 1
    await stranger.close()
    await storage.close()


@pytest.mark.parametrize("is_direct", [False, True])
async def test_a_second_server_is_refused_whichever_way_it_comes(
    storage, lock, pooler, database, postgres_url, is_direct
):
    cast = await enter(storage)
    await asyncio.gather(*(cast.say(cast.ana, f"word {n}") for n in range(20)))
    other = PostgresLock(postgres_url if is_direct else pooler.url(database))
    with pytest.raises(Unusable, match="Another folkmoot serves this database"):
        await other.take(patience=0.05)
    await lock.release()
    await other.take(patience=WITHIN_S)
    await other.release()


async def test_a_lock_whose_session_was_cut_is_taken_again(storage, lock, postgres_url):
    stranger = await asyncpg.connect(postgres_url)
    cast = await enter(storage)
    assert await stranger.fetch(CUT)
    await is_held(lock, held=False)
    async with seen_to(lock):
        await is_held(lock, held=True)
        assert (await cast.say(cast.ana, "hello")).seq == 1
    await stranger.close()


async def test_each_transaction_keeps_to_its_limits_and_leaves_none_behind(
    by_transaction, database, postgres_url
):
    url = by_transaction.url(database)
    storage = await open_storage(url, postgres=PostgresSettings(lock_seconds=0.05))
    cast = await enter(storage)
    stranger = await asyncpg.connect(postgres_url)
    async with stranger.transaction():
        await stranger.execute("LOCK TABLE conversations")
        with pytest.raises(Unavailable) as told:
            await cast.say(cast.ana, "hello")
    assert told.value.reason == "a lock was held too long"
    for setting in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        behind = await asyncpg.connect(url, statement_cache_size=0)
        assert await behind.fetchval(f"SHOW {setting}") == "0"
        await behind.close()
    await stranger.close()
    await storage.close()


@pytest.mark.parametrize(
    ("options", "query", "sentence"),
    [
        ({"pool_mode": "statement"}, "", "knows no transactions: set its pool_mode to transaction"),
        ({}, "?search_path=mine", "unsupported startup parameter: search_path"),
        ({}, "?statement_timeout=5", r"give it to the role \(ALTER ROLE"),
        (
            {"ignore_startup_parameters": "search_path"},
            "?search_path=mine",
            "search_path in FOLKMOOT_DATABASE does not pass one",
        ),
    ],
)
async def test_what_cannot_be_behind_a_pooler_is_refused_in_a_sentence(
    postgres, database, options, query, sentence
):
    with (
        pgbouncer(postgres, **{"pool_mode": "transaction", **options}) as pooler,
        pytest.raises(Unusable, match=sentence),
    ):
        await open_storage(f"{pooler.url(database)}{query}")
