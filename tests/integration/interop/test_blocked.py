"""Who is blocked learns nothing of the blocker through any contract, live or when asking."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.adapters.adapter import ContractClient, Frame, SharedConversation
from tests.adapters.every import KINDS, contracts_for
from tests.clients import Client, clients_of, registered
from tests.integration.interop.conftest import Scene
from tests.running import Server

CHAT = "/api/v1/chat"
OPENED = [
    pytest.param(kind, contract, id=f"{kind}-{contract.name}")
    for kind in KINDS
    for contract in contracts_for(kind)
]
SAYING = {
    "message", "new_message", "receive_message", "message_edited", "member_added", "heartbeat"
}  # fmt: skip


def tells_of(frame: Frame, person: Client) -> bool:
    """Whether a frame, other than what somebody says, names a person."""
    kind = frame.get("type") or frame.get("message_type") or frame.get("event")
    return kind not in SAYING and (
        person.uid in str(frame) or person.id in (frame.get("user_id"), frame.get("sender_id"))
    )


async def shown(viewer: Client, scene: Scene, other: Client) -> dict[str, Any]:
    """What every contract's routes show the viewer of how far the other is, and whether there."""
    found: dict[str, Any] = {}
    number, uid = scene.conversation.number, scene.conversation.uid
    there = await viewer.get(f"/conversations/{number}")
    (one,) = [each for each in there["participants"] if each["id"] == other.id]
    found["conversations"] = one["online"], one["read_seq"]
    if scene.conversation.kind == "session":
        people = await viewer.get(f"{CHAT}/sessions/{uid}/participants")
        (one,) = [each for each in people if each["user_id"] == other.uid]
        found["sessions"] = one["online"], one["read_seq"], one["last_read_at"]
        messages = await viewer.get(f"{CHAT}/sessions/{uid}/messages")
        found["messages"] = [(each["status"], each["read_by_count"]) for each in messages]
        path = f"/chat/history/user/{other.uid}" if viewer is scene.other else "/chat/history/self"
        thread = await viewer.get(path, session_id=uid)
        found["support"] = [each["read"] for each in thread if each["sender_id"] == viewer.uid]
    if scene.conversation.kind == "direct":
        friends = (await viewer.get(f"{CHAT}/friends"))["friends"]
        found["friends"] = [each["online"] for each in friends if each["account_id"] == other.uid]
        found["online"] = (await viewer.get(f"{CHAT}/friends/online"))["online_friends"]
        history = await viewer.get(f"{CHAT}/messages/history/{other.uid}")
        found["history"] = [(each["status"], each["read_at"]) for each in history["messages"]]
    return found


def is_absent(found: dict[str, Any]) -> bool:
    return not found["conversations"][0] and not found.get("sessions", (False,))[0]


@pytest.mark.parametrize(("scene", "contract"), OPENED, indirect=["scene"])
async def test_the_blocked_one_is_told_nothing_of_the_blocker(
    scene: Scene, contract: ContractClient
) -> None:
    """Not that they are there, type, read or were handed anything; who sets the block began it."""
    number, blocker, blocked = scene.conversation.number, scene.one, scene.other
    theirs = await scene.connection(contract, blocked)
    mine = await scene.connection(contract, blocker)
    said = await theirs.says("Before")
    await mine.until("message", said.uid)
    await blocker.post(f"{CHAT}/block", {"user_id": blocked.uid})
    await theirs.everything()
    before = await shown(blocked, scene, blocker)

    frames = theirs.recorded()
    await blocker.post(f"/conversations/{number}/read", {"up_to_seq": said.seq})
    async with contract.enter(blocker, scene.conversation, 0) as second:
        await second.everything()
        socket = await blocker.enter(number)
        await socket.says({"type": "typing", "is_typing": True})
        await socket.frames()
        await theirs.everything()
        after = await shown(blocked, scene, blocker)

    assert [frame for frame in frames if tells_of(frame, blocker)] == []
    assert after == before
    assert is_absent(after)
    seen = await shown(blocker, scene, blocked)
    assert seen["conversations"][0] or scene.conversation.kind == "direct"
    async with contract.enter(blocked, scene.conversation, 0) as again:
        frames = again.recorded()
        await again.everything()
    assert [frame for frame in frames if tells_of(frame, blocker)] == []


@pytest.mark.parametrize(("scene", "contract"), OPENED, indirect=["scene"])
async def test_once_unblocked_all_is_shown_again(scene: Scene, contract: ContractClient) -> None:
    blocker, blocked = scene.one, scene.other
    theirs = await scene.connection(contract, blocked)
    await scene.connection(contract, blocker)
    said = await theirs.says("Before")
    await blocker.post(f"{CHAT}/block", {"user_id": blocked.uid})
    path = f"/conversations/{scene.conversation.number}/read"
    await blocker.post(path, {"up_to_seq": said.seq})

    await blocker.post(f"{CHAT}/unblock", {"user_id": blocked.uid})

    found = await shown(blocked, scene, blocker)
    assert found["conversations"] == (True, said.seq)


async def gathered(kind: str, host: Client, *others: Client) -> SharedConversation:
    """A conversation into which somebody has brought two others."""
    people = (others[0].login, others[1].login)
    if kind == "group":
        body = {"title": "PARTY", "participant_ids": [one.id for one in others]}
        found = await host.post("/conversations", body)
        return SharedConversation(kind, found["id"], found["uid"], people)
    found = await host.post(f"{CHAT}/sessions", {"title": "PARTY"})
    for one in others:
        path = f"{CHAT}/sessions/{found['id']}/participants"
        await host.post(path, {"user_id": one.uid})
    return SharedConversation(kind, found["conversation_id"], found["id"], people)


@pytest.mark.parametrize(
    ("kind", "contract"),
    [
        pytest.param(kind, contract, id=f"{kind}-{contract.name}")
        for kind in ("group", "session")
        for contract in contracts_for(kind)
        if contract.name != "support"  # It shows nobody who is neither customer nor staff.
    ],
)
async def test_where_a_third_person_brings_both_the_blocked_one_learns_nothing_either(
    demo_server: Server, kind: str, contract: ContractClient
) -> None:
    people = [registered(demo_server, name) for name in ("ana", "bo", "cy")]
    async with clients_of(demo_server, *people) as (blocker, blocked, host):
        await blocker.post(f"{CHAT}/block", {"user_id": blocked.uid})
        here = await gathered(kind, host, blocker, blocked)
        scene = Scene(here, blocked, blocker, host, AsyncExitStack())
        async with (
            contract.enter(blocked, here, 0) as theirs,
            contract.enter(blocker, here, 0) as mine,
        ):
            said = await theirs.says("Is anybody there?")
            await mine.everything()
            frames = theirs.recorded()
            await blocker.post(f"/conversations/{here.number}/read", {"up_to_seq": said.seq})
            socket = await blocker.enter(here.number)
            await socket.says({"type": "typing", "is_typing": True})
            await socket.frames()
            found = await shown(blocked, scene, blocker)
            answer = await mine.says("Not for you to see when")
            assert (await theirs.until("message", answer.uid)).text == answer.text
            await theirs.everything()
        async with contract.enter(blocked, here, 0) as again:
            frames += again.recorded()
            await again.everything()

    assert [frame for frame in frames if tells_of(frame, blocker)] == []
    assert found["conversations"] == (False, 0)
    assert found.get("sessions") in (None, (False, 0, None))
    assert {count for _, count in found.get("messages", [])} <= {0}


async def test_nobody_is_gathered_by_whom_they_block(demo_server: Server) -> None:
    """They are asked, and may decline; no contract shows them the group before they accept."""
    people = [registered(demo_server, name) for name in ("ana", "bo", "cy")]
    async with clients_of(demo_server, *people) as (ana, bo, cy):
        await bo.post(f"{CHAT}/block", {"user_id": ana.uid})
        body = {"title": "PARTY", "participant_ids": [bo.id, cy.id]}
        groups = [await ana.post("/conversations", body) for _ in range(2)]

        asked = await bo.get("/conversations/invitations")
        assert {tuple(one["id"] for one in group["participants"]) for group in groups} == {
            (ana.id, cy.id)
        }
        assert [(one["conversation_id"], one["inviter_id"]) for one in asked] == [
            (group["id"], ana.id) for group in groups
        ]
        assert await bo.get("/conversations") == []
        first, second = [f"/conversations/invitations/{group['id']}" for group in groups]
        assert (await bo.ask("GET", f"/conversations/{groups[0]['id']}")).status_code == 403
        joined = await bo.post(f"{first}/accept")
        declined = await bo.ask("POST", f"{second}/decline")
        again = await bo.ask("POST", f"{second}/accept")

        assert [one["id"] for one in joined["participants"]] == [ana.id, cy.id, bo.id]
        assert (declined.status_code, again.status_code) == (204, 404)
        assert again.json()["code"] == "invitation_not_found"
        assert [one["id"] for one in await bo.get("/conversations")] == [groups[0]["id"]]
        assert await bo.get("/conversations/invitations") == []
