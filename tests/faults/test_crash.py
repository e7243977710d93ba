"""A server that is killed under load again and again, and comes back with all that it promised."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.clients import Keys, Socket, Visitor, new_lobby, registered, visiting
from tests.faults.history import Message, faults_of_history, faults_of_reading
from tests.running import Server

CYCLES = 4
WRITERS = 8
LOBBIES = 3
MESSAGES_A_CYCLE = 150
RESEND_AFTER_S = 2.0
QUIET_WITHIN_S = 20.0
GONE = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def people(server: Server) -> list[Keys]:
    return [registered(server, name) for name in ("ana", "bo")]


@asynccontextmanager
async def entered(visitor: Visitor, lobby: int, query: str = "") -> AsyncIterator[Socket]:
    socket = await visitor.enter(lobby, query)
    try:
        yield socket
    finally:
        socket.connection.transport.abort()


@dataclass
class Writer:
    """Posts one message after the other; what is not acknowledged is sent again, on and on."""

    visitor: Visitor
    name: str
    lobby: int
    acknowledged: list[Message] = field(default_factory=list)
    is_done: bool = False

    async def run(self) -> None:
        while not self.is_done:
            try:
                async with entered(self.visitor, self.lobby) as socket:
                    while not self.is_done:
                        await self._post(socket)
            except GONE:
                await asyncio.sleep(0.02)  # polls: nothing tells when a killed server is back

    async def _post(self, socket: Socket) -> None:
        text = f"{self.name} {len(self.acknowledged)}"
        async with asyncio.timeout(RESEND_AFTER_S):
            await socket.says({"content": text, "client_id": f"{self.lobby} {text}"})
            self.acknowledged.append(await socket.until("message", content=text))


@dataclass
class Reader:
    """Reads along and, after every crash, asks for what it missed."""

    visitor: Visitor
    lobby: int
    heard: list[Message] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while True:
            after = self.heard[-1]["seq"] if self.heard else 0
            try:
                async with entered(self.visitor, self.lobby, f"?after_seq={after}") as socket:
                    while True:
                        self.heard.append(await socket.until("message"))
                        self.news.set()
            except GONE:
                await asyncio.sleep(0.02)  # polls: nothing tells when a killed server is back

    async def heard_up_to(self, seq: int) -> None:
        async with asyncio.timeout(QUIET_WITHIN_S):
            while not self.heard or self.heard[-1]["seq"] < seq:
                self.news.clear()
                await self.news.wait()


async def crash(server: Server, readers: list[Reader]) -> None:
    """Let some be written, kill the server in the middle of more, and start it again."""
    busy = readers[0]
    await busy.heard_up_to((busy.heard[-1]["seq"] if busy.heard else 0) + MESSAGES_A_CYCLE)
    server.kill()
    await asyncio.to_thread(server.start)


async def history_of(visitor: Visitor, lobby: int) -> list[Message]:
    found: list[Message] = []
    path = f"/conversations/{lobby}/messages"
    while page := await visitor.get(path, limit=100, after_seq=len(found)):
        found += page
    return found


@pytest.mark.fault
async def test_what_was_acknowledged_survives_every_crash_once_and_in_order(server, people):
    async with visiting(server, *people) as (ana, bo), asyncio.TaskGroup() as tasks:
        lobbies = [await new_lobby(ana, bo) for _ in range(LOBBIES)]
        readers = [Reader(bo, lobby) for lobby in lobbies]
        writers = [
            Writer((ana, bo)[number % 2], f"w{number}", lobbies[number % LOBBIES])
            for number in range(WRITERS)
        ]
        reading = [tasks.create_task(reader.run()) for reader in readers]
        writing = [tasks.create_task(writer.run()) for writer in writers]
        for _ in range(CYCLES):
            await crash(server, readers)
        for writer in writers:
            writer.is_done = True
        await asyncio.wait_for(asyncio.gather(*writing), QUIET_WITHIN_S)
        for reader in readers:
            history = await history_of(ana, reader.lobby)
            await reader.heard_up_to(history[-1]["seq"])
            told = [m for w in writers if w.lobby == reader.lobby for m in w.acknowledged]
            assert told
            assert faults_of_history(history, told) == []
            assert faults_of_reading(history, reader.heard) == []
        for task in reading:
            task.cancel()


# -- the checker itself ----------------------------------------------------------------------------


def said(*texts: str) -> list[Message]:
    return [
        {"id": 100 + place, "seq": place, "content": text} for place, text in enumerate(texts, 1)
    ]


GOOD = said("w1 0", "w2 0", "w1 1")


def test_the_checker_finds_nothing_wrong_with_a_good_history():
    assert faults_of_history(GOOD, GOOD) == []
    assert faults_of_history(GOOD, GOOD[:1]) == [], "an answer may be lost in the crash"
    assert faults_of_reading(GOOD, GOOD) == []


@pytest.mark.parametrize(
    ("history", "fault"),
    [
        (said("w1 0", "w2 0"), "lost"),
        (said("w1 0", "w2 0", "w1 1", "w1 1"), "twice"),
        (said("w1 1", "w2 0", "w1 0"), "comes after"),
        (said("w2 0", "w1 0", "w1 1"), "not where"),
        ([GOOD[0], GOOD[2]], "1 to n"),
        ([GOOD[0], GOOD[2], GOOD[1]], "1 to n"),
    ],
    ids=["lost", "doubled", "reordered", "moved", "a gap", "misplaced"],
)
def test_the_checker_finds_what_is_wrong_with_a_history(history: list[Any], fault):
    assert fault in " ".join(faults_of_history(history, GOOD))


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        (GOOD[:2], "not heard"),
        ([*GOOD, GOOD[2]], "twice"),
        ([GOOD[1], GOOD[0], GOOD[2]], "order"),
        ([*GOOD, *said("w9 9")], "not there"),
    ],
    ids=["missed", "doubled", "reordered", "made up"],
)
def test_the_checker_finds_what_is_wrong_with_a_reading(heard: list[Any], fault):
    assert fault in " ".join(faults_of_reading(GOOD, heard))
