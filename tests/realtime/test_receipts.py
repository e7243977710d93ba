"""Receipts on their way to storage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from folkmoot.bus.topics import EVERYTHING
from folkmoot.core.conversations.events import ReadMoved
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.shared.refusals import StorageFull
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.writer import ShuttingDown
from folkmoot.storage.memory.storage import MemoryStorage
from tests.bus.buses import Calling
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import MemoryServer, heard, memory_server


class Disk(MemoryStorage):
    """A storage whose disk the test can fill; it counts what is written."""

    is_full = False
    writes = 0

    async def write(self, job):
        self.writes += 1
        if self.is_full:
            raise StorageFull
        return await super().write(job)


def mark(server: MemoryServer, account, seq: int) -> ReadMark:
    return ReadMark(server.cast.lobby.id, account.id, seq)


async def read_seqs(server: MemoryServer) -> dict[str, int]:
    lobby = server.cast.lobby.id
    members = (await server.cast.see(lambda work: work.conversations.members([lobby])))[lobby]
    return {member.person.username: member.read_seq for member in members}


@asynccontextmanager
async def running(receipts: Receipts) -> AsyncIterator[None]:
    task = asyncio.create_task(receipts.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            yield
    finally:
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)


@pytest.fixture
async def spoken(server: MemoryServer) -> MemoryServer:
    """The LOBBY after Ana has said three things."""
    for content in ("one", "two", "three"):
        await server.say(server.cast.ana, content)
    return server


async def test_of_many_claims_the_highest_of_each_member_is_stored_by_one_write():
    disk = Disk()
    async with memory_server(disk) as server:
        for content in ("one", "two", "three"):
            await server.say(server.cast.ana, content)
        ana = await server.listen(server.cast.ana)
        before = disk.writes
        for seq in (1, 3, 2):
            server.services.receipts.claim_read(mark(server, server.cast.bo, seq))
        await server.services.receipts.flush()
        assert disk.writes - before == 1
        assert heard(ana) == ["ReadMoved bo 3"]


async def test_a_watermark_never_goes_back_nor_beyond_the_end(spoken):
    receipts = spoken.services.receipts
    await receipts.store_read([mark(spoken, spoken.cast.bo, 99)])
    assert (await read_seqs(spoken))["bo"] == 3
    await receipts.store_read([mark(spoken, spoken.cast.bo, 1)])
    assert (await read_seqs(spoken))["bo"] == 3


async def test_a_claim_that_is_no_news_is_not_announced(spoken):
    await spoken.services.receipts.store_read([mark(spoken, spoken.cast.bo, 2)])
    ana = await spoken.listen(spoken.cast.ana)
    await spoken.services.receipts.store_read([mark(spoken, spoken.cast.bo, 2)])
    assert heard(ana) == []


async def test_claims_of_strangers_and_of_nowhere_are_void(spoken):
    nowhere = ReadMark(spoken.cast.lobby.id + 1, spoken.cast.bo.id, 1)
    await spoken.services.receipts.store_read([mark(spoken, spoken.cast.cy, 2), nowhere])
    assert await read_seqs(spoken) == {"ana": 3, "bo": 0}


async def test_claims_are_stored_without_being_asked_for(spoken):
    moved = asyncio.Event()
    noting = Calling(lambda event: moved.set() if isinstance(event, ReadMoved) else None)
    spoken.bus.subscribe((EVERYTHING,), noting)
    async with running(spoken.services.receipts):
        spoken.services.receipts.claim_read(mark(spoken, spoken.cast.bo, 2))
        await moved.wait()
    assert (await read_seqs(spoken))["bo"] == 2


async def test_a_full_disk_neither_ends_the_server_nor_loses_a_claim():
    disk = Disk()
    async with memory_server(disk) as server:
        for content in ("one", "two", "three"):
            await server.say(server.cast.ana, content)
        disk.is_full = True
        server.services.receipts.claim_read(mark(server, server.cast.bo, 1))
        assert not await server.services.receipts.flush()
        server.services.receipts.claim_read(mark(server, server.cast.bo, 2))
        assert not await server.services.receipts.flush()
        disk.is_full = False
        assert await server.services.receipts.flush()
        assert (await read_seqs(server))["bo"] == 2


async def test_it_tries_again_by_itself_until_the_disk_has_room():
    disk = Disk()
    async with memory_server(disk) as server:
        await server.say(server.cast.ana, "one")
        moved, refused = asyncio.Event(), asyncio.Event()
        receipts = Receipts(server.services.writer, server.cast.marks, pause=0, rest=0)
        server.bus.subscribe((EVERYTHING,), Calling(lambda event: moved.set()))
        disk.is_full = True
        flush = receipts.flush

        async def noting() -> bool:
            is_stored = await flush()
            if not is_stored:
                refused.set()
            return is_stored

        receipts.flush = noting
        async with running(receipts):
            receipts.claim_read(mark(server, server.cast.bo, 1))
            await refused.wait()
            disk.is_full = False
            await moved.wait()


async def test_a_server_that_is_closing_takes_no_more_claims_and_ends_in_peace(spoken):
    await spoken.services.writer.stop()
    spoken.services.receipts.claim_read(mark(spoken, spoken.cast.bo, 1))
    assert not await spoken.services.receipts.flush()
    with pytest.raises(ShuttingDown):
        await spoken.services.receipts.store_read([mark(spoken, spoken.cast.bo, 1)])


# -- what was handed over --------------------------------------------------------------------------


async def session_of(server: MemoryServer) -> Conversation:
    """A session of Ana's, with Cy in it and one thing said, that nobody listens to."""
    cast, desks = server.cast, server.services.desks
    session = await server.do(desks.open, cast.ana)
    await server.do(desks.add_member, cast.ana, session.id, cast.cy)
    await server.say(cast.ana, "one", where=session)
    return session


async def delivered(server: MemoryServer, conversation: Conversation) -> dict[str, int]:
    members = (await server.cast.see(lambda work: work.conversations.members([conversation.id])))[
        conversation.id
    ]
    return {member.person.username: member.delivered_seq for member in members}


async def test_who_catches_up_has_been_handed_everything_and_its_author_is_told(server):
    session = await session_of(server)
    ana, cy = (
        await server.connect(server.cast.ana, session),
        await server.connect(server.cast.cy, session),
    )
    await server.follow(ana, None)
    await server.services.receipts.flush()
    heard(ana)
    await server.follow(cy, 0)
    assert await server.services.receipts.flush()
    assert heard(ana) == ["Entered cy", "DeliveredMoved cy 2"]
    assert (await delivered(server, session))["cy"] == 2


async def test_of_many_messages_that_reach_many_the_last_is_stored_by_one_write():
    disk = Disk()
    async with memory_server(disk) as server:
        session = await session_of(server)
        for account in (server.cast.ana, server.cast.cy):
            await server.follow(await server.connect(account, session), None)
        await server.services.receipts.flush()
        for content in ("two", "three", "four"):
            await server.say(server.cast.ana, content, where=session)
        before = disk.writes
        await server.services.receipts.flush()
        assert disk.writes - before == 1
        assert (await delivered(server, session))["cy"] == 5


async def test_each_who_listens_is_handed_what_others_say_for_as_long_as_they_do(server):
    session, receipts = await session_of(server), server.services.receipts
    ana, cy = server.cast.ana, server.cast.cy
    listening = [await server.connect(account, session) for account in (ana, cy)]
    for connection in listening:
        await server.follow(connection, None)
    await receipts.flush()
    for author in (ana, cy):
        await server.say(author, "hello", where=session)

    server.hub.release(listening[1], session.id)
    await server.say(ana, "are you there?", where=session)

    assert receipts.handed_under_way() == {(session.id, cy.id): 3, (session.id, ana.id): 4}


@pytest.mark.parametrize("is_late", [False, True])
async def test_of_who_only_looks_on_no_account_is_kept_until_they_become_a_member(server, is_late):
    cast, hub, receipts = server.cast, server.hub, server.services.receipts
    session = await server.do(server.services.desks.open, cast.ana)
    cy = await server.connect(cast.cy, session)
    hub.hold(cy, session.id)
    if not is_late:
        hub.admit(cy, session, is_member=False)
        await server.say(cast.ana, "one", where=session)
        assert heard(cy)[-1] == "MessagePosted 1"
        assert receipts.handed_under_way() == {}

    await server.do(server.services.desks.add_member, cast.ana, session.id, cast.cy)
    hub.admit(cy, session, is_member=False)  # a second time changes nothing
    await server.say(cast.ana, "two", where=session)

    (handed,) = receipts.handed_under_way().items()
    assert handed == ((session.id, cast.cy.id), 2 if is_late else 3)


async def test_what_was_handed_is_known_until_it_is_stored_and_survives_a_full_disk():
    disk = Disk()
    async with memory_server(disk) as server:
        session, receipts = await session_of(server), server.services.receipts
        handed = ReadMark(session.id, server.cast.cy.id, 2)
        receipts.claim_handed(handed)
        disk.is_full = True
        assert not await receipts.flush()
        assert receipts.was_handed(handed)
        assert receipts.handed_under_way() == {(session.id, server.cast.cy.id): 2}
        disk.is_full = False
        assert await receipts.flush()
        assert receipts.handed_under_way() == {}
        assert (await delivered(server, session))["cy"] == 2


async def test_a_group_keeps_no_account_of_what_was_handed(spoken):
    ana = await spoken.listen(spoken.cast.ana)
    await spoken.listen(spoken.cast.bo, after_seq=0)
    await spoken.say(spoken.cast.ana, "four")
    assert spoken.services.receipts.handed_under_way() == {}
    spoken.services.receipts.claim_handed(mark(spoken, spoken.cast.bo, 2))
    heard(ana)
    assert await spoken.services.receipts.flush()
    assert heard(ana) == []
