"""What many processes on one PostgreSQL can do to each other, and the server to them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from folkmoot.core.accounts.errors import LastAdmin
from folkmoot.core.accounts.model import AccountChange, Role
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.pages import Page
from folkmoot.core.shared.refusals import Refusal, StorageFull, Unavailable
from folkmoot.core.social.errors import Blocked
from folkmoot.core.work import OutcomeUnknown, Storage, UnitOfWork
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.postgres import PostgresStorage
from tests.cast import NOON, Cast, CountingIds, enter
from tests.deadlines import WITHIN_S
from tests.loop_clock import LoopClock
from tests.patience import PATIENT_POSTGRES, opened_patiently
from tests.postgres import ONE_WORKER, PostgresServer
from tests.postgres_proxy import Cut, PostgresProxy, postgres_proxy

pytestmark = ONE_WORKER

CHANGE = AccountChange(full_name="Changed")
HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'folkmoot' AND state = 'idle in transaction'"
)
FULL_DISK = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON messages EXECUTE FUNCTION full_disk();
"""


@pytest.fixture
async def storage(emptied_postgres_url: str) -> AsyncIterator[Storage]:
    storage = await opened_patiently(emptied_postgres_url)
    yield storage
    await storage.close()


@pytest.fixture
async def cast(storage: Storage) -> Cast:
    return await enter(storage)


@pytest.fixture
async def elsewhere(cast: Cast, emptied_postgres_url: str) -> AsyncIterator[Cast]:
    """The same cast in another process on the same database."""
    storage = await opened_patiently(emptied_postgres_url)
    yield replace(cast, storage=storage, ids=CountingIds(process=1), events=[])
    await storage.close()


async def test_two_processes_number_without_gap_or_double(cast: Cast, elsewhere: Cast) -> None:
    said = await asyncio.gather(
        *(services.say(who, "x") for _ in range(25) for services in (cast, elsewhere) for who in
          (cast.ana, cast.bo))
    )  # fmt: skip

    assert sorted(message.seq for message in said) == list(range(1, 101))
    assert len({message.id for message in said}) == 100
    assert [event.seq for event in await elsewhere.timeline()] == list(range(1, 101))


async def test_one_client_id_in_two_processes_makes_one_message(
    cast: Cast, elsewhere: Cast
) -> None:
    for n in range(10):
        answers = await asyncio.gather(
            *(services.post(cast.draft(cast.ana, "hello", client_id=f"{n}"))
              for services in (cast, elsewhere, cast, elsewhere))
        )  # fmt: skip
        posted = [answer for (answer,) in answers if isinstance(answer, Posted)]
        assert len({each.message.uid for each in posted}) == 1
        assert sorted(each.is_repeat for each in posted) == [False, True, True, True]

    assert (await cast.head()).last_seq == 10


async def test_one_client_id_in_two_conversations_at_once_is_used_for_one(
    cast: Cast, elsewhere: Cast
) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])

    for n in range(10):
        answers = await asyncio.gather(
            cast.post(cast.draft(cast.ana, "hello", client_id=f"{n}")),
            elsewhere.post(cast.draft(cast.ana, "hello", client_id=f"{n}", where=annex)),
        )
        codes = [answer.code for (answer,) in answers if isinstance(answer, Refusal)]
        assert codes == ["client_id_reused"]


async def test_batches_that_cross_in_two_processes_both_come_through(
    cast: Cast, elsewhere: Cast
) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.bo.id])
    here = [cast.draft(cast.ana, "x"), cast.draft(cast.ana, "x", where=annex)]

    await asyncio.gather(
        *(services.post(*drafts) for _ in range(10) for services, drafts in
          ((cast, here), (elsewhere, here[::-1])))
    )  # fmt: skip

    assert (await cast.head()).last_seq == (await cast.head(annex.id)).last_seq == 20


async def test_two_writers_in_a_deadly_embrace_both_finish(cast: Cast, elsewhere: Cast) -> None:
    both_hold_one = asyncio.Barrier(2)
    runs: list[object] = []

    async def hold(services: Cast, first: int, second: int) -> None:
        async def job(work: UnitOfWork) -> None:
            runs.append(services)
            await work.accounts.change(first, CHANGE)
            if len(runs) <= 2:
                await both_hold_one.wait()
            await work.accounts.change(second, CHANGE)

        await services.storage.write(job)

    ana, bo = cast.ana.id, cast.bo.id
    await asyncio.gather(hold(cast, ana, bo), hold(elsewhere, bo, ana))

    # One of them was run again, or, on a busy machine, they met a second time.
    assert len(runs) >= 3


async def test_a_reader_sees_one_state_while_others_write(cast: Cast, elsewhere: Cast) -> None:
    await cast.say(cast.ana, "one")

    async def job(work: UnitOfWork) -> tuple[int, int]:
        head = (await work.conversations.heads([cast.lobby.id]))[cast.lobby.id]
        await elsewhere.say(cast.bo, "two")
        return head.last_seq, len(await work.timeline.after(cast.lobby.id, 0, limit=10))

    assert await cast.storage.read(job) == (1, 1)
    assert len(await cast.timeline()) == 2


async def test_nothing_judged_before_a_block_is_stored_after_it(
    cast: Cast, elsewhere: Cast
) -> None:
    async def block(work: UnitOfWork) -> None:
        await work.social.block(cast.ana.id, cast.bo.id, NOON)

    async def post(work: UnitOfWork) -> bool:
        await cast.posting.post(work, [cast.draft(cast.bo, "just in time")])
        blocking.append(asyncio.create_task(elsewhere.storage.write(block)))
        done, _ = await asyncio.wait(blocking, timeout=0.2)
        return bool(done)

    blocking: list[asyncio.Task[None]] = []
    is_blocked_already = await cast.storage.write(post)
    await blocking[0]

    assert not is_blocked_already
    with pytest.raises(Blocked):
        await cast.say(cast.bo, "too late")


async def test_two_admins_cannot_both_cease_to_be_one(cast: Cast, elsewhere: Cast) -> None:
    dot, eve = await cast.account("dot", Role.ADMIN), await cast.account("eve", Role.ADMIN)
    following: list[asyncio.Task[object]] = []

    async def demote(work: UnitOfWork) -> bool:
        await cast.accounts.set_role(work, dot.id, Role.USER)
        other = elsewhere.do(elsewhere.accounts.set_role, eve.id, Role.USER)
        following.append(asyncio.create_task(other))
        done, _ = await asyncio.wait(following, timeout=0.2)
        return bool(done)

    is_decided_already = await cast.storage.write(demote)

    assert not is_decided_already
    with pytest.raises(LastAdmin):
        await following[0]


async def test_a_constraint_that_every_run_breaks_is_told_in_the_end(cast: Cast) -> None:
    runs = 0

    async def job(work: UnitOfWork) -> None:
        nonlocal runs
        runs += 1
        login = await cast.accounts.start_login(work, cast.ana, lasting=NOON - NOON)
        await work.logins.add(login)

    with pytest.raises(ConstraintBroken):
        await cast.storage.write(job)

    assert 1 < runs < 10


async def test_a_connection_that_breaks_is_unavailable_and_the_next_is_not(
    cast: Cast, postgres: PostgresServer
) -> None:
    async def job(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(cast.ana, "lost")])
        await asyncio.to_thread(postgres.sql, HANG_UP)
        await work.accounts.count()

    with pytest.raises(Unavailable):
        await cast.storage.write(job)

    await cast.storage.check()
    assert (await cast.say(cast.ana, "hello")).seq == 1


@pytest.fixture
async def cut_off(
    cast: Cast, postgres: PostgresServer, migrated_postgres: str
) -> AsyncIterator[tuple[Cast, PostgresProxy]]:
    """The cast at the other side of a proxy that can break connections."""
    with postgres_proxy(postgres) as proxy:
        storage = await opened_patiently(proxy.url(migrated_postgres))
        yield replace(cast, storage=storage), proxy
        await storage.close()


async def renamed(work: UnitOfWork, cast: Cast) -> str:
    """A job that inserts no row with a number of its own."""
    await cast.conversations.rename(work, cast.ana.id, cast.lobby.id, "Renamed")
    return "renamed"


async def posted(work: UnitOfWork, cast: Cast) -> str:
    (answer,) = await cast.posting.post(work, [cast.draft(cast.ana, "hello")])
    assert isinstance(answer, Posted)
    return answer.message.body.content


@pytest.mark.parametrize("job", [posted, renamed])
async def test_a_commit_whose_answer_is_lost_is_known_to_have_happened(cut_off, job):
    cast, proxy = cut_off
    proxy.cut(Cut.ANSWER_LOST)

    with pytest.raises(OutcomeUnknown) as unknown:
        await cast.storage.write(lambda work: job(work, cast))

    async with asyncio.timeout(WITHIN_S):
        assert await unknown.value.outcome() in {"hello", "renamed"}
    assert (await cast.head()).last_seq == 1


@pytest.mark.parametrize("job", [posted, renamed])
async def test_a_commit_that_never_reached_the_server_is_known_not_to_have_happened(cut_off, job):
    cast, proxy = cut_off
    proxy.cut(Cut.REQUEST_LOST)

    with pytest.raises(OutcomeUnknown) as unknown:
        await cast.storage.write(lambda work: job(work, cast))

    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(Unavailable):
            await unknown.value.outcome()
    assert (await cast.head()).last_seq == 0


async def test_a_commit_that_is_under_way_is_waited_for(cut_off):
    cast, proxy = cut_off
    proxy.cut(Cut.REQUEST_LATE)
    with pytest.raises(OutcomeUnknown) as unknown:
        await cast.storage.write(lambda work: posted(work, cast))

    asked = asyncio.ensure_future(unknown.value.outcome())
    assert (await cast.head()).last_seq == 0
    proxy.hand_on()

    async with asyncio.timeout(WITHIN_S):
        assert await asked == "hello"
    assert (await cast.head()).last_seq == 1


async def test_a_commit_whose_answer_never_comes_is_known_to_have_happened(
    cast: Cast,
    postgres: PostgresServer,
    migrated_postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with postgres_proxy(postgres) as proxy:
        storage = await opened_patiently(proxy.url(migrated_postgres))
        held = proxy.cut(Cut.ANSWER_HELD)
        clock = LoopClock(monkeypatch)

        writing = asyncio.create_task(storage.write(lambda work: posted(work, cast)))
        assert await asyncio.to_thread(held.wait, WITHIN_S)
        clock.put_forward(2 * PATIENT_POSTGRES.timeout_seconds)
        with pytest.raises(OutcomeUnknown) as unknown:
            await writing

        async with asyncio.timeout(WITHIN_S):
            assert await unknown.value.outcome() == "hello"
        await storage.close()


async def test_what_changed_nothing_has_its_answer_whatever_becomes_of_the_commit(cut_off):
    cast, proxy = cut_off
    proxy.cut(Cut.ANSWER_LOST)

    with pytest.raises(Unavailable) as unavailable:
        await cast.storage.write(lambda work: work.accounts.count())

    assert not isinstance(unavailable.value, OutcomeUnknown)


async def test_a_lock_that_is_held_too_long_is_unavailable(
    cast: Cast, emptied_postgres_url: str
) -> None:
    hasty = await opened_patiently(
        emptied_postgres_url, postgres=replace(PATIENT_POSTGRES, connections=1, lock_seconds=0.2)
    )
    stranger = await asyncpg.connect(emptied_postgres_url)
    async with stranger.transaction():
        await stranger.execute("SELECT * FROM conversations FOR UPDATE")

        with pytest.raises(Unavailable):
            await replace(cast, storage=hasty).say(cast.ana, "hello")
        # Reading waits for no writer.
        assert (await replace(cast, storage=hasty).head()).last_seq == 0

    await stranger.close()
    assert (await replace(cast, storage=hasty).say(cast.ana, "hello")).seq == 1
    await hasty.close()


async def test_more_than_may_wait_are_turned_away(cast: Cast, emptied_postgres_url: str) -> None:
    small = await opened_patiently(
        emptied_postgres_url, postgres=replace(PATIENT_POSTGRES, connections=1, max_waiting=2)
    )

    answers = await asyncio.gather(
        *(replace(cast, storage=small).head() for _ in range(5)), return_exceptions=True
    )

    assert [isinstance(answer, Unavailable) for answer in answers] == [False] * 2 + [True] * 3
    await small.close()


async def test_a_full_disk_is_storage_full(cast: Cast, emptied_postgres_url: str) -> None:
    stranger = await asyncpg.connect(emptied_postgres_url)
    await stranger.execute(FULL_DISK)

    with pytest.raises(StorageFull):
        await cast.say(cast.ana, "hello")

    await stranger.execute("DROP FUNCTION full_disk CASCADE")
    await stranger.close()
    assert (await cast.say(cast.ana, "hello")).seq == 1


async def test_a_commit_waits_for_the_disk(cast: Cast) -> None:
    assert isinstance(cast.storage, PostgresStorage)
    async with cast.storage._pool.acquire() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"


async def test_a_job_that_raised_gives_its_connection_back(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> None:
        await work.views.page(cast.lobby.id, Page(1))
        raise LookupError

    for _ in range(25):
        with pytest.raises(LookupError):
            await cast.storage.write(job)

    await cast.storage.check()


NO_ROOM = """
    CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
    CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS')
        EXECUTE FUNCTION no_room();
"""


async def test_where_a_few_kilobytes_find_no_room_the_disk_is_full(
    cast: Cast, emptied_postgres_url: str
) -> None:
    stranger = await asyncpg.connect(emptied_postgres_url)
    await stranger.execute(NO_ROOM)
    try:
        with pytest.raises(StorageFull):
            await cast.storage.check()
    finally:
        await stranger.execute("DROP FUNCTION no_room CASCADE")
    await cast.storage.check()
    assert await stranger.fetchval("SELECT to_regclass('room_for_messages')") is None
    await stranger.close()
