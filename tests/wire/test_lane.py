"""Frames, and the lane over plain ASGI ``send``: no server, no socket."""

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from folkmoot.realtime.outbox import Outbox, SlowReaders, Tick
from folkmoot.wire.lane import EXTENSION, SendLane, forget_request, lane_of
from folkmoot.wire.lane_frames import binary_frame, messages_in, ping_frame, text_frame
from tests.deadlines import WITHIN_S

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 100_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("frame", "opcode"), [(text_frame, Opcode.TEXT), (binary_frame, Opcode.BINARY)]
)
def test_a_frame_is_the_one_that_websockets_writes(frame, opcode, size):
    payload = b"x" * size
    assert frame(payload) == Frame(opcode, payload).serialize(mask=False)


def test_a_ping_is_the_one_that_websockets_writes():
    assert ping_frame(b"beat") == Frame(Opcode.PING, b"beat").serialize(mask=False)


def test_a_ping_carries_at_most_125_bytes():
    with pytest.raises(ValueError, match="125"):
        ping_frame(b"x" * 126)


def test_messages_are_read_back_from_joined_frames():
    texts = ["x" * size for size in SIZES]
    wire = b"".join(text_frame(text.encode()) for text in texts)
    assert list(messages_in(wire + ping_frame() + binary_frame(b"\xff"))) == [*texts, b"\xff"]


class Peer:
    """An ASGI server's ``send``; each call waits until it is let through."""

    def __init__(self, *, open_=True):
        self.sent = []
        self.authenticator = asyncio.Event()
        self.news = asyncio.Condition()
        if open_:
            self.authenticator.set()

    async def send(self, message):
        await self.authenticator.wait()
        async with self.news:
            self.sent.append(message)
            self.news.notify_all()

    async def until(self, count):
        async with asyncio.timeout(WITHIN_S), self.news:
            await self.news.wait_for(lambda: len(self.sent) >= count)


async def forever():
    await asyncio.Event().wait()


def text(body):
    return {"type": "websocket.send", "text": body}


async def test_the_server_s_own_lane_is_preferred():
    offered = object()
    assert lane_of({"extensions": {EXTENSION: offered}}, Peer().send) is offered
    assert isinstance(lane_of({"extensions": {}}, Peer().send), SendLane)
    assert isinstance(lane_of({}, Peer().send), SendLane)


def test_a_forgotten_request_has_no_headers_left():
    scope = {"headers": [(b"cookie", b"long")], "path": "/"}
    forget_request(scope)
    assert scope == {"headers": [], "path": "/"}


async def test_frames_leave_as_messages_in_order():
    peer = Peer()
    lane = SendLane(peer.send)
    async with asyncio.TaskGroup() as group:
        group.create_task(lane.run())
        lane.write(text_frame(b"one") + text_frame(b"two"))
        lane.write(binary_frame(b"three"))
        await peer.until(3)
        lane.close(4000, "enough")
    assert peer.sent == [
        text("one"),
        text("two"),
        {"type": "websocket.send", "bytes": b"three"},
        {"type": "websocket.close", "code": 4000, "reason": "enough"},
    ]


async def test_nothing_goes_out_behind_a_close():
    peer = Peer()
    lane = SendLane(peer.send)
    lane.write(text_frame(b"one"))
    lane.close(1000, "")
    lane.write(text_frame(b"late"))
    lane.close(1001, "")
    await lane.run()
    assert [message["type"] for message in peer.sent] == ["websocket.send", "websocket.close"]
    assert peer.sent[1]["code"] == 1000


async def test_a_lane_pauses_above_its_high_water_mark_and_resumes_below_the_low_one():
    peer = Peer(open_=False)
    lane = SendLane(peer.send)
    outbox = Outbox(lane, Tick(), SlowReaders())
    lane.write(text_frame(b"x" * 65_536))
    assert lane.paused
    outbox.hold(text_frame(b"held"))
    peer.authenticator.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(lane.run())
        await peer.until(2)
        assert not lane.paused
        lane.close(1000, "")
    assert peer.sent[1] == text("held")


async def test_a_close_that_does_not_get_out_by_its_deadline_is_given_up():
    lane = SendLane(Peer(open_=False).send)
    lane.write(text_frame(b"stuck"))
    lane.close(1013, "slow", deadline=0.01)
    async with asyncio.timeout(WITHIN_S):
        await lane.run()
    assert lane.buffered_bytes == 0


async def test_a_second_deadline_never_moves_the_first_one_back(monkeypatch):
    monkeypatch.setattr("folkmoot.wire.lane.CLOSE_DEADLINE", 10 * WITHIN_S)
    lane = SendLane(Peer(open_=False).send)

    async def reading():
        lane.close(1013, "slow", deadline=0.01)

    lane.write(text_frame(b"stuck"))
    async with asyncio.timeout(WITHIN_S):
        await lane.serve(reading())


async def test_a_replay_that_waits_for_room_goes_on_when_the_lane_ends():
    lane = SendLane(Peer(open_=False).send)
    outbox = Outbox(lane, Tick(), SlowReaders())
    lane.write(text_frame(b"x" * 65_536))
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        group.create_task(outbox.room())
        group.create_task(lane.run())
        asyncio.get_running_loop().call_soon(lane.abort)


async def test_an_abort_ends_a_send_that_is_stuck_and_the_reading_side():
    lane = SendLane(Peer(open_=False).send)
    lane.write(text_frame(b"stuck"))
    asyncio.get_running_loop().call_soon(lane.abort)
    async with asyncio.timeout(WITHIN_S):
        await lane.serve(forever())


async def test_a_queue_over_its_bound_aborts_the_lane():
    lane = SendLane(Peer(open_=False).send, max_bytes=100)
    lane.write(text_frame(b"x" * 100))
    async with asyncio.timeout(WITHIN_S):
        await lane.serve(forever())


async def test_what_was_written_goes_out_when_the_reading_side_returns():
    peer = Peer()
    lane = SendLane(peer.send)

    async def reading():
        lane.write(text_frame(b"bye"))

    await lane.serve(reading())
    assert peer.sent == [text("bye")]


async def test_a_failure_of_the_reading_side_leaves_as_it_is():
    async def reading():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await SendLane(Peer().send).serve(reading())


async def test_a_client_that_is_gone_ends_the_lane_quietly():
    async def send(message):
        raise OSError

    lane = SendLane(send)
    lane.write(text_frame(b"one"))
    await lane.serve(forever())
    lane.write(text_frame(b"late"))
    lane.ping()
    lane.abort()
    assert lane.buffered_bytes == 0
