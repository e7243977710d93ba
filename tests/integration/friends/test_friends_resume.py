"""Coming back to friends: exactly what was missed, in order, and then what happens."""

import asyncio
from typing import Any

import pytest

from tests.clients import Client, Socket
from tests.integration.friends.friendship import CHAT, befriend, enter, send
from tests.running import Server


async def resumed(socket: Socket, **after: int) -> list[dict[str, Any]]:
    """What comes between saying how far one got and `resumed`, whose count must be right."""
    await socket.says({"type": "resume", "after": after})
    frames = []
    while (frame := await socket.hears())["type"] != "resumed":
        frames.append(frame)
    assert frame["count"] == len(frames)
    return frames


def contents(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["message"]["content"] for frame in frames if frame["type"] == "new_message"]


async def test_a_named_friend_is_resumed_exactly_and_the_others_waited(cast: list[Client]) -> None:
    ana, bo, cy = cast
    first = await enter(ana)
    for sender, content in ((bo, "b1"), (bo, "b2"), (cy, "c1")):
        await send(sender, ana, content)
        await first.until("new_message")
    await first.connection.close()
    b3 = await send(bo, ana, "b3")
    await ana.ask("PUT", f"{CHAT}/messages/{b3['message_id']}/read")
    await bo.ask("DELETE", f"{CHAT}/messages/{b3['message_id']}")
    await send(cy, ana, "c2")
    await send(ana, bo, "mine, from elsewhere")

    at_ana = await enter(ana, "?resume=1")
    frames = await resumed(at_ana, **{bo.uid: 1})

    with_bo = [frame for frame in frames if frame["friend_id"] == bo.uid]
    with_cy = [frame for frame in frames if frame["friend_id"] == cy.uid]
    assert [frame["seq"] for frame in with_bo] == [2, 3, 4, 5]
    assert [frame["type"] for frame in with_bo] == [
        "new_message",
        "new_message",
        "message_deleted",
        "new_message",
    ]
    assert contents(with_bo) == ["b2", "", "mine, from elsewhere"]
    assert with_bo[1]["message"]["is_deleted"]
    assert with_bo[1]["message"]["status"] == "read"
    assert contents(with_cy) == ["c2"]
    await send(bo, ana, "live")
    assert (await at_ana.until("new_message"))["message"]["content"] == "live"


async def test_nothing_is_sent_until_the_client_has_said_how_far_it_got(
    cast: list[Client],
) -> None:
    ana, bo, cy = cast
    await send(bo, ana, "waits")
    at_ana = await enter(ana, "?resume=1", online=[])
    at_bo = await enter(bo, online=[ana])
    await at_ana.says({"type": "ping"})
    await at_ana.says({"type": "send_message", "receiver_id": cy.uid, "content": "meanwhile"})
    await send(bo, ana, "live while waiting")

    frames = await resumed(at_ana, **{bo.name: 0})

    assert contents(frames) == ["waits", "live while waiting"]
    after = {(await at_ana.hears())["type"] for _ in range(3)}
    assert after == {"pong", "message_sent", "friend_online"}
    await at_bo.until("message_delivered")


async def test_who_does_not_say_how_far_it_got_is_waited_for_five_seconds(
    cast: list[Client],
) -> None:
    ana, bo, _ = cast
    await send(bo, ana, "waits")
    begun = asyncio.get_running_loop().time()

    at_ana = await enter(ana, "?resume=1")

    assert (await at_ana.hears("new_message"))["message"]["content"] == "waits"
    assert (await at_ana.hears("resumed"))["count"] == 1
    assert 4.5 < asyncio.get_running_loop().time() - begun < 8
    assert contents(await resumed(at_ana, **{bo.uid: 0})) == ["waits"]


async def test_the_present_receipts_come_after_what_was_missed(cast: list[Client]) -> None:
    ana, bo, _ = cast
    one = await send(ana, bo, "one")
    two = await send(ana, bo, "two")
    await bo.ask("PUT", f"{CHAT}/messages/{one['message_id']}/read")
    await bo.get(f"{CHAT}/messages/history/{ana.name}")

    at_ana = await enter(ana, "?resume=1")
    frames = await resumed(at_ana, **{bo.uid: 0})

    assert frames[0]["message"]["status"] == "read"
    read = await at_ana.until("message_read")
    assert (read["message_id"], read["read_by"]) == (one["message_id"], bo.uid)
    delivered = await at_ana.until("message_delivered")
    assert delivered["message_id"] == two["message_id"]


async def test_more_than_a_page_comes_whole_and_in_order(cast: list[Client]) -> None:
    ana, bo, cy = cast
    at_bo, at_cy = await enter(bo), await enter(cy)
    wanted = [f"message {number}" for number in range(450)]
    for socket in (at_bo, at_cy):
        for content in wanted:
            await socket.says({"type": "send_message", "receiver_id": ana.uid, "content": content})
        for _ in wanted:
            await socket.until("message_sent")

    at_ana = await enter(ana, "?resume=1")
    frames = await resumed(at_ana, **{bo.uid: 0})

    for friend in (bo, cy):
        theirs = [frame for frame in frames if frame["friend_id"] == friend.uid]
        assert contents(theirs) == wanted
    again = await enter(ana)
    assert await again.frames() == []


async def test_a_live_client_may_resume_again(cast: list[Client]) -> None:
    ana, bo, cy = cast
    at_ana = await enter(ana)
    for sender in (bo, cy):
        await send(sender, ana, "one")
        await at_ana.until("new_message")

    frames = await resumed(at_ana, **{bo.uid: 0})

    assert contents(frames) == ["one"]
    await send(cy, ana, "two")
    assert (await at_ana.until("new_message"))["message"]["content"] == "two"


async def test_whom_the_client_names_wrongly_is_passed_over(
    cast: list[Client], shared_server: Server
) -> None:
    ana, bo, _ = cast
    await send(bo, ana, "one")
    await ana.ask("DELETE", f"{CHAT}/friends/{bo.name}")
    at_ana = await enter(ana, "?resume=1")

    frames = await resumed(at_ana, **{"nobody": 0, bo.uid: 0, ana.uid: 0, "": 3})

    assert frames == []
    await befriend(bo, ana)
    await at_ana.until("friend_accepted")
    assert (await at_ana.until("new_message"))["message"]["content"] == "one"


@pytest.mark.parametrize("after", [{"x": -1}, {"x": "1"}, {"x": 2**60}, [], "all", {"x": None}])
async def test_a_resume_that_cannot_be_read_is_refused_and_may_be_said_again(
    cast: list[Client], after: Any
) -> None:
    ana, bo, _ = cast
    await send(bo, ana, "one")
    at_ana = await enter(ana, "?resume=1")

    await at_ana.says({"type": "resume", "after": after})

    frames = await resumed(at_ana, **{bo.uid: 0})
    assert contents(frames) == ["one"]
    assert (await at_ana.until("error"))["code"] == "frame_malformed"


async def test_old_state_and_events_make_the_fresh_state(cast: list[Client]) -> None:
    """What a client builds from the frames it hears is what it would read anew."""
    ana, bo, _ = cast
    at_ana, at_bo = await enter(ana), await enter(bo)
    ids = []
    for number in range(6):
        sender, receiver = (at_bo, ana) if number % 2 else (at_ana, bo)
        frame = {"type": "send_message", "receiver_id": receiver.uid, "content": str(number)}
        await sender.says(frame)
        ids.append((await sender.until("message_sent"))["message_id"])
    watcher = await enter(ana, "?resume=1")
    frames = await resumed(watcher, **{bo.uid: 0})
    await at_ana.says({"type": "edit_message", "message_id": ids[0], "content": "new"})
    await at_bo.says({"type": "delete_message", "message_id": ids[1]})
    await at_bo.says({"type": "react", "message_id": ids[2], "emoji": "👍"})
    changes = {"message_edited", "message_deleted", "message_reaction"}
    while not changes <= {frame["type"] for frame in frames}:
        frames.append(await watcher.hears())

    built = built_from(frames)

    page = (await ana.get(f"{CHAT}/messages/history/{bo.uid}"))["messages"]
    fresh = {
        message["message_id"]: (
            message["content"],
            message["is_deleted"],
            [reaction["emoji"] for reaction in message["reactions"]],
        )
        for message in page
    }
    assert built == fresh


def built_from(frames: list[dict[str, Any]]) -> dict[str, tuple[str, bool, list[str]]]:
    built: dict[str, tuple[str, bool, list[str]]] = {}
    for frame in frames:
        match frame["type"]:
            case "new_message":
                shown = frame["message"]
                built[shown["message_id"]] = (shown["content"], shown["is_deleted"], [])
            case "message_edited":
                built[frame["message_id"]] = (frame["content"], False, [])
            case "message_deleted":
                built[frame["message_id"]] = ("", True, [])
            case "message_reaction":
                built[frame["message_id"]][2].append(frame["emoji"])
    return built


async def test_what_waited_from_a_friend_comes_when_the_friendship_begins_again(
    cast: list[Client],
) -> None:
    ana, bo, _ = cast
    await send(bo, ana, "waits")
    await ana.ask("DELETE", f"{CHAT}/friends/{bo.name}")
    at_ana = await enter(ana)
    assert await at_ana.frames() == []

    await befriend(bo, ana)
    await send(bo, ana, "live")

    frames = [await at_ana.until("new_message") for _ in range(2)]
    assert contents(frames) == ["waits", "live"]


async def test_what_was_written_before_a_block_comes_when_it_is_lifted(
    cast: list[Client],
) -> None:
    ana, bo, _ = cast
    await send(bo, ana, "waits")
    await ana.ask("POST", f"{CHAT}/block", json={"user_id": bo.uid})
    at_ana = await enter(ana)
    assert await at_ana.frames() == []

    await ana.ask("POST", f"{CHAT}/unblock", json={"user_id": bo.uid})

    assert contents([await at_ana.until("new_message")]) == ["waits"]
