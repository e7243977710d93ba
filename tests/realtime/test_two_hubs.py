"""Two processes of one server: what happens in the one is shown to whoever listens in the other."""

import asyncio
from dataclasses import dataclass

import pytest

from folkmoot.bus.codec import JsonCodec
from folkmoot.bus.memory import MemoryBus, MemoryNetwork
from folkmoot.bus.memory_presence import MemoryPresence, PresenceBoard
from folkmoot.bus.topics import EVERYTHING
from folkmoot.core.accounts.model import Account
from folkmoot.core.presence.events import Typing
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.hub import Hub
from tests.bus.buses import Calling
from tests.realtime.memory_server import MemoryServer, heard


@dataclass
class Process:
    """One of the processes: its hub, and the way to tell all of them of something."""

    hub: Hub
    bus: MemoryBus
    server: MemoryServer

    async def listen(self, account: Account) -> Connection:
        """A connection of this process that listens to the LOBBY."""
        cast = self.server.cast
        connection = await self.server.connect(account, hub=self.hub)
        self.hub.hold(connection, cast.lobby.id)
        self.hub.admit(connection, await cast.head())
        return connection


@pytest.fixture
def processes(server: MemoryServer) -> tuple[Process, Process]:
    network, board, now = (
        MemoryNetwork(codec=JsonCodec()),
        PresenceBoard(),
        server.cast.clock.monotonic,
    )

    def process(name: str) -> Process:
        bus = MemoryBus(network, name)
        presence = MemoryPresence(bus.publish, now, board)
        return Process(Hub(bus, presence, server.services.receipts, now), bus, server)

    one, other = process("one"), process("other")
    server.bus.subscribe((EVERYTHING,), Calling(lambda event: one.bus.publish([event])))
    return one, other


async def test_a_message_that_is_stored_by_the_one_reaches_those_of_the_other(processes, server):
    one, other = processes
    ana, bo = await one.listen(server.cast.ana), await other.listen(server.cast.bo)
    await asyncio.sleep(0)
    heard(ana), heard(bo)

    await server.say(server.cast.ana, "Hello")
    await asyncio.sleep(0)

    assert heard(ana) == ["MessagePosted 1 own"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_who_is_here_and_who_types_is_the_same_for_both(processes, server):
    one, other = processes
    ana, lobby = await one.listen(server.cast.ana), server.cast.lobby
    heard(ana)

    first, second = await one.listen(server.cast.bo), await other.listen(server.cast.bo)
    other.bus.publish([Typing(lobby.id, lobby.uid, server.cast.bo.person, is_typing=True)])
    one.hub.close(first)
    await asyncio.sleep(0)
    assert heard(ana) == ["Entered bo", "Typing bo True"]
    other.hub.close(second)
    await asyncio.sleep(0)

    assert heard(ana) == ["Typing bo False", "Exited bo"]


async def test_those_who_watch_in_the_one_are_told_of_who_comes_to_the_other(processes, server):
    one, other = processes
    ana = await server.connect(server.cast.ana, hub=one.hub)
    one.hub.watchers.watch(ana, frozenset({server.cast.bo.id}))

    bo = await server.connect(server.cast.bo, hub=other.hub)
    await asyncio.sleep(0)
    other.hub.close(bo)
    await asyncio.sleep(0)

    assert heard(ana) == ["CameOnline bo", "WentOffline bo"]
