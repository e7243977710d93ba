"""A rule that is broken through one contract is refused through all, with the same code."""

import asyncio
from typing import Any

import pytest

from tests.adapters.adapter import Door, Refused
from tests.adapters.conversations import ConversationsSeat
from tests.adapters.every import DOORS, KINDS, doors_to, new_place
from tests.clients import WITHIN_S, Visitor
from tests.integration.interop.conftest import Scene

CHAT = "/api/v1/chat"
FRAME = 64 * 1024
OPENED = [
    pytest.param(kind, door, id=f"{kind}-{door.name}") for kind in KINDS for door in doors_to(kind)
]
EACH = pytest.mark.parametrize(("scene", "door"), OPENED, indirect=["scene"])


async def refused(doing: Any) -> str:
    """The code with which something is refused."""
    with pytest.raises(Refused) as refusal:
        await asyncio.wait_for(doing, WITHIN_S)
    return str(refusal.value)


async def nothing_was_added(scene: Scene, *, messages: int = 1) -> None:
    """Every contract shows what was there before, and nothing else."""
    for door in doors_to(scene.place.kind):
        shown = await door.history(scene.one, scene.place)
        assert len(shown) == messages, door.name


async def block(blocker: Visitor, other: Visitor) -> None:
    await blocker.post(f"{CHAT}/block", {"user_id": other.keys.uid})


# -- blocks ----------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("blocker", ["one", "other"])
async def test_a_block_between_two_silences_both(scene: Scene, door: Door, blocker: str) -> None:
    """Through the `sessions` contract it is set; who of the two set it, nobody can tell."""
    seats = [await scene.seat(door, who) for who in (scene.one, scene.other)]
    said = await seats[0].says("Before")
    await block(*((scene.one, scene.other) if blocker == "one" else (scene.other, scene.one)))

    for seat in seats:
        assert await refused(seat.says("After")) == "blocked"
    assert await refused(seats[0].edits(said, "Changed")) == "blocked"
    assert await refused(seats[1].reacts(said, "👍")) == "blocked"
    await scene.one.post(f"{CHAT}/unblock", {"user_id": scene.other.keys.uid})
    await scene.other.post(f"{CHAT}/unblock", {"user_id": scene.one.keys.uid})
    await nothing_was_added(scene, messages=2)
    assert (await seats[1].says("Again")).seq == 3


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
async def test_a_stranger_is_turned_away_and_nobody_notices(scene: Scene, door: Door) -> None:
    seats = [await scene.seat(there, scene.one) for there in doors_to(scene.place.kind)]

    found = await door.intrude(scene.stranger, scene.place)

    assert found == TURNED_AWAY[door.name]
    assert [await seat.everything() for seat in seats] == [[] for _ in seats]
    await nothing_was_added(scene)


LOSS = {"conversations": 4003, "sessions": 1008}


@pytest.mark.parametrize("scene", ["session"], indirect=True)
async def test_who_is_removed_hears_nothing_more_through_any_contract(scene: Scene) -> None:
    """Through the `sessions` contract, which alone may do that to a session."""
    participants = f"{CHAT}/sessions/{scene.place.uid}/participants"
    await scene.one.post(participants, {"user_id": scene.stranger.keys.uid})
    doors = [door for door in doors_to("session") if door.name in LOSS]
    seats = {door.name: await scene.seat(door, scene.stranger) for door in doors}

    path = f"{participants}/{scene.stranger.keys.uid}"
    answer = await scene.one.ask("DELETE", path)
    await (await scene.seat(doors[0], scene.one)).says("Are they gone?")

    assert answer.status_code in {200, 204}, answer.text
    assert {name: await seat.ended() for name, seat in seats.items()} == LOSS
    for door in doors:
        assert await door.intrude(scene.stranger, scene.place) == TURNED_AWAY[door.name]


@EACH
async def test_a_message_of_the_other_is_not_edited_nor_deleted(scene: Scene, door: Door) -> None:
    writing, reading = [await scene.seat(door, who) for who in (scene.other, scene.one)]
    said = await writing.says("Mine")
    await reading.until("message", said.uid)

    codes = {
        await refused(reading.edits(said, "Yours")),
        await refused(reading.deletes(said)) if scene.place.kind == "direct" else "not_the_author",
    }

    assert codes == {"not_the_author"}
    assert [one.text for one in await door.history(scene.one, scene.place)] == ["begin 0", "Mine"]


@EACH
async def test_a_message_of_others_is_not_there_whatever_is_tried(scene: Scene, door: Door) -> None:
    """Its id alone opens nothing, from inside of a place where the same may be done."""
    elsewhere = await new_place(scene.place.kind, scene.stranger, scene.other)
    (theirs,) = await DOORS[0].history(scene.stranger, elsewhere)
    seat = await scene.seat(door, scene.one)
    if isinstance(seat, ConversationsSeat):
        async for (shown,) in DOORS[0].pages(scene.stranger, elsewhere):
            seat.numbered(shown)

    codes = {
        await refused(seat.edits(theirs, "Mine")),
        await refused(seat.deletes(theirs)),
        await refused(seat.reacts(theirs, "👍")),
    }

    assert codes == {"message_not_found"}
    (left,) = await DOORS[0].history(scene.stranger, elsewhere)
    assert left == theirs


# -- friendship ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["direct"], indirect=True)
@pytest.mark.parametrize("door", doors_to("direct"), ids=lambda door: door.name)
async def test_an_ended_friendship_ends_writing(scene: Scene, door: Door) -> None:
    seats = [await scene.seat(door, who) for who in (scene.one, scene.other)]

    ended = await scene.one.ask("DELETE", f"{CHAT}/friends/{scene.other.keys.uid}")

    assert ended.status_code in {200, 204}
    for seat in seats:
        assert await refused(seat.says("After")) == "not_friends"


# -- closed sessions -------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["session"], indirect=True)
@pytest.mark.parametrize("door", doors_to("session"), ids=lambda door: door.name)
async def test_a_closed_session_takes_nothing_more(scene: Scene, door: Door) -> None:
    """What was said may be taken back; through `support` the next message begins another."""
    seats = [await scene.seat(door, who) for who in (scene.one, scene.other)]
    said = await seats[0].says("Before")
    await scene.one.post(f"{CHAT}/sessions/{scene.place.uid}/close")

    for seat in seats:
        if door.name == "support":
            await seat.says("After")
        else:
            assert await refused(seat.says("After")) == "conversation_closed"
    assert await refused(seats[0].edits(said, "Changed")) == "conversation_closed"
    assert await refused(seats[1].reacts(said, "👍")) == "conversation_closed"
    await seats[0].deletes(said)
    await nothing_was_added(scene, messages=2)


# -- sizes -----------------------------------------------------------------------------------------

BAD_TEXTS = {
    "empty": "",
    "blank": " \t\n ",
    "too long": "x" * 10_001,
    "a NUL": "a\0b",
    "half a character": "a\ud800b",
}

CODES = {
    "empty": "text_empty",
    "blank": "text_empty",
    "too long": "text_too_long",
    "a NUL": "text_has_nul",
}


@EACH
async def test_the_longest_text_is_taken_and_what_is_no_text_is_refused(
    scene: Scene, door: Door
) -> None:
    seat = await scene.seat(door, scene.one)

    longest = await seat.says("é" * 10_000, client_id="longest")
    codes = {
        name: await refused(seat.says(text, client_id=name)) for name, text in BAD_TEXTS.items()
    }

    assert len(longest.text) == 10_000
    # What no decoder takes for a text gets no further than the frame.
    assert codes.pop("half a character") in {"frame_malformed", "text_not_unicode"}
    assert codes == CODES
    await nothing_was_added(scene, messages=2)


@EACH
async def test_a_frame_beyond_64_kib_ends_that_connection_and_no_other(
    scene: Scene, door: Door
) -> None:
    seat, other = [await scene.seat(door, who) for who in (scene.one, scene.other)]

    await seat.floods(FRAME + 1)

    assert await asyncio.wait_for(seat.ended(), WITHIN_S) in {1009, "gone"}
    assert (await other.says("Still here")).seq == 2


def test_every_contract_is_in_the_tables_of_this_file():
    assert {door.name for door in DOORS} == set(TURNED_AWAY)
