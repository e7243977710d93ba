"""What is written through one contract is seen through every other that opens the conversation.

The table of the contracts, each pair that shares a kind of conversation, in both directions: live
and in history, to the other one of the two and on one's own second device, in each one's shape.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.adapters.adapter import (
    DELETED,
    EDITED,
    MESSAGE,
    REACTION,
    ContractClient,
    ContractConnection,
    ShownEvent,
)
from tests.adapters.every import CONTRACTS, KINDS, contracts_for, pairs
from tests.clients import Client
from tests.deadlines import WITHIN_S
from tests.integration.interop.conftest import Scene

PAIRS = [
    pytest.param(kind, here, there, id=f"{kind}-{here.name}-{there.name}")
    for kind, here, there in pairs()
]
SEEN = pytest.mark.parametrize(("scene", "here", "there"), PAIRS, indirect=["scene"])


def test_the_table_has_every_pair_that_shares_a_kind():
    """A contract that is added joins the table by its line in `CONTRACTS`."""
    shared = {
        (here.name, there.name)
        for here in CONTRACTS
        for there in CONTRACTS
        if here.opens & there.opens
    }
    assert {(here.name, there.name) for _, here, there in pairs()} == shared
    assert all(len(contracts_for(kind)) >= 1 for kind in KINDS)


@SEEN
@pytest.mark.parametrize("writer", ["one", "other"])
async def test_a_message_is_seen_live_and_in_history(
    scene: Scene, here: ContractClient, there: ContractClient, writer: str
) -> None:
    author: Client = getattr(scene, writer)
    reader = scene.other if author is scene.one else scene.one
    connections = [await scene.connection(there, who) for who in (reader, author)]
    writing = await scene.connection(here, author)

    async with asyncio.timeout(WITHIN_S):
        said = await writing.says(f"From {writer}, through {here.name}")
        heard = [await connection.hears() for connection in connections]

    assert [one.fact for one in heard] == [said.fact, said.fact]
    assert (said.author, said.seq) == (author.uid, 2)
    for viewer in (author, reader):
        assert [one.fact for one in await there.history(viewer, scene.conversation)][1:] == [
            said.fact
        ]


@SEEN
async def test_what_becomes_of_a_message_is_seen_live_and_in_history(
    scene: Scene, here: ContractClient, there: ContractClient
) -> None:
    writing = await scene.connection(here, scene.one)
    reading = await scene.connection(there, scene.other)
    said = await writing.says("Helo")
    assert (await reading.hears()).fact == said.fact
    me = scene.one.uid

    async def shows(what: str, text: str, change: Callable[[], Awaitable[None]], kept: str) -> None:
        await change()
        heard = await reading.hears()
        assert (heard.what, heard.uid, heard.author, heard.text) == (what, said.uid, me, text)
        shown = (await there.history(scene.other, scene.conversation))[-1]
        assert replace(shown, cursor=None) == replace(said, text=kept, cursor=None)
        assert heard.seq == next(conversations)

    conversations = iter((3, 4, 5))
    async with asyncio.timeout(WITHIN_S):
        await shows(EDITED, "Hello", lambda: writing.edits(said, "Hello"), "Hello")
        await shows(REACTION, "👍", lambda: writing.reacts(said, "👍"), "Hello")
        await shows(DELETED, "", lambda: writing.deletes(said), "")


@SEEN
async def test_a_retry_through_another_contract_is_the_first_message(
    scene: Scene, here: ContractClient, there: ContractClient
) -> None:
    first = await (await scene.connection(here, scene.one)).says("Once", client_id="mine")
    again = await (await scene.connection(there, scene.one)).says("Once", client_id="mine")

    assert again.fact == first.fact
    assert len(await there.history(scene.other, scene.conversation)) == 2


@SEEN
async def test_who_comes_back_through_another_contract_is_sent_what_was_missed(
    scene: Scene, here: ContractClient, there: ContractClient
) -> None:
    writing: ContractConnection = await scene.connection(here, scene.one)
    said: list[ShownEvent] = [await writing.says(f"Missed {number}") for number in range(3)]
    await writing.edits(said[0], "Missed and edited")

    async with asyncio.timeout(WITHIN_S), there.enter(scene.other, scene.conversation, 0) as back:
        heard = [await back.hears() for _ in range(5)]
        live = await writing.says("Live")
        after = await back.hears()

    assert [one.seq for one in heard] == [1, 2, 3, 4, 5]
    assert [one.text for one in heard[1:4]] == ["Missed and edited", "Missed 1", "Missed 2"]
    assert [one.what for one in heard] == [MESSAGE] * 4 + [EDITED]
    assert after.fact == live.fact
