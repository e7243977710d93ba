"""Every event of the contract, answered and refused, by both official clients over each transport.

What each event means is tested beside this file; here, that no client and no transport changes it.
"""

import pytest

TEXT = "My parcel has not come"
MESSAGE = {
    "_id": str,
    "sender_id": str,
    "receiver_id": str | None,
    "message_text": str,
    "timestamp": str,
    "appointment_id": str | None,
    "service_id": str | None,
    "seq": int,
    "read": bool,
}


@pytest.fixture(params=["npm", "python"])
def open_peer(request):
    return request.getfixturevalue("opened_by_npm" if request.param == "npm" else "opened")


async def names(peer):
    return [name for name, _ in await peer.heard() if not name.startswith("user_")]


@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_every_event_is_answered_and_told_to_whom_it_concerns(
    open_peer, rest, ana, bo, agent, admin, way
):
    phone, tablet = await open_peer(ana, way), await open_peer(ana, way)
    addressed, in_room = await open_peer(agent, way), await open_peer(admin, way)
    stranger = await open_peer(bo, way)

    joined = await in_room.does("join_room", {"user_id": ana.uid})
    assert (joined["room"], joined["members_online"], joined["last_seq"]) == (ana.uid, 2, 0)
    said = await phone.says(
        TEXT, receiver_id=agent.uid, appointment_id="a", service_id="s", client_id="c"
    )
    for peer in (addressed, in_room, tablet):
        heard = await peer.until("receive_message", _id=said["_id"])
        assert heard["message_text"] == TEXT
        assert all(isinstance(heard[field], kind) for field, kind in MESSAGE.items()), heard
        assert (heard["receiver_id"], heard["appointment_id"]) == (agent.uid, "a")
        assert heard.get("client_id") == ("c" if peer is tablet else None)

    await addressed.does("typing", {"receiver_id": ana.uid, "is_typing": True})
    for peer in (phone, tablet, in_room):
        assert (await peer.until("typing"))["sender_id"] == agent.uid
    read = await addressed.does("mark_read", {"user_id": ana.uid})
    for peer in (phone, tablet):
        told = await peer.until("messages_read")
        assert (told["reader_id"], told["up_to_seq"]) == (agent.uid, read["up_to_seq"])
        assert told["up_to_message_id"] == said["_id"]
    answer = await in_room.says("I see", receiver_id=ana.name)
    for peer in (phone, tablet, addressed):
        heard = await peer.until("receive_message")
        assert (heard["_id"], heard["receiver_id"]) == (answer["_id"], ana.uid)

    edited = {"message_id": said["_id"], "message_text": "It came"}
    await phone.does("edit_message", edited)
    await addressed.does("react", {"message_id": said["_id"], "emoji": "🎉"})
    await addressed.does("react", {"message_id": said["_id"], "emoji": "🎉", "remove": True})
    await phone.does("delete_message", {"message_id": said["_id"]})
    changes = ["message_edited", "reaction", "reaction", "message_deleted"]
    for peer in (tablet, in_room, addressed):
        found = await names(peer)
        assert [name for name in found if name in changes] == changes, found
    assert await names(stranger) == []

    missed = await tablet.does("resume", {"cursor": said["cursor"]})
    assert missed["count"] == len([n for n in await names(tablet) if n != "messages_read"])
    assert missed["last_seq"] > answer["seq"]
    left = await in_room.does("leave_room", {"user_id": ana.uid})
    assert left["room"] == ana.uid
    await phone.says("To the desk")
    assert "receive_message" not in await names(in_room)


@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_every_event_is_refused_and_the_socket_lives(open_peer, rest, ana, bo, agent, way):
    theirs = (await (await open_peer(bo, way)).says("Mine"))["_id"]
    customer, staff = await open_peer(ana, way), await open_peer(agent, way)
    for name, data, code in (
        ("join_room", {"user_id": bo.uid}, "forbidden"),
        ("leave_room", {"user_id": bo.uid}, "forbidden"),
        ("send_message", {"receiver_id": bo.uid, "message_text": TEXT}, "forbidden"),
        ("send_message", {"message_text": " "}, "text_empty"),
        ("typing", {"receiver_id": bo.uid, "is_typing": True}, "forbidden"),
        ("mark_read", {"user_id": bo.uid}, "forbidden"),
        ("mark_read", {"message_id": theirs}, "message_not_found"),
        ("edit_message", {"message_id": theirs, "message_text": "x"}, "message_not_found"),
        ("delete_message", {"message_id": theirs}, "message_not_found"),
        ("react", {"message_id": theirs, "emoji": "👍"}, "message_not_found"),
        ("resume", {"user_id": bo.uid, "after_seq": 0}, "forbidden"),
        ("get_online_users", 5, "event_malformed"),
        ("heartbeat", "x", "event_malformed"),
        ("get_connection_info", [1], "event_malformed"),
        ("nonsense", {}, "event_unknown"),
    ):
        assert await customer.is_refused(name, data) == code, name
    for name in ("join_room", "leave_room", "mark_read", "typing", "resume"):
        data = {"user_id": "nobody", "receiver_id": "nobody", "after_seq": 0}
        assert await staff.is_refused(name, data) == "account_not_found", name

    info = await customer.does("get_connection_info")
    assert info["transport"] == ("polling" if way == "polling" else "websocket")
    assert (info["user_id"], info["rooms"]) == (ana.uid, [ana.uid])
    assert (await customer.until("connection_info"))["sid"] == info["sid"]
    assert (await customer.does("heartbeat"))["timestamp"]
    assert (await customer.until("heartbeat"))["timestamp"]
    online = await customer.does("get_online_users")
    assert (await customer.until("online_users"))["users"] == online["users"]
    assert agent.uid in [user["user_id"] for user in online["users"]]
    assert all(user["role"] in ("agent", "admin") for user in online["users"])
    await customer.says(TEXT)
