"""A server that is killed under load again and again, and comes back with all that it promised.

Every contract writes and reads at once, in every kind of conversation that it opens.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.adapter import ContractClient, SharedConversation, ShownEvent
from tests.adapters.every import KINDS, contracts_for
from tests.faults.company import Company, company
from tests.faults.history import faults_of_history, faults_of_likeness, faults_of_reading
from tests.postgres import ONE_WORKER, PostgresServer, postgres
from tests.running import Server

__all__ = ["postgres"]

CYCLES = 4
MESSAGES_A_CYCLE = 60


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=ONE_WORKER)])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "sqlite":
        with Server(tmp_path, "--demo") as server:
            yield server
        return
    database: PostgresServer = request.getfixturevalue("postgres")
    name = database.create()
    with Server(tmp_path, "--demo", "--database", database.url(name)) as server:
        yield server
    database.drop(name)


@pytest.fixture
def forgetful_server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


async def seen_through(
    contract: ContractClient, people: Company, conversation: SharedConversation
) -> list[list[ShownEvent]]:
    """The history of a conversation as each of its people is shown it by one contract."""
    connections = [
        r.client for r in people.readers if (r.contract, r.conversation) == (contract, conversation)
    ]
    return [await contract.history(client, conversation) for client in connections]


async def faults_in(people: Company, conversation: SharedConversation) -> list[str]:
    """What is wrong with a conversation after all crashes: kept, read or shown."""
    history, _ = await seen_through(contracts_for(conversation.kind)[0], people, conversation)
    faults = faults_of_history(history, people.told(conversation))
    for reader in people.readers:
        if reader.conversation == conversation:
            await reader.heard_up_to(history[-1].seq)
            wrong = faults_of_reading(history, reader.heard)
            faults += [f"{reader.name}: {fault}" for fault in wrong]
    for contract in contracts_for(conversation.kind):
        for shown in await seen_through(contract, people, conversation):
            faults += [f"{contract.name}: {fault}" for fault in faults_of_likeness(history, shown)]
    return faults


async def crash(people: Company) -> None:
    """Let some be written everywhere, kill the server in the middle of more; it stays down."""
    for reader in people.readers:
        here = reader.heard[-1].seq if reader.heard else 0
        await reader.heard_up_to(here + MESSAGES_A_CYCLE // len(people.readers))
    busy = people.readers[0]
    await busy.heard_up_to(busy.heard[-1].seq + MESSAGES_A_CYCLE)
    people.server.kill()


@pytest.mark.fault
async def test_what_was_acknowledged_survives_every_crash_once_and_in_order(server):
    async with company(server) as people, people.at_work():
        for _ in range(CYCLES):
            await crash(people)
            await asyncio.to_thread(server.start)
        await people.finish()
        faults = {
            kind: await faults_in(people, conversation)
            for kind, conversation in people.conversations.items()
        }
    assert faults == {kind: [] for kind in KINDS}


# -- the checker itself ----------------------------------------------------------------------------


@pytest.mark.fault
async def test_a_disk_that_forgets_what_it_was_given_is_found_out(forgetful_server):
    found = {}
    async with company(forgetful_server) as people:
        async with people.at_work():
            await crash(people)
            log = forgetful_server.data / "folkmoot.db-wal"
            with log.open("r+b") as file:
                file.truncate(log.stat().st_size * 9 // 10)
            await asyncio.to_thread(forgetful_server.start)
            await people.finish()
        for kind, conversation in people.conversations.items():
            history, _ = await seen_through(contracts_for(kind)[0], people, conversation)
            found[kind] = " ".join(faults_of_history(history, people.told(conversation)))
    assert all("lost" in faults for faults in found.values()), found


def said(*texts: str) -> list[ShownEvent]:
    return [
        ShownEvent(
            "message",
            f"uid {100 + conversation}",
            conversation,
            text.split()[0],
            text,
            conversation,
        )
        for conversation, text in enumerate(texts, 1)
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


@pytest.mark.parametrize(
    "other",
    [GOOD[:2], [GOOD[1], GOOD[0], GOOD[2]], said("w1 0", "w2 0", "w1 2"), [*GOOD, *GOOD[2:]]],
    ids=["shorter", "reordered", "another text", "longer"],
)
def test_the_checker_finds_where_two_contracts_show_different_histories(other: list[Any]):
    assert faults_of_likeness(GOOD, GOOD) == []
    assert faults_of_likeness(GOOD, other) != []
