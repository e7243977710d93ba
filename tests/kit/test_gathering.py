"""Coming to hear of many conversations at once: no gap, no double, in order."""

from dataclasses import dataclass
from typing import Any

import pytest

from folkmoot.bus.memory import MemoryBus
from folkmoot.bus.memory_presence import MemoryPresence
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.work import Storage
from folkmoot.kit.gathering import PAGE, Gathering
from folkmoot.realtime.channel import MAX_HELD_EVENTS
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.realtime.writer import Writer
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import Cast, enter


class Ear:
    """An outlet with room for everything."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def push(self, frame: bytes) -> None:
        self.frames.append(frame)

    def offer(self, frame: bytes) -> None:
        self.push(frame)

    async def room(self) -> bool:
        return True

    def close(self, code: int, reason: str) -> None:
        pass


class Plain:
    """A contract that shows the seqs of messages."""

    echoes = True

    def frame(self, event: object, *, own: bool) -> bytes | None:
        return str(event.seq).encode() if isinstance(event, MessagePosted) else None

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        return 4000, close_reason.value


@dataclass
class Rooms:
    """As many services as a gathering needs."""

    hub: Hub
    storage: Storage


@dataclass
class Scene:
    cast: Cast
    rooms: Rooms
    connection: Connection
    gathering: Gathering
    shown: list[int]

    async def say(self, count: int = 1) -> None:
        """Ana says something in the LOBBY, and everybody concerned is told."""
        before = len(self.cast.events)
        await self.cast.post(*(self.cast.draft(self.cast.ana, "hi") for _ in range(count)))
        self.announce(before)

    def announce(self, before: int) -> None:
        """Tell the hub of what was recorded after ``before`` events."""
        for event in self.cast.events[before:]:
            self.rooms.hub.apply(event)

    async def settle(self, cursor: int) -> None:
        head = await self.cast.head()
        await self.gathering.settle({head.id: head}, {head.id: cursor})

    def live(self) -> list[int]:
        return [int(frame) for frame in self.connection.outlet.frames]  # type: ignore[attr-defined]  # a RecordingOutlet


@pytest.fixture
async def scene() -> Scene:
    cast = await enter(MemoryStorage())
    writer = Writer(cast.storage, cast.posting, lambda _: None)
    bus, now = MemoryBus(), cast.clock.monotonic
    hub = Hub(bus, MemoryPresence(bus.publish, now), Receipts(writer, cast.marks), now)
    rooms = Rooms(hub, cast.storage)
    login: Any = "login"
    connection = Connection(Plain(), Ear(), cast.bo.person, login, cast.clock.now())
    rooms.hub.open(connection)
    shown: list[int] = []
    services: Any = rooms
    gathering = Gathering(services, connection, lambda event: shown.append(event.seq))  # type: ignore[union-attr]  # only messages
    return Scene(cast, rooms, connection, gathering, shown)


async def test_what_came_meanwhile_is_shown_once_and_then_all_is_live(scene: Scene) -> None:
    scene.gathering.hold([scene.cast.lobby.id])
    await scene.say(3)

    await scene.settle(cursor=1)
    await scene.say()

    assert scene.shown == [2, 3]
    assert scene.live() == [4]


async def test_more_than_a_backlog_holds_is_read_from_storage(scene: Scene) -> None:
    scene.gathering.hold([scene.cast.lobby.id])
    await scene.say(MAX_HELD_EVENTS + PAGE)

    await scene.settle(cursor=5)
    await scene.say()

    last = MAX_HELD_EVENTS + PAGE
    assert scene.shown == list(range(6, last + 1))
    assert scene.live() == [last + 1]


async def test_what_was_read_before_it_was_announced_is_not_shown_again(scene: Scene) -> None:
    scene.gathering.hold([scene.cast.lobby.id])
    before = len(scene.cast.events)
    await scene.cast.post(scene.cast.draft(scene.cast.ana, "stored, not announced"))

    await scene.settle(cursor=1)
    scene.announce(before)
    await scene.say()

    assert scene.live() == [2]


async def test_what_is_given_up_is_not_heard_of_any_more(scene: Scene) -> None:
    scene.gathering.hold([scene.cast.lobby.id])

    scene.gathering.release()
    await scene.say()

    assert (scene.shown, scene.live()) == ([], [])
    assert list(scene.rooms.hub.listener_counts()) == []


async def test_who_has_gone_meanwhile_is_let_in_nowhere(scene: Scene) -> None:
    scene.gathering.hold([scene.cast.lobby.id])
    scene.rooms.hub.close(scene.connection)

    await scene.settle(cursor=0)
    await scene.say()

    assert scene.live() == []
    assert list(scene.rooms.hub.listener_counts()) == []
