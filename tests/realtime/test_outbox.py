"""The outbox on a lane made of a list."""

import asyncio

import pytest

from folkmoot.realtime.outbox import Outbox, SlowReaders, Tick


class ListLane:
    """A lane that keeps what it takes; the test pauses and resumes it."""

    def __init__(self):
        self.taken = []
        self.write = self.taken.append
        self.paused = False
        self.feeder = None
        self.buffered_bytes = 0
        self.closed = None
        self.aborted = False

    def close(self, code, reason, deadline=5.0):
        self.feeder.on_close()
        self.closed = (code, reason, deadline)
        self.write = lambda data: None
        self.paused = False

    def abort(self):
        self.aborted = True

    def resume(self):
        self.paused = False
        self.feeder.on_resume()

    @property
    def bytes_taken(self):
        return b"".join(self.taken)


@pytest.fixture
def tick():
    return Tick()


@pytest.fixture
def lane():
    return ListLane()


@pytest.fixture
def outbox(lane, tick):
    return Outbox(lane, tick, SlowReaders(max_bytes=10))


async def next_tick():
    """Let what the loop has been given so far run."""
    await asyncio.sleep(0)


async def test_what_is_pushed_in_one_tick_leaves_in_one_write(outbox, lane):
    for frame in (b"a", b"b", b"c"):
        outbox.push(frame)
    assert lane.taken == []
    await next_tick()
    assert lane.taken == [b"abc"]


async def test_listeners_that_were_pushed_the_same_frames_share_one_bytes_object(tick):
    lanes = [ListLane() for _ in range(3)]
    outboxes = [Outbox(lane, tick, SlowReaders()) for lane in lanes]
    for frame in (b"one", b"two"):
        for outbox in outboxes:
            outbox.push(frame)
    await next_tick()
    assert [lane.taken for lane in lanes] == [[b"onetwo"]] * 3
    assert lanes[0].taken[0] is lanes[1].taken[0] is lanes[2].taken[0]


async def test_listeners_of_different_conversations_get_their_own_frames(tick):
    ana, bo, cy = lanes = [ListLane() for _ in range(3)]
    first, second, third = [Outbox(lane, tick, SlowReaders()) for lane in lanes]
    first.push(b"a")
    second.push(b"b")
    third.push(b"a")
    second.push(b"a")
    await next_tick()
    assert (ana.taken, bo.taken, cy.taken) == ([b"a"], [b"ba"], [b"a"])


async def test_every_tick_writes_anew(outbox, lane):
    for frame in (b"a", b"b"):
        outbox.push(frame)
        await next_tick()
    assert lane.taken == [b"a", b"b"]


async def test_a_paused_lane_gets_what_it_missed_in_order(outbox, lane):
    lane.paused = True
    for frame in (b"a", b"b"):
        outbox.push(frame)
        await next_tick()
    assert lane.taken == []
    outbox.push(b"c")
    lane.resume()
    await next_tick()
    assert lane.bytes_taken == b"abc"


async def test_frames_that_may_be_missed_are_dropped_while_the_lane_is_paused(outbox, lane, tick):
    outbox.offer(b"typing")
    await next_tick()
    lane.paused = True
    outbox.offer(b"typing")
    outbox.push(b"durable")
    await next_tick()
    lane.resume()
    assert lane.bytes_taken == b"typingdurable"
    assert tick.dropped_frames == 1


async def test_a_reader_with_more_waiting_than_the_bound_is_told_to_come_back(outbox, lane, tick):
    lane.paused = True
    outbox.push(b"x" * 10)
    await next_tick()
    assert lane.closed is None
    outbox.push(b"x")
    await next_tick()
    assert lane.closed == (1013, "slow reader: come back and resume", 3.0)
    assert lane.bytes_taken == b""
    assert tick.slow_closes == 1


async def test_the_bound_counts_what_the_transport_still_holds(outbox, lane):
    lane.paused = True
    lane.buffered_bytes = 9
    outbox.push(b"xx")
    await next_tick()
    assert lane.closed is not None


async def test_an_outbox_that_was_given_up_takes_no_more_and_is_counted_once(outbox, lane, tick):
    lane.paused = True
    for _ in range(5):
        outbox.push(b"x" * 11)
        await next_tick()
    lane.resume()
    assert lane.bytes_taken == b""
    assert tick.slow_closes == 1


async def test_a_tick_that_finds_the_lane_clear_is_taken_whole(outbox, lane):
    outbox.push(b"x" * 100)
    await next_tick()
    assert lane.bytes_taken == b"x" * 100


async def test_pending_and_held_frames_go_out_before_a_close(outbox, lane):
    lane.paused = True
    outbox.push(b"a")
    await next_tick()
    outbox.push(b"b")
    lane.close(1012, "restart")
    assert lane.bytes_taken == b"ab"


async def test_a_replay_waits_for_room_and_loses_nothing(outbox, lane):
    async def replay():
        for page in (b"1", b"2", b"3"):
            outbox.push(page)
            await outbox.room()

    lane.paused = True
    replaying = asyncio.create_task(replay())
    for _ in range(3):
        await next_tick()
    assert not replaying.done()
    lane.resume()
    async with asyncio.timeout(5):
        await replaying
    assert lane.bytes_taken == b"123"


async def test_a_connection_that_cannot_be_written_to_costs_only_itself(tick, caplog):
    broken, sound = ListLane(), ListLane()

    def fail(data):
        raise RuntimeError("broken")

    broken.write = fail
    for outbox in [Outbox(lane, tick, SlowReaders()) for lane in (broken, sound)]:
        outbox.push(b"a")
    await next_tick()
    assert broken.aborted
    assert sound.taken == [b"a"]
    assert "cannot be written to" in caplog.text
