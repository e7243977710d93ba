"""The pulse: who is asked for a sign of life, and who is given up."""

import math
from datetime import timedelta

from folkmoot.realtime.connection import Connection
from folkmoot.realtime.heartbeat import Heartbeat
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.wire_format import CloseReason
from tests.realtime.memory_server import MemoryServer, ended


class Line:
    """A lane that notes what is done to it."""

    def __init__(self, last_heard: float) -> None:
        self.last_heard = last_heard
        self.paused = False
        self.buffered_bytes = 0
        self.feeder = None
        self.done: list[str] = []
        self.write = lambda data: None

    def ping(self) -> None:
        self.done.append("ping")

    def close(self, code: int, reason: str, deadline: float = 5.0) -> None:
        self.done.append(f"close {reason}")

    def abort(self) -> None:
        self.done.append("abort")


async def connected(server: MemoryServer, line: Line) -> Connection:
    connection = await server.connect(server.cast.ana)
    connection.outlet = Outbox(line, server.services.tick, server.services.slow_readers)
    return connection


def pulse(server: MemoryServer) -> Heartbeat:
    return Heartbeat(server.hub, server.cast.clock, ping_after=20, drop_after=45)


async def test_who_was_heard_lately_is_left_alone(server):
    line = Line(last_heard=100)
    await connected(server, line)
    pulse(server).beat(119)
    assert line.done == []


async def test_who_is_silent_is_asked_for_a_sign_of_life(server):
    line = Line(last_heard=100)
    await connected(server, line)
    pulse(server).beat(121)
    assert line.done == ["ping"]
    line.last_heard = 121
    pulse(server).beat(122)
    assert line.done == ["ping"]


async def test_who_stays_silent_is_told_to_come_back_and_dropped(server):
    line = Line(last_heard=100)
    await connected(server, line)
    pulse(server).beat(146)
    assert line.done == [f"close {CloseReason.SILENT.value}", "abort"]
    assert len(server.hub) == 0


async def test_where_the_server_watches_over_its_peers_nobody_is_asked(server):
    line = Line(last_heard=math.inf)
    await connected(server, line)
    pulse(server).beat(10**9)
    assert line.done == []


async def test_an_outlet_that_is_no_outbox_is_left_to_its_own_contract(server):
    connection = await server.connect(server.cast.ana)
    pulse(server).beat(10**9)
    assert ended(connection) is None


async def test_a_beat_ends_what_the_clock_has_ended(server):
    connection = await server.listen(server.cast.ana)
    server.cast.clock.pass_by(timedelta(days=1))
    pulse(server).beat(0)
    assert ended(connection) == CloseReason.TOKEN_EXPIRED.value
