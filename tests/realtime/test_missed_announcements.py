"""What is stored and was not announced: it is told all the same, in its turn, once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from folkmoot.bus import timeline_order
from folkmoot.bus.topics import EVERYTHING
from folkmoot.core.conversations.events import Durable
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.posting import announcement
from folkmoot.core.shared.ids import ConnectionId, ConversationId
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.kit.subscription import Snapshot, Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import Cast
from tests.deadlines import WITHIN_S
from tests.loop_clock import LoopClock
from tests.realtime.memory_server import MemoryServer, ended, heard, hears, memory_server

# What the cast does by itself is stored, and nobody announces it.


async def listening(server: MemoryServer) -> tuple[Connection, Connection]:
    """Ana and Bo, who hear of the LOBBY."""
    ana, bo = await server.listen(server.cast.ana), await server.listen(server.cast.bo)
    heard(ana)  # that Bo has come
    return ana, bo


async def posted_then_edited(cast: Cast) -> None:
    message = await cast.say(cast.ana, "Hello")
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, message.id, "Hello, all")


async def posted_then_deleted(cast: Cast) -> None:
    message = await cast.say(cast.ana, "Hello")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)


async def posted_then_reacted_to(cast: Cast) -> None:
    message = await cast.say(cast.ana, "Hello")
    await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, message.id, "👍")
    await cast.do(cast.messages.unreact, cast.bo.id, cast.lobby.id, message.id, "👍")


async def renamed(cast: Cast) -> None:
    await cast.do(cast.conversations.rename, cast.lobby.id, cast.ana.id, "Hall")


async def joined_and_left(cast: Cast) -> None:
    await cast.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    await cast.do(cast.conversations.remove_member, cast.cy.id, cast.lobby.id, cast.cy.id)


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        (posted_then_edited, ["MessagePosted", "MessageEdited"]),
        (posted_then_deleted, ["MessagePosted", "MessageDeleted"]),
        (posted_then_reacted_to, ["MessagePosted", "ReactionAdded", "ReactionRemoved"]),
        (renamed, ["ConversationRenamed"]),
        (joined_and_left, ["MemberJoined", "MemberLeft"]),
    ],
)
async def test_what_was_missed_is_told_before_what_comes_next(
    server: MemoryServer, act: Callable[[Cast], Awaitable[None]], kinds: list[str]
):
    _, bo = await listening(server)
    await act(server.cast)
    last = (await server.say(server.cast.ana, "next")).seq

    told = [*kinds, "MessagePosted"]
    assert [f.removesuffix(" own") for f in await hears(bo, f"MessagePosted {last}")] == [
        f"{kind} {seq}" for seq, kind in enumerate(told, 1)
    ]


async def test_the_next_message_keeps_its_origin_and_what_was_missed_has_none():
    async with memory_server() as server:
        server.wire_format.echoes = False
        ana, bo = await listening(server)
        await server.cast.say(server.cast.ana, "missed", origin=ana.id)
        await server.say(server.cast.ana, "next", origin=ana.id)

        await hears(bo, "MessagePosted 2")
        assert heard(ana) == ["MessagePosted 1 own"], "of the next its author is answered"


async def test_what_is_announced_after_it_was_read_is_not_told_again(server: MemoryServer):
    _, bo = await listening(server)
    missed = await server.cast.say(server.cast.ana, "late")
    await server.say(server.cast.ana, "next")
    await hears(bo, "MessagePosted 2")

    server.services.publish([announcement(missed)])

    assert heard(bo) == []


async def test_what_comes_out_of_order_by_itself_is_told_in_order_without_asking_storage():
    class Unreadable(MemoryStorage):
        is_silent = False

        async def read(self, job: Any) -> Any:
            assert not self.is_silent
            return await super().read(job)

    storage = Unreadable()
    async with memory_server(storage) as server:
        _, bo = await listening(server)
        messages = [await server.cast.say(server.cast.ana, text) for text in "abc"]
        storage.is_silent = True
        server.services.publish([announcement(messages[number]) for number in (2, 0, 1)])

        assert heard(bo) == [f"MessagePosted {seq}" for seq in (1, 2, 3)]
        assert server.bus.timelines._holes == {}


async def test_a_watermark_does_not_overtake_what_it_is_about(server: MemoryServer):
    _, bo = await listening(server)
    await server.cast.say(server.cast.ana, "missed")
    await server.say(server.cast.ana, "next")
    await server.do(
        server.cast.marks.move_read, [ReadMark(server.cast.lobby.id, server.cast.ana.id, 2)]
    )
    await server.do(
        server.cast.marks.move_read, [ReadMark(server.cast.lobby.id, server.cast.bo.id, 2)]
    )

    assert await hears(bo, "ReadMoved bo 2 own") == [
        "MessagePosted 1",
        "MessagePosted 2",
        "ReadMoved bo 2 own",
    ]


async def test_who_was_removed_meanwhile_hears_nothing_of_what_came_after(server: MemoryServer):
    cast = server.cast
    ana, bo = await listening(server)
    await cast.say(cast.ana, "missed")
    await cast.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    last = (await server.say(cast.ana, "without Bo")).seq

    await hears(ana, f"MessagePosted {last} own")
    assert heard(bo) == ["MessagePosted 1"]
    assert ended(bo) == CloseReason.REMOVED.value


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_retry_has_its_message_told_once(server: MemoryServer, is_known: bool):
    cast = server.cast
    _, bo = await listening(server)
    say = cast.say if not is_known else server.say
    first = await say(cast.ana, "Hello", client_id="1")

    for _ in range(3):
        again = await server.services.writer.post(cast.draft(cast.ana, "Hello", client_id="1"))
        assert again.is_repeat
        assert again.message == first

    assert heard(bo) == ["MessagePosted 1"]


async def test_a_retry_in_the_batch_of_its_message_is_told_once(server: MemoryServer):
    cast = server.cast
    server.wire_format.echoes = False
    ana, bo = await listening(server)
    drafts = [
        cast.draft(cast.ana, "Hello", client_id="1", origin=origin)
        for origin in (ana.id, ConnectionId(99))
    ]

    once, twice = await asyncio.gather(*map(server.services.writer.submit, drafts))

    assert [once.is_repeat, twice.is_repeat] == [False, True]
    assert (heard(ana), heard(bo)) == ([], ["MessagePosted 1"])


async def test_what_somebody_reads_that_was_not_announced_is_told_to_the_others(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
):
    _, bo = await listening(server)
    clock = LoopClock(monkeypatch)
    await server.cast.say(server.cast.ana, "missed")
    late = await server.listen(server.cast.ana, after_seq=0)
    assert heard(late)[0] == "MessagePosted 1 own"
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard(bo) == [], "it may still be announced"
    clock.put_forward(1.0)

    await hears(bo, "MessagePosted 1")
    assert heard(late) == []


async def settled(server: MemoryServer, connection: Connection, *, seq: int) -> Subscription:
    """A subscription that holds the LOBBY, of which everything up to ``seq`` was read."""
    subscription = Subscription(server.services, connection)
    subscription.hold([server.cast.lobby.id])
    head = replace(await server.cast.head(), last_seq=seq)

    async def job(_work: Any) -> Snapshot:
        return Snapshot(heads={head.id: head}, cursors={head.id: seq})

    await subscription.read(job)
    return subscription


async def test_who_begins_to_listen_is_told_what_was_neither_read_nor_announced(
    server: MemoryServer,
):
    bo = await server.connect(server.cast.bo)
    subscription = await settled(server, bo, seq=0)
    await server.cast.say(server.cast.ana, "missed")
    await server.say(server.cast.ana, "next")

    await subscription.settle()

    assert heard(bo) == ["MessagePosted 1", "MessagePosted 2", "ReadMoved ana 2"]


async def test_who_read_less_than_somebody_else_is_told_the_rest(server: MemoryServer):
    bo = await server.connect(server.cast.bo)
    subscription = await settled(server, bo, seq=0)
    missed = await server.cast.say(server.cast.ana, "announced too late for Bo")
    await server.listen(server.cast.ana)
    server.services.publish([announcement(missed)])

    await subscription.settle()

    assert heard(bo) == ["MessagePosted 1", "ReadMoved ana 1"]


class Away(MemoryStorage):
    """A storage that cannot be read for a while, or whose timelines this release cannot read."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_with: list[Exception] = []
        self.asked = asyncio.Event()

    async def read(self, job: Any) -> Any:
        if self.fails_with:
            self.asked.set()
            raise self.fails_with.pop()
        return await super().read(job)


async def test_while_storage_cannot_be_read_nothing_is_told_before_its_turn(
    monkeypatch: pytest.MonkeyPatch,
):
    storage = Away()
    async with memory_server(storage) as server:
        _, bo = await listening(server)
        await server.cast.say(server.cast.ana, "missed")
        storage.fails_with = [Unavailable()]
        await server.say(server.cast.ana, "next")
        clock = LoopClock(monkeypatch)
        await asyncio.wait_for(storage.asked.wait(), WITHIN_S)
        assert heard(bo) == []
        clock.put_forward(1.0)

        assert await hears(bo, "MessagePosted 2") == ["MessagePosted 1", "MessagePosted 2"]


async def test_what_cannot_be_read_at_all_keeps_nothing_else_from_being_told(caplog):
    storage = Away()
    async with memory_server(storage) as server:
        _, bo = await listening(server)
        await server.cast.say(server.cast.ana, "missed")
        storage.fails_with = [ZeroDivisionError("a bug")]
        await server.say(server.cast.ana, "next")

        assert await hears(bo, "MessagePosted 2") == ["MessagePosted 2"]
        assert "cannot be read" in caplog.text


async def test_more_than_is_kept_is_read(server: MemoryServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timeline_order, "MAX_EARLY", 3)
    monkeypatch.setattr(timeline_order, "PAGE", 2)
    _, bo = await listening(server)
    await server.cast.say(server.cast.ana, "missed")
    for number in range(8):
        await server.say(server.cast.ana, f"number {number}")

    assert await hears(bo, "MessagePosted 9") == [f"MessagePosted {seq}" for seq in range(1, 10)]


async def test_of_what_nobody_listens_to_nothing_is_kept(server: MemoryServer):
    order = server.bus.timelines
    ana, bo = await listening(server)
    await server.cast.say(server.cast.ana, "missed")
    await server.say(server.cast.ana, "next")
    assert order._holes.keys() == {server.cast.lobby.id}

    server.hub.close(ana), server.hub.close(bo)

    assert (order._positions, order._holes, order._expected) == ({}, {}, {})
    assert order.position(ConversationId(server.cast.lobby.id)) == 0
    await server.say(server.cast.ana, "to nobody")
    assert order._positions == {}


async def test_those_who_keep_up_with_events_are_told_of_what_was_missed_too(
    server: MemoryServer,
):
    told: list[int] = []

    class Keeper:
        def apply(self, event: object) -> None:
            if isinstance(event, Durable):
                told.append(event.seq)

    await listening(server)
    server.bus.subscribe((EVERYTHING,), Keeper())
    bo = await server.listen(server.cast.bo)
    await server.cast.say(server.cast.ana, "missed")
    await server.say(server.cast.ana, "next")
    await hears(bo, "MessagePosted 2")

    assert told == [1, 2]
