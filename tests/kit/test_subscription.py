"""Coming to hear of conversations from a seq on: no gap, no double, in order."""

import asyncio
from dataclasses import replace

import pytest

from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.ids import ConversationId
from folkmoot.kit.subscription import PAGE, Subscription
from folkmoot.realtime.channel import MAX_HELD_EVENTS
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.storage.memory.storage import MemoryStorage
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import MemoryServer, ended, heard, memory_server


class Slow(MemoryStorage):
    """A storage whose reads wait where the test wants them to."""

    def __init__(self):
        super().__init__()
        self.reading, self.may_read = asyncio.Event(), asyncio.Event()
        self.may_read.set()

    async def read(self, job):
        result = await super().read(job)
        self.reading.set()
        await self.may_read.wait()
        return result

    def hold_up(self):
        self.reading.clear()
        self.may_read.clear()


class SlowToTell(MemoryStorage):
    """A storage whose commits can be read before their writer hears of them, as from a thread."""

    def __init__(self):
        super().__init__()
        self.stored, self.may_tell = asyncio.Event(), asyncio.Event()
        self.may_tell.set()

    async def write(self, job):
        result = await super().write(job)
        self.stored.set()
        await self.may_tell.wait()
        return result

    def hold_up(self):
        self.stored.clear()
        self.may_tell.clear()


def posted(first: int, last: int) -> list[str]:
    return [f"MessagePosted {seq}" for seq in range(first, last + 1)]


def seqs(frames: list[str]) -> list[int]:
    return [int(frame.split()[1]) for frame in frames if frame.startswith("MessagePosted")]


async def say(server: MemoryServer, count: int) -> None:
    for number in range(count):
        await server.say(server.cast.ana, f"number {number}")


async def test_without_a_cursor_nothing_is_repeated(server):
    await say(server, 3)
    bo = await server.listen(server.cast.bo)
    assert heard(bo) == []
    await server.say(server.cast.ana, "live")
    assert heard(bo) == ["MessagePosted 4"]


async def test_with_a_cursor_what_came_after_it_is_sent_then_receipts_then_what_happens(server):
    cast = server.cast
    message = await server.say(cast.ana, "one")
    await server.say(cast.ana, "two")
    await server.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    await server.services.receipts.store_read([ReadMark(cast.lobby.id, cast.bo.id, 1)])
    bo = await server.listen(cast.bo, after_seq=1)
    await server.say(cast.ana, "live")
    assert heard(bo) == [
        "MessagePosted 2",
        "MessageDeleted 3",
        "ReadMoved ana 2",
        "ReadMoved bo 1 own",
        "MessagePosted 4",
    ]


async def test_a_cursor_beyond_the_end_is_at_the_end(server):
    await say(server, 2)
    bo = await server.listen(server.cast.bo, after_seq=10**12)
    await server.say(server.cast.ana, "live")
    assert seqs(heard(bo)) == [3]


async def test_a_long_absence_is_read_in_pages_none_left_out(server):
    await say(server, 2 * PAGE + 1)
    bo = await server.listen(server.cast.bo, after_seq=0)
    assert seqs(heard(bo)) == list(range(1, 2 * PAGE + 2))


async def test_an_absence_of_exactly_one_page_is_complete(server):
    await say(server, PAGE)
    bo = await server.listen(server.cast.bo, after_seq=0)
    assert seqs(heard(bo)) == list(range(1, PAGE + 1))


@pytest.mark.parametrize("after_seq", [None, 0, 5])
async def test_what_is_posted_while_it_is_read_comes_once_and_in_order(after_seq):
    storage = Slow()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        await say(server, 10)
        bo = await server.connect(server.cast.bo)
        storage.hold_up()
        following = asyncio.create_task(server.follow(bo, after_seq))
        await storage.reading.wait()
        await say(server, 5)
        storage.may_read.set()
        await following
        await say(server, 2)
        first = 11 if after_seq is None else after_seq + 1
        assert seqs(heard(bo)) == list(range(first, 18))


@pytest.mark.parametrize("after_seq", [None, 0, 2])
async def test_what_was_read_before_it_was_announced_is_not_sent_again(after_seq):
    storage = SlowToTell()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        await say(server, 2)
        bo = await server.connect(server.cast.bo)
        storage.hold_up()
        posting = asyncio.create_task(server.say(server.cast.ana, "stored, not announced"))
        await storage.stored.wait()
        await server.follow(bo, after_seq)
        storage.may_tell.set()
        await posting
        await say(server, 2)
        first = 4 if after_seq is None else after_seq + 1
        assert seqs(heard(bo)) == list(range(first, 6))


async def test_who_resumes_from_an_earlier_seq_is_sent_what_was_had_before(server):
    bo = await server.listen(server.cast.bo, after_seq=0)
    await say(server, 2)
    await server.follow(bo, 0)
    await say(server, 1)
    assert seqs(heard(bo)) == [1, 2, 1, 2, 3]


async def test_many_who_come_while_many_post_each_get_everything_once_and_in_order(server):
    async def post() -> None:
        for number in range(60):
            await server.say(server.cast.ana, f"number {number}")
            await asyncio.sleep(0)

    posting = asyncio.create_task(post())
    connections = []
    while not posting.done():
        connections.append(await server.listen(server.cast.bo, after_seq=0))
        await asyncio.sleep(0)
    await posting
    assert len(connections) > 5
    for connection in connections:
        assert seqs(heard(connection)) == list(range(1, 61))


async def test_more_than_a_backlog_holds_is_read_from_storage_after_all(monkeypatch):
    storage = Slow()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        await say(server, 1)
        bo = await server.connect(server.cast.bo)
        storage.hold_up()
        following = asyncio.create_task(server.follow(bo, 0))
        await storage.reading.wait()
        drafts = [server.cast.draft(server.cast.ana, f"{n}") for n in range(MAX_HELD_EVENTS + 5)]
        await asyncio.gather(*map(server.services.writer.post, drafts))
        await server.services.receipts.store_read(
            [ReadMark(server.cast.lobby.id, server.cast.bo.id, 900)]
        )
        storage.may_read.set()
        await following
        frames = heard(bo)
        assert seqs(frames) == list(range(1, MAX_HELD_EVENTS + 7))
        assert "ReadMoved bo 900 own" in frames
        await say(server, 1)
        assert seqs(heard(bo)) == [MAX_HELD_EVENTS + 7]


async def test_a_watermark_is_never_shown_going_back():
    storage = Slow()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        cast, receipts = server.cast, server.services.receipts
        await say(server, 5)
        bo = await server.connect(cast.bo)
        backlog = server.hub.hold(bo, cast.lobby.id)
        await receipts.store_read([ReadMark(cast.lobby.id, cast.bo.id, 2)])
        (early,) = backlog.events
        await receipts.store_read([ReadMark(cast.lobby.id, cast.bo.id, 4)])
        storage.hold_up()
        following = asyncio.create_task(server.follow(bo, 5))
        await storage.reading.wait()
        server.hub.deliver(early)
        server.hub.deliver(replace(early, up_to_seq=5))
        storage.may_read.set()
        await following
        assert [frame for frame in heard(bo) if " bo " in frame] == [
            "ReadMoved bo 4 own",
            "ReadMoved bo 5 own",
        ]


async def test_a_slow_reader_is_waited_for_page_by_page_while_others_go_on(server):
    await say(server, 3 * PAGE)
    ana = await server.listen(server.cast.ana)
    bo = await server.connect(server.cast.bo)
    bo.outlet.stop_reading()
    following = asyncio.create_task(server.follow(bo, 0))
    await server.say(server.cast.ana, "meanwhile")
    assert heard(ana)[-1] == f"MessagePosted {3 * PAGE + 1} own"
    assert len(bo.outlet.frames) == PAGE
    bo.outlet.read_on()
    await following
    assert seqs(heard(bo)) == list(range(1, 3 * PAGE + 2))


async def test_nothing_is_read_for_a_client_that_has_gone(monkeypatch):
    storage = MemoryStorage()
    async with memory_server(storage) as server:
        await say(server, 3 * PAGE)
        reads = 0
        read = storage.read

        async def counting(job):
            nonlocal reads
            reads += 1
            return await read(job)

        monkeypatch.setattr(storage, "read", counting)
        bo = await server.connect(server.cast.bo)
        bo.outlet.close(1000, "gone")
        await server.follow(bo, 0)
        assert reads == 1


async def test_who_may_not_listen_is_refused_and_leaves_no_trace(server):
    cy = await server.connect(server.cast.cy)
    with pytest.raises(NotAMember):
        await server.follow(cy, 0)
    with pytest.raises(NoSuchConversation):
        await server.follow(cy, 0, conversation_id=ConversationId(999))
    assert server.hub._channels == {}
    assert heard(cy) == []


async def test_a_contract_may_let_in_who_is_no_member_and_refuse_who_is(server):
    cast = server.cast
    await say(server, 2)

    async def look_in(work):
        return (await work.conversations.heads([cast.lobby.id]))[cast.lobby.id], None

    async def refuse(work):
        raise NotAMember

    cy, bo = await server.connect(cast.cy), await server.connect(cast.bo)
    await server.follow(cy, 0, look_in)
    with pytest.raises(NotAMember):
        await server.follow(bo, 0, refuse)
    await say(server, 1)
    assert seqs(heard(cy)) == [1, 2, 3]
    assert heard(bo) == []


async def test_who_is_removed_while_catching_up_is_sent_no_more():
    storage = Slow()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        cast = server.cast
        await say(server, 2 * PAGE)
        bo = await server.connect(cast.bo)
        bo.outlet.stop_reading()
        following = asyncio.create_task(server.follow(bo, 0))
        await storage.reading.wait()
        await asyncio.sleep(0)
        await server.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
        await following
        assert ended(bo) == CloseReason.REMOVED.value
        assert len(heard(bo)) <= PAGE
        assert not server.services.presence.is_present(cast.lobby.id, cast.bo.id)


async def test_who_blocks_while_catching_up_is_shown_nothing_of_the_blocked_after_it():
    storage = Slow()
    async with memory_server(storage) as server, asyncio.timeout(WITHIN_S):
        cast = server.cast
        await server.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
        bo = await server.connect(cast.bo)
        storage.hold_up()
        following = asyncio.create_task(server.follow(bo, 1))
        await storage.reading.wait()
        await server.do(cast.social.block, cast.bo.id, cast.ana.id)
        storage.may_read.set()
        await following
        await server.say(cast.ana, "Can you hear me?")
        assert heard(bo) == []


async def test_blocked_authors_are_missing_from_what_is_replayed_too(server):
    cast = server.cast
    await server.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    await server.say(cast.ana, "from Ana")
    await server.say(cast.cy, "from Cy")
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    bo = await server.listen(cast.bo, after_seq=0)
    assert seqs(heard(bo)) == [3]


def test_a_page_is_smaller_than_what_is_held_back_meanwhile():
    assert PAGE < MAX_HELD_EVENTS


# -- by a contract that shows events in its own way ----------------------------------------------


def showing(server: MemoryServer, connection: Connection) -> tuple[Subscription, list[object]]:
    """A subscription that holds the LOBBY, and what it shows: seqs, and receipts."""
    shown: list[object] = []
    subscription = Subscription(
        server.services,
        connection,
        show=lambda event: shown.append(getattr(event, "seq", None) or event.up_to_seq),
    )
    subscription.hold([server.cast.lobby.id])
    return subscription, shown


async def settle(server: MemoryServer, subscription: Subscription, cursor: int) -> None:
    head = await server.cast.head()
    subscription.heads[head.id], subscription.cursors[head.id] = head, cursor
    await subscription.settle()


async def test_what_came_meanwhile_is_shown_once_and_then_all_is_live(server):
    bo = await server.connect(server.cast.bo)
    subscription, shown = showing(server, bo)
    await say(server, 3)
    await settle(server, subscription, cursor=1)
    await say(server, 1)
    assert shown == [2, 3]
    assert heard(bo) == posted(4, 4)


async def test_more_than_a_backlog_holds_is_read_from_storage(server):
    bo = await server.connect(server.cast.bo)
    subscription, shown = showing(server, bo)
    await say(server, MAX_HELD_EVENTS + PAGE)
    await server.services.receipts.store_read(
        [ReadMark(server.cast.lobby.id, server.cast.bo.id, 900)]
    )
    await settle(server, subscription, cursor=5)
    await say(server, 1)
    last = MAX_HELD_EVENTS + PAGE
    assert shown[: last - 5] == list(range(6, last + 1))
    assert 900 in shown[last - 5 :]
    assert heard(bo) == posted(last + 1, last + 1)


async def test_who_is_taken_out_while_too_much_happens_is_sent_no_more(server):
    cast = server.cast
    bo = await server.connect(cast.bo)
    bo.home = None
    subscription, shown = showing(server, bo)
    await say(server, MAX_HELD_EVENTS + 1)
    await server.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    await settle(server, subscription, cursor=0)
    await say(server, 1)
    assert (shown, heard(bo)) == ([], [])
    assert list(server.hub.listener_counts()) == []


async def test_what_was_stored_before_it_was_announced_is_not_shown_again(server):
    cast = server.cast
    bo = await server.connect(cast.bo)
    subscription, _ = showing(server, bo)
    before = len(cast.events)
    await cast.post(cast.draft(cast.ana, "stored, not announced"))
    await settle(server, subscription, cursor=1)
    for event in cast.events[before:]:
        server.hub.apply(event)
    await say(server, 1)
    assert heard(bo) == posted(2, 2)


async def test_what_is_given_up_is_not_heard_of_any_more(server):
    bo = await server.connect(server.cast.bo)
    subscription, shown = showing(server, bo)
    with subscription:
        pass
    await say(server, 1)
    assert (shown, heard(bo)) == ([], [])
    assert list(server.hub.listener_counts()) == []


async def test_who_has_gone_meanwhile_is_let_in_nowhere(server):
    bo = await server.connect(server.cast.bo)
    subscription, _ = showing(server, bo)
    server.hub.close(bo)
    await settle(server, subscription, cursor=0)
    await say(server, 1)
    assert heard(bo) == []
    assert list(server.hub.listener_counts()) == []


async def test_a_conversation_that_begins_meanwhile_is_shown_from_its_first_event(server):
    bo = await server.connect(server.cast.bo)
    subscription, shown = showing(server, bo)
    subscription.begin(await server.cast.head())
    await say(server, 2)
    await subscription.settle()
    assert shown == [1, 2]


async def test_frames_that_are_held_back_come_after_what_was_missed(server):
    await say(server, 2)
    bo = await server.connect(server.cast.bo)
    bo.hold_back()
    bo.push(b"an answer")
    bo.outlet.push(b"missed")
    bo.let_through()
    bo.push(b"live")
    assert heard(bo) == ["missed", "an answer", "live"]
