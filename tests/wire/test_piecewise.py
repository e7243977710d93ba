"""What a client has sent is parsed in its turn; the loop and the clock are the test's."""

from collections import deque
from collections.abc import Callable

import pytest

from folkmoot.wire.piecewise import TURN_SECONDS, PiecewiseProtocol


class Loop:
    """A loop whose time goes by only where something is parsed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: deque[Callable[[], None]] = deque()

    def time(self) -> float:
        return self.now

    def call_soon(self, then: Callable[[], None]) -> None:
        self.due.append(then)

    def turn(self) -> bool:
        """Whether there was something to do."""
        for then in [self.due.popleft() for _ in range(len(self.due))]:
            then()
        return bool(self.due)


class Transport:
    """Whether it reads, and is about to close."""

    def __init__(self) -> None:
        self.reads, self.closes = True, False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.closes


class Protocol(PiecewiseProtocol):
    """Takes a tenth of a turn for each piece of four bytes."""

    piece_bytes = 4
    is_held = False

    def __init__(self) -> None:
        self.loop, self.transport = Loop(), Transport()
        self.parsed: list[bytes] = []

    def parse(self, data: bytes) -> None:
        self.parsed.append(data)
        self.loop.now += TURN_SECONDS / 10


@pytest.fixture
def protocol() -> Protocol:
    return Protocol()


def test_a_little_is_parsed_at_once(protocol: Protocol):
    protocol.take_in(b"abcd")
    assert protocol.parsed == [b"abcd"]
    assert not protocol.loop.due


def test_much_is_parsed_in_as_many_turns_as_it_takes_while_nothing_is_read(protocol: Protocol):
    data = bytes(range(250))
    protocol.take_in(data)
    assert not protocol.transport.reads
    assert 9 <= len(protocol.parsed) <= 11
    turns = 1
    while protocol.loop.turn():
        turns += 1
    assert 5 <= turns <= 8
    assert b"".join(protocol.parsed) == data
    assert protocol.transport.reads


def test_what_comes_meanwhile_is_parsed_after_it(protocol: Protocol):
    protocol.take_in(b"a" * 100)
    protocol.take_in(b"b")
    while protocol.loop.turn():
        pass
    assert b"".join(protocol.parsed) == b"a" * 100 + b"b"


def test_who_is_held_is_parsed_no_further_until_they_go_on(protocol: Protocol):
    protocol.is_held = True
    protocol.take_in(b"x" * 10)
    assert not protocol.loop.turn()
    assert (protocol.parsed, protocol.transport.reads) == ([], False)

    protocol.is_held = False
    protocol.go_on_reading()
    protocol.loop.turn()

    assert b"".join(protocol.parsed) == b"x" * 10
    assert protocol.transport.reads


def test_nothing_is_parsed_of_who_is_about_to_go(protocol: Protocol):
    protocol.take_in(b"x" * 100)
    parsed = list(protocol.parsed)
    protocol.transport.closes = True
    while protocol.loop.turn():
        pass
    assert (protocol.parsed, protocol.unread) == (parsed, b"")
