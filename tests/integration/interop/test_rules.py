"""A rule that is broken through one contract is refused through all, with the same code."""

import asyncio
from typing import Any

import pytest

from tests.adapters.adapter import ContractClient, RequestRefused
from tests.adapters.conversations import ConversationsConnection
from tests.adapters.every import CONTRACTS, KINDS, contracts_for, new_conversation
from tests.clients import Client, LoggedIn, clients_of
from tests.deadlines import WITHIN_S
from tests.integration.interop.conftest import Scene

CHAT = "/api/v1/chat"
FRAME = 64 * 1024
OPENED = [
    pytest.param(kind, contract, id=f"{kind}-{contract.name}")
    for kind in KINDS
    for contract in contracts_for(kind)
]
EACH = pytest.mark.parametrize(("scene", "contract"), OPENED, indirect=["scene"])


async def refused(doing: Any) -> str:
    """The code with which something is refused."""
    with pytest.raises(RequestRefused) as refusal:
        await asyncio.wait_for(doing, WITHIN_S)
    return str(refusal.value)


async def nothing_was_added(scene: Scene, *, messages: int = 1) -> None:
    """Every contract shows what was there before, and nothing else."""
    for contract in contracts_for(scene.conversation.kind):
        shown = await contract.history(scene.one, scene.conversation)
        assert len(shown) == messages, contract.name


async def block(blocker: Client, other: Client) -> None:
    await blocker.post(f"{CHAT}/block", {"user_id": other.uid})


# -- blocks ----------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("blocker", ["one", "other"])
async def test_a_block_between_two_silences_both(
    scene: Scene, contract: ContractClient, blocker: str
) -> None:
    """Through the `sessions` contract it is set; who of the two set it, nobody can tell."""
    connections = [await scene.connection(contract, who) for who in (scene.one, scene.other)]
    said = await connections[0].says("Before")
    await block(*((scene.one, scene.other) if blocker == "one" else (scene.other, scene.one)))

    for connection in connections:
        assert await refused(connection.says("After")) == "blocked"
    assert await refused(connections[0].edits(said, "Changed")) == "blocked"
    assert await refused(connections[1].reacts(said, "👍")) == "blocked"
    await scene.one.post(f"{CHAT}/unblock", {"user_id": scene.other.uid})
    await scene.other.post(f"{CHAT}/unblock", {"user_id": scene.one.uid})
    await nothing_was_added(scene, messages=2)
    assert (await connections[1].says("Again")).seq == 3


# -- membership ------------------------------------------------------------------------------------

TURNED_AWAY = {
    "conversations": {
        "enter": 4003,
        "read": (403, "not_a_participant"),
        "write": (403, "not_a_participant"),
    },
    "sessions": {
        "enter": 1008,
        "read": (403, "not_a_participant"),
        "write": (403, "not_a_participant"),
    },
    "assistant": {
        "enter": "not_a_participant",
        "say": "not_a_participant",
        "read": (403, "not_a_participant"),
    },
    # Whoever names a friend who is none names no conversation of others.
    "friends": {
        "say": "not_friends",
        "read": (403, "not_friends"),
        "write": (403, "not_friends"),
    },
    "support": {
        "enter": "forbidden",
        "say": "forbidden",
        "resume": "forbidden",
        "type": "forbidden",
        "read": (403, "role_needed"),
    },
}


@EACH
async def test_a_stranger_is_turned_away_and_nobody_notices(
    scene: Scene, contract: ContractClient
) -> None:
    connections = [
        await scene.connection(there, scene.one) for there in contracts_for(scene.conversation.kind)
    ]

    found = await contract.intrude(scene.stranger, scene.conversation)

    assert found == TURNED_AWAY[contract.name]
    assert [await connection.everything() for connection in connections] == [
        [] for _ in connections
    ]
    await nothing_was_added(scene)


LOSS = {"conversations": 4003, "sessions": 1008}


@pytest.mark.parametrize("scene", ["session"], indirect=True)
async def test_who_is_removed_hears_nothing_more_through_any_contract(scene: Scene) -> None:
    """Through the `sessions` contract, which alone may do that to a session."""
    participants = f"{CHAT}/sessions/{scene.conversation.uid}/participants"
    await scene.one.post(participants, {"user_id": scene.stranger.uid})
    contracts = [contract for contract in contracts_for("session") if contract.name in LOSS]
    connections = {
        contract.name: await scene.connection(contract, scene.stranger) for contract in contracts
    }

    path = f"{participants}/{scene.stranger.uid}"
    answer = await scene.one.ask("DELETE", path)
    await (await scene.connection(contracts[0], scene.one)).says("Are they gone?")

    assert answer.status_code in {200, 204}, answer.text
    assert {name: await connection.ended() for name, connection in connections.items()} == LOSS
    for contract in contracts:
        assert (
            await contract.intrude(scene.stranger, scene.conversation) == TURNED_AWAY[contract.name]
        )


@EACH
async def test_a_message_of_the_other_is_not_edited_nor_deleted(
    scene: Scene, contract: ContractClient
) -> None:
    """Of a group the owner may delete it; a session is the desk's, not its customer's."""
    writing, reading = [await scene.connection(contract, who) for who in (scene.other, scene.one)]
    said = await writing.says("Mine")
    await reading.until("message", said.uid)

    codes = {
        await refused(reading.edits(said, "Yours")),
        "not_the_author"
        if scene.conversation.kind == "group"
        else await refused(reading.deletes(said)),
    }

    assert codes == {"not_the_author"}
    assert [one.text for one in await contract.history(scene.one, scene.conversation)] == [
        "begin 0",
        "Mine",
    ]


@pytest.mark.parametrize("scene", ["session"], indirect=True)
async def test_a_customer_neither_sends_away_nor_replaces_who_serves_them(
    scene: Scene, people: dict[str, LoggedIn]
) -> None:
    """Whoever was brought in may leave, through every contract that opens the session."""
    session, number = f"{CHAT}/sessions/{scene.conversation.uid}", scene.conversation.number
    await scene.one.post(f"{session}/participants", {"user_id": scene.stranger.uid})

    sent_away = await scene.one.ask("DELETE", f"{session}/participants/{scene.other.uid}")
    another = {"assigned_agent_id": people["admin"].uid}
    replaced = await scene.one.ask("PUT", session, json=another)
    here = f"/conversations/{number}/participants"
    elsewhere = await scene.one.ask("DELETE", f"{here}/{scene.other.id}")
    left = await scene.stranger.ask("DELETE", f"{here}/{scene.stranger.id}")

    assert [sent_away.status_code, replaced.status_code] == [403, 403]
    assert {one.json()["code"] for one in (sent_away, replaced)} == {"role_needed"}
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "not_a_group")
    assert left.status_code == 204
    shown = await scene.other.get(f"{session}/participants")
    assert [one["user_id"] for one in shown] == [scene.one.uid, scene.other.uid]
    assert (await scene.other.get(session))["assigned_agent_id"] == scene.other.uid


@EACH
async def test_a_message_of_others_is_not_there_whatever_is_tried(
    scene: Scene, contract: ContractClient
) -> None:
    """Its id alone opens nothing, from inside of a conversation where the same may be done."""
    elsewhere = await new_conversation(scene.conversation.kind, scene.stranger, scene.other)
    (theirs,) = await CONTRACTS[0].history(scene.stranger, elsewhere)
    connection = await scene.connection(contract, scene.one)
    if isinstance(connection, ConversationsConnection):
        async for (shown,) in CONTRACTS[0].pages(scene.stranger, elsewhere):
            connection.numbered(shown)

    codes = {
        await refused(connection.edits(theirs, "Mine")),
        await refused(connection.deletes(theirs)),
        await refused(connection.reacts(theirs, "👍")),
    }

    assert codes == {"message_not_found"}
    (left,) = await CONTRACTS[0].history(scene.stranger, elsewhere)
    assert left == theirs


# -- friendship ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["direct"], indirect=True)
@pytest.mark.parametrize("contract", contracts_for("direct"), ids=lambda contract: contract.name)
async def test_an_ended_friendship_ends_writing(scene: Scene, contract: ContractClient) -> None:
    connections = [await scene.connection(contract, who) for who in (scene.one, scene.other)]

    ended = await scene.one.ask("DELETE", f"{CHAT}/friends/{scene.other.uid}")

    assert ended.status_code in {200, 204}
    for connection in connections:
        assert await refused(connection.says("After")) == "not_friends"


# -- closed sessions -------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["session"], indirect=True)
@pytest.mark.parametrize("contract", contracts_for("session"), ids=lambda contract: contract.name)
async def test_a_closed_session_takes_nothing_more(scene: Scene, contract: ContractClient) -> None:
    """What was said may be taken back; through `support` the next message begins another."""
    connections = [await scene.connection(contract, who) for who in (scene.one, scene.other)]
    said = await connections[0].says("Before")
    await scene.one.post(f"{CHAT}/sessions/{scene.conversation.uid}/close")

    for connection in connections:
        if contract.name == "support":
            await connection.says("After")
        else:
            assert await refused(connection.says("After")) == "conversation_closed"
    assert await refused(connections[0].edits(said, "Changed")) == "conversation_closed"
    assert await refused(connections[1].reacts(said, "👍")) == "conversation_closed"
    await connections[0].deletes(said)
    await nothing_was_added(scene, messages=2)


# -- staff -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["session"], indirect=True)
@pytest.mark.parametrize("contract", contracts_for("session"), ids=lambda contract: contract.name)
async def test_staff_are_participants_by_a_change_that_is_done_and_by_none_that_is_refused(
    scene: Scene, contract: ContractClient, people: dict[str, LoggedIn]
) -> None:
    """Through `conversations` members alone have a socket; its REST routes are for staff too."""
    session = f"{CHAT}/sessions/{scene.conversation.uid}"
    said = await (await scene.connection(contract, scene.one)).says("Mine")
    async with clients_of(scene.one.server, people["admin"]) as [admin]:

        async def participants() -> list[str]:
            return [one["user_id"] for one in await admin.get(f"{session}/participants")]

        if contract.name == "conversations":
            (path,) = [
                f"/conversations/{scene.conversation.number}/messages/{one['id']}"
                async for page in contract.pages(scene.one, scene.conversation)
                for one in page
                if one["uid"] == said.uid
            ]
            answer = await admin.ask("PATCH", path, json={"content": "Yours"})
            code, before = answer.json()["code"], await participants()
            await admin.ask("PUT", f"{path}/reactions/👍")
        else:
            connection = await scene.connection(contract, admin)
            code = await refused(connection.edits(said, "Yours"))
            before = await participants()
            await connection.reacts(said, "👍")

        assert code == "not_the_author"
        assert before == [scene.one.uid, scene.other.uid]
        assert await participants() == [*before, admin.uid]


# -- sizes -----------------------------------------------------------------------------------------

BAD_TEXTS = {
    "empty": "",
    "blank": " \t\n ",
    "a zero-width space": "\u200b",
    "a Braille blank": "\u2800",
    "a Hangul filler and a lone selector": "\u3164 \ufe0f",
    "too long": "x" * 10_001,
    "a NUL": "a\0b",
    "half a character": "a\ud800b",
}

CODES = {
    "empty": "text_empty",
    "blank": "text_empty",
    "a zero-width space": "text_empty",
    "a Braille blank": "text_empty",
    "a Hangul filler and a lone selector": "text_empty",
    "too long": "text_too_long",
    "a NUL": "text_has_nul",
}


@EACH
async def test_the_longest_text_is_taken_and_what_is_no_text_is_refused(
    scene: Scene, contract: ContractClient
) -> None:
    connection = await scene.connection(contract, scene.one)

    longest = await connection.says("é" * 10_000, client_id="longest")
    codes = {
        name: await refused(connection.says(text, client_id=name))
        for name, text in BAD_TEXTS.items()
    }

    assert len(longest.text) == 10_000
    # What no decoder takes for a text gets no further than the frame.
    assert codes.pop("half a character") in {"frame_malformed", "text_not_unicode"}
    assert codes == CODES
    await nothing_was_added(scene, messages=2)


@EACH
async def test_a_frame_beyond_64_kib_ends_that_connection_and_no_other(
    scene: Scene, contract: ContractClient
) -> None:
    connection, other = [await scene.connection(contract, who) for who in (scene.one, scene.other)]

    await connection.floods(FRAME + 1)

    assert await asyncio.wait_for(connection.ended(), WITHIN_S) in {1009, "gone"}
    assert (await other.says("Still here")).seq == 2


def test_every_contract_is_in_the_tables_of_this_file():
    assert {contract.name for contract in CONTRACTS} == set(TURNED_AWAY)
