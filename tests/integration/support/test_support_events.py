"""Every event of the `support` contract, by python-socketio's client."""

import pytest

TEXT = "My parcel has not come"


async def test_a_message_is_acknowledged_and_reaches_all_whom_it_concerns(opened, ana, bo, admin):
    phone, laptop, other = await opened(ana), await opened(ana, "polling"), await opened(bo)
    staff = await opened(admin)
    room = await staff.does("join_room", {"user_id": ana.uid})
    assert (room["room"], room["last_seq"], room["members_online"]) == (ana.uid, 0, 2)

    ack = await phone.says(TEXT, appointment_id="a-1", client_id="once")

    message = await staff.until("receive_message")
    assert message["message_text"] == TEXT
    assert message["sender_id"] == message["user_id"] == ana.uid
    assert (message["receiver_id"], message["appointment_id"]) == (None, "a-1")
    assert (message["seq"], message["service_id"], message["read"]) == (1, None, False)
    assert "client_id" not in message
    assert ack["_id"] == ack["message"]["_id"] == message["_id"]
    assert ack["client_id"] == "once"
    assert (await laptop.until("receive_message"))["client_id"] == "once"
    assert await phone.heard() == []
    assert await other.heard() == []


async def test_without_an_ack_the_sender_hears_their_own_message(opened, ana):
    phone = await opened(ana)

    await phone.emit("send_message", {"message_text": TEXT})

    assert (await phone.until("receive_message"))["message_text"] == TEXT


async def test_an_addressed_agent_hears_of_it_without_joining_a_room(opened, ana, agent, admin):
    customer, staff, other = await opened(ana), await opened(agent), await opened(admin)

    await customer.says(TEXT, receiver_id=agent.uid)
    heard = await staff.until("receive_message", message_text=TEXT)
    assert heard["receiver_id"] == agent.uid
    answer = await staff.says("I am on it", receiver_id=ana.name)

    assert answer["receiver_id"] == ana.uid
    assert (await customer.until("receive_message"))["sender_id"] == agent.uid
    assert "receive_message" not in [name for name, _ in await other.heard()]


async def test_an_agent_who_left_the_room_still_hears_when_addressed(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says("One", receiver_id="agent")
    await staff.until("receive_message", message_text="One")

    await staff.does("leave_room", {"user_id": ana.uid})
    await customer.says("To the desk")
    assert "receive_message" not in [name for name, _ in await staff.heard()]
    await customer.says("Two", receiver_id="agent")

    assert (await staff.until("receive_message"))["message_text"] == "Two"


async def test_staff_may_write_first(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)

    await staff.says("You have won a parcel", receiver_id=ana.uid)

    message = await customer.until("receive_message")
    assert (message["sender_id"], message["receiver_id"]) == (agent.uid, ana.uid)
    await customer.says("No, thanks")
    assert (await staff.until("receive_message"))["message_text"] == "No, thanks"


async def test_a_refused_first_message_opens_no_session_and_brings_nobody_in(
    opened, rest, ana, agent
):
    customer, staff = await opened(ana), await opened(agent)
    to_nothing = {"message_text": TEXT, "reply_to_id": ana.uid}
    for client, receiver in ((customer, agent.uid), (staff, ana.uid)):
        refused = await client.is_refused("send_message", to_nothing | {"receiver_id": receiver})
        assert refused == "message_not_found"

    assert await rest["ana"].get("/api/v1/chat/sessions") == []
    await customer.says("Hello?")
    assert "receive_message" not in [name for name, _ in await staff.heard()]


async def test_the_same_client_id_is_the_same_message_even_in_a_later_session(
    opened, rest, ana, agent
):
    customer, staff = await opened(ana), await opened(agent)
    await staff.does("join_room", {"user_id": ana.uid})
    first = await customer.says(TEXT, client_id="1")
    assert (await customer.says(TEXT, client_id="1"))["_id"] == first["_id"]
    assert (
        await customer.is_refused("send_message", {"message_text": "Another", "client_id": "1"})
        == "client_id_reused"
    )

    path = f"/api/v1/chat/sessions/{first['session_id']}/close"
    await rest["agent"].post(path)
    later = await customer.says("Hello again")
    assert later["session_id"] != first["session_id"]
    assert (await customer.says(TEXT, client_id="1"))["_id"] == first["_id"]

    texts = [data["message_text"] for name, data in await staff.heard() if "receive" in name]
    assert texts == [TEXT, "Hello again"]


async def test_customers_cannot_reach_each_other(opened, ana, bo, agent):
    customer, staff = await opened(ana), await opened(agent)
    for receiver in (bo.uid, bo.name, "nobody", ana.uid):
        assert (
            await customer.is_refused(
                "send_message", {"message_text": TEXT, "receiver_id": receiver}
            )
            == "forbidden"
        )
    assert await customer.is_refused("join_room", {"user_id": bo.uid}) == "forbidden"
    assert await customer.is_refused("typing", {"receiver_id": bo.uid}) == "forbidden"
    assert await customer.is_refused("mark_read", {"user_id": bo.uid}) == "forbidden"
    assert await customer.is_refused("resume", {"user_id": bo.uid, "after_seq": 0}) == "forbidden"
    theirs = await (await opened(bo)).says("Between me and the desk")
    for name, more in (
        ("edit_message", {"message_text": "x"}),
        ("delete_message", {}),
        ("react", {"emoji": "👍"}),
        ("mark_read", {}),
    ):
        asked = {"message_id": theirs["_id"], **more}
        assert await customer.is_refused(name, asked) == "message_not_found"
    assert await staff.is_refused("send_message", {"message_text": TEXT}) == "receiver_needed"
    assert await staff.is_refused("join_room", {"user_id": "nobody"}) == "account_not_found"
    assert (
        await staff.is_refused("send_message", {"message_text": TEXT, "receiver_id": "admin"})
        == "forbidden"
    )


async def test_typing_reaches_whom_it_is_addressed_to_before_there_is_a_session(
    opened, ana, bo, agent, admin
):
    customer, staff, other = await opened(ana), await opened(agent), await opened(admin)

    assert await customer.is_refused("typing", {"is_typing": True}) == "no_open_session"
    await customer.does("typing", {"receiver_id": agent.uid, "is_typing": True})
    told = await staff.until("typing", sender_id=ana.uid)
    assert (told["is_typing"], told["user_id"]) == (True, ana.uid)
    await customer.does("typing", {"receiver_id": agent.uid, "is_typing": False})
    assert (await staff.until("typing", sender_id=ana.uid))["is_typing"] is False
    await staff.does("typing", {"receiver_id": ana.uid, "is_typing": True})
    assert (await customer.until("typing"))["sender_id"] == agent.uid
    await other.does("join_room", {"user_id": ana.uid})
    await customer.does("typing", {"is_typing": True})
    assert (await other.until("typing"))["sender_id"] == ana.uid
    for peer in (customer, staff, other):
        assert "typing" not in [name for name, _ in await peer.heard()]


async def test_typing_reaches_the_other_side_and_not_the_typist(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says(TEXT, receiver_id="agent")
    await staff.until("receive_message")

    await customer.does("typing", {"receiver_id": agent.uid, "is_typing": True})
    assert (await staff.until("typing", is_typing=True))["sender_id"] == ana.uid
    await staff.does("typing", {"receiver_id": ana.uid, "is_typing": True})
    assert (await customer.until("typing"))["sender_id"] == agent.uid
    await customer.does("typing", {"receiver_id": agent.uid, "is_typing": False})
    assert (await staff.until("typing"))["is_typing"] is False


async def test_reading_is_told_to_the_other_side_once(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    asked = await customer.says(TEXT, receiver_id="agent")
    await staff.until("receive_message")

    read = await staff.does("mark_read", {"user_id": ana.uid})
    assert read["up_to_message_id"] == asked["_id"]
    told = await customer.until("messages_read")
    assert (told["reader_id"], told["up_to_message_id"]) == (agent.uid, asked["_id"])
    assert told["up_to_seq"] == read["up_to_seq"]
    await staff.does("mark_read", {"message_id": asked["_id"]})

    assert await customer.heard() == []
    assert "messages_read" not in [name for name, _ in await staff.heard()]


async def test_staff_read_a_thread_past_a_session_that_was_closed_unread(opened, rest, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    closed = await customer.says(TEXT)
    await rest["ana"].post(f"/api/v1/chat/sessions/{closed['session_id']}/close")
    asked = await customer.says(TEXT)

    read = await staff.does("mark_read", {"user_id": ana.uid})

    assert read["up_to_message_id"] == asked["_id"]
    assert (await customer.until("messages_read"))["up_to_message_id"] == asked["_id"]
    path = f"/api/v1/chat/sessions/{closed['session_id']}/participants"
    assert [one["user_id"] for one in await rest["ana"].get(path)] == [ana.uid]


async def test_messages_are_edited_reacted_to_and_deleted(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    await staff.does("join_room", {"user_id": ana.uid})
    name = (await customer.says(TEXT))["_id"]

    edited = await customer.does("edit_message", {"message_id": name, "message_text": "It came"})
    assert edited["message"]["message_text"] == "It came"
    await staff.does("react", {"message_id": name, "emoji": "🎉"})
    await staff.does("react", {"message_id": name, "emoji": "🎉", "remove": True})
    await customer.does("delete_message", {"message_id": name})

    told = [data for name, data in await staff.heard() if name != "user_online"][1:]
    assert [one["message_id"] for one in told] == [name] * 4
    assert told[0]["message_text"] == "It came"
    assert [one["removed"] for one in told[1:3]] == [False, True]
    assert told[3]["deleter_id"] == ana.uid
    assert "message_text" not in told[3]
    heard = [name for name, _ in await customer.heard()]
    assert heard == ["message_edited", "reaction", "reaction", "message_deleted"]


async def test_staff_who_only_look_on_edit_and_delete_nothing(opened, ana, agent):
    name = (await (await opened(ana)).says(TEXT))["_id"]
    staff = await opened(agent)

    edit = {"message_id": name, "message_text": "x"}
    assert await staff.is_refused("edit_message", edit) == "not_the_author"
    assert await staff.is_refused("delete_message", {"message_id": name}) == "not_the_owner"
    assert (await staff.does("join_room", {"user_id": ana.uid}))["last_seq"] == 1


async def test_coming_and_going_is_told_to_the_other_side(opened, ana, agent):
    customer = await opened(ana)
    await customer.says(TEXT)
    staff = await opened(agent)

    assert (await customer.until("user_online", user_id=agent.uid))["role"] == "agent"
    await staff.does("join_room", {"user_id": ana.uid})
    second = await opened(ana)
    await customer.leave()
    await second.leave()
    assert (await staff.until("user_offline"))["user_id"] == ana.uid
    await opened(ana)
    assert (await staff.until("user_online"))["user_name"] == ana.name


async def test_a_customer_sees_staff_online_and_no_other_customers(opened, ana, bo, agent):
    customer, staff = await opened(ana), await opened(agent)
    await opened(bo)

    seen = await customer.does("get_online_users")
    assert {user["role"] for user in seen["users"]} <= {"agent", "admin"}
    assert agent.uid in [user["user_id"] for user in seen["users"]]
    assert (await customer.until("online_users"))["users"] == seen["users"]
    all_of_them = await staff.does("get_online_users")
    assert {ana.uid, bo.uid} <= {user["user_id"] for user in all_of_them["users"]}


@pytest.mark.parametrize("way", ["polling", "websocket"])
async def test_a_connection_is_told_about_itself(opened, ana, way):
    customer = await opened(ana, way)

    info = await customer.does("get_connection_info")

    assert info["user_id"] == ana.uid
    assert (info["rooms"], info["transport"]) == ([ana.uid], way)
    assert info["connected_at"].endswith("Z")
    assert (await customer.until("connection_info"))["sid"] == info["sid"]
    assert (await customer.does("heartbeat"))["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("nonsense", {}, "event_unknown"),
        ("__proto__", {}, "event_unknown"),
        ("constructor", {}, "event_unknown"),
        ("x" * 10_000, {}, "event_unknown"),
        ("send_message", None, "event_malformed"),
        ("send_message", [1], "event_malformed"),
        ("send_message", "text", "event_malformed"),
        ("send_message", {"message_text": 5}, "event_malformed"),
        ("send_message", {"message_text": b"binary"}, "event_malformed"),
        ("send_message", {"message_text": TEXT, "client_id": 1}, "event_malformed"),
        ("send_message", {"message_text": "  "}, "text_empty"),
        ("send_message", {"message_text": "a\0b"}, "text_has_nul"),
        ("send_message", {"message_text": "\ud800"}, "text_not_unicode"),
        ("send_message", {"message_text": "x" * 10_001}, "text_too_long"),
        ("send_message", {"message_text": TEXT, "client_id": "x" * 65}, "client_id_invalid"),
        ("send_message", {"message_text": TEXT, "service_id": "x" * 201}, "text_too_long"),
        ("send_message", {"message_text": TEXT, "if_last_seq": -1}, "event_malformed"),
        ("join_room", {}, "event_malformed"),
        ("join_room", {"user_id": {"$ne": None}}, "event_malformed"),
        ("resume", {"cursor": "not one"}, "event_malformed"),
        ("resume", {"after_seq": 10**30}, "event_malformed"),
        ("edit_message", {"message_id": "none", "message_text": "x"}, "message_not_found"),
        ("react", {"message_id": "none", "emoji": "words"}, "message_not_found"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_the_socket_lives(opened, ana, name, data, code):
    customer = await opened(ana)

    assert await customer.is_refused(name, data) == code

    await customer.emit(name, data)
    told = await customer.until("error")
    assert (told["code"], told["event"]) == (code, name[:40])
    await customer.says(TEXT)


async def test_a_message_that_came_too_late_shows_what_was_missed(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says("One")
    await staff.says("Two", receiver_id=ana.uid)

    answer = await customer.call("send_message", {"message_text": "Three", "if_last_seq": 1})

    assert answer["error"]["code"] == "not_up_to_date"
    missed = [one["data"]["message_text"] for one in answer["error"]["missed"]]
    assert missed == ["Two"]
