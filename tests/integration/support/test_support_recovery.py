"""Coming back to a thread: nothing is missed, nothing comes twice, whatever the client is."""

import pytest

from tests.integration.support.peers import peers

TEXT = "My parcel has not come"


def texts(heard):
    return [data["message_text"] for name, data in heard if name == "receive_message"]


async def closed(client, session_id):
    await client.post(f"/api/v1/chat/sessions/{session_id}/close")


@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_npm_recovers_what_it_missed(opened_by_npm, opened, wire, ana, agent, way):
    customer, staff = await opened_by_npm(ana, way, wire=wire), await opened(agent)
    await customer.says("One")
    await staff.says("Two", receiver_id=ana.uid)
    await customer.until("receive_message", message_text="Two")

    await customer.is_cut_off(wire)
    for text in ("Three", "Four"):
        await staff.says(text, receiver_id=ana.uid)

    assert (await customer.until("connect"))["recovered"] is True
    assert texts(await customer.heard()) == ["Three", "Four"]


async def test_npm_recovers_before_it_has_heard_of_anything(
    opened_by_npm, opened, wire, ana, agent
):
    customer, staff = await opened_by_npm(ana, wire=wire), await opened(agent)

    await customer.is_cut_off(wire)
    await staff.says(TEXT, receiver_id=ana.uid)

    assert (await customer.until("connect"))["recovered"] is True
    assert texts(await customer.heard()) == [TEXT]


async def test_what_npm_sent_itself_does_not_come_back_to_it(
    opened_by_npm, opened, wire, ana, agent
):
    customer, staff = await opened_by_npm(ana, wire=wire), await opened(agent)
    await customer.says("One")
    await customer.emit("heartbeat")
    await customer.until("heartbeat")

    await customer.is_cut_off(wire)
    await staff.says("Two", receiver_id=ana.uid)

    await customer.until("connect")
    assert texts(await customer.heard()) == ["Two"]


async def test_an_id_of_somebody_else_recovers_nothing(opened_by_npm, opened, ana, bo, agent):
    staff = await opened(agent)
    await staff.says(TEXT, receiver_id=ana.uid)

    stranger = await opened_by_npm(
        bo, auth={"token": bo.token, "pid": f"{ana.id}~0-0", "offset": "0-0"}
    )

    assert await stranger.heard() == []


@pytest.mark.parametrize("auth", [{"pid": 5}, {"pid": "~"}, {"pid": "x~y", "offset": {"a": 1}}])
async def test_an_id_that_is_none_counts_as_none(opened_by_npm, ana, auth):
    assert await (await opened_by_npm(ana, auth={"token": ana.token} | auth)).heard() == []


@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_python_comes_back_with_the_cursor_that_it_saw_last(opened, wire, ana, agent, way):
    customer, staff = await opened(ana, way, wire=wire), await opened(agent)
    await staff.says("One", receiver_id=ana.uid)
    await customer.until("receive_message", message_text="One")

    await customer.is_cut_off(wire)
    await staff.says("Two", receiver_id=ana.uid)

    await customer.until("receive_message", message_text="Two")
    assert texts(await customer.heard()) == []


async def test_a_cursor_holds_over_several_sessions(opened, rest, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    first = await customer.says("One")
    await staff.does("join_room", {"user_id": ana.uid})
    await closed(rest["agent"], first["session_id"])
    second = await customer.says("Two")
    await rest["ana"].post("/api/v1/chat/sessions", {"title": "Another matter"})
    third = await customer.says("Three")
    assert len({one["session_id"] for one in (first, second, third)}) == 3

    for after, missed in (
        (first["cursor"], ["Two", "Three"]),
        (second["cursor"], ["Three"]),
        (third["cursor"], []),
        ("0-0", ["One", "Two", "Three"]),
    ):
        answer = await customer.does("resume", {"cursor": after})
        assert texts(await customer.heard()) == missed
        assert answer["cursor"].startswith(third["cursor"].split(".")[0])
    for session, seq, missed in (
        (first, 1, ["Two", "Three"]),
        (second, 0, ["Two", "Three"]),
        (second, 1, ["Three"]),
        (third, 1, []),
    ):
        asked = {"after_seq": seq, "session_id": session["session_id"]}
        await customer.does("resume", asked)
        assert texts(await customer.heard()) == missed
    # Without the session, a place that several have come to is the oldest's: nothing is lost.
    await customer.does("resume", {"after_seq": 0})
    assert texts(await customer.heard()) == ["One", "Two", "Three"]


async def test_the_cursor_travels_in_the_handshake_as_well(opened, ana, agent):
    customer = await opened(ana)
    one = await customer.says("One")
    await customer.says("Two")

    later = await opened(ana, auth={"token": ana.token, "cursor": one["cursor"]})
    by_place = await opened(ana, auth={"token": ana.token, "after_seq": 1})
    fresh = await opened(ana)

    assert texts(await later.heard()) == ["Two"]
    assert texts(await by_place.heard()) == ["Two"]
    assert texts(await fresh.heard()) == []


async def test_every_kind_of_change_is_replayed_once_and_in_order(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    first = await customer.says("One", client_id="1")
    gone = await customer.says("Two")
    await customer.does("edit_message", {"message_id": first["_id"], "message_text": "Uno"})
    await staff.says("Three", receiver_id=ana.uid)
    await staff.does("react", {"message_id": first["_id"], "emoji": "👍"})
    await customer.does("delete_message", {"message_id": gone["_id"]})
    await staff.does("mark_read", {"user_id": ana.uid})
    live = await customer.heard()

    answer = await customer.does("resume", {"after_seq": 0})

    replayed = await customer.heard()
    durable = [(name, data["seq"]) for name, data in replayed if "seq" in data]
    assert [seq for _, seq in durable] == sorted({seq for _, seq in durable})
    assert [name for name, _ in durable] == [
        "receive_message",
        "receive_message",
        "message_edited",
        "receive_message",
        "reaction",
        "message_deleted",
    ]
    assert answer["count"] == 6
    assert answer["last_seq"] == durable[-1][1]
    # The present, not the past: edited and deleted texts are gone.
    assert texts(replayed) == ["Uno", "", "Three"]
    assert replayed[0][1]["client_id"] == "1"
    assert replayed[-1][0] == "messages_read"
    assert replayed[-1][1]["reader_id"] == agent.uid
    assert "messages_read" in [name for name, _ in live]


async def test_staff_come_back_to_a_room_where_they_left_it(opened, ana, agent, admin):
    customer, staff = await opened(ana), await opened(admin)
    await customer.says("One")
    seen = await staff.does("join_room", {"user_id": ana.uid})
    await staff.leave()
    await customer.says("Two")
    await (await opened(agent)).says("Three", receiver_id=ana.uid)

    back = await opened(admin)
    again = await back.does("join_room", {"user_id": ana.uid, "cursor": seen["cursor"]})

    assert again["count"] == 2
    assert texts(await back.heard()) == ["Two", "Three"]


async def test_staff_are_not_told_again_what_they_heard_before_they_joined(
    opened, ana, agent, admin
):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says("One", receiver_id="agent")
    seen = (await staff.until("receive_message", message_text="One"))["cursor"]
    await staff.leave()
    await customer.until("user_offline", user_id=agent.uid)
    await customer.says("Two")

    back = await opened(agent)
    assert texts(await back.heard()) == ["Two"]
    await customer.says("Three")
    live = await back.until("receive_message")
    mine = await back.says("Four", receiver_id=ana.uid)
    joined = await back.does("join_room", {"user_id": ana.uid, "cursor": seen})
    await customer.says("Five")

    assert live["message_text"] == "Three"
    assert joined["count"] == 0
    assert joined["cursor"] == mine["cursor"]
    assert texts(await back.heard()) == ["Five"]
    # From here on the room is the client's own affair: what it asks for again, it is sent again.
    again = await back.does("resume", {"user_id": ana.uid, "cursor": seen})
    assert again["count"] == 4
    assert texts(await back.heard()) == ["Two", "Three", "Four", "Five"]


async def test_staff_say_with_connect_how_far_they_are_in_each_room(opened, ana, bo, agent, admin):
    customer, other = await opened(ana), await opened(bo)
    await customer.says("One", receiver_id="agent")
    staff = await opened(agent)
    seen = {
        ana.uid: (await staff.does("join_room", {"user_id": ana.uid}))["cursor"],
        bo.name: (await staff.does("join_room", {"user_id": bo.uid}))["cursor"],
    }
    await staff.leave()
    await customer.says("Two")
    await other.says("Hello")

    back = await opened(agent, auth={"token": agent.token, "rooms": {**seen, "nobody": "0-0"}})
    await customer.says("Three")
    await other.says("Anybody?")

    heard = texts(await back.heard())
    assert [text for text in heard if text in ("Two", "Three")] == ["Two", "Three"]
    assert [text for text in heard if text not in ("Two", "Three")] == ["Hello", "Anybody?"]
    assert ana.uid in (await back.does("get_connection_info"))["rooms"]


@pytest.mark.parametrize("rooms", [5, "x", ["x"], {"x": 5}, {"admin": "0-0"}, {"\0": "0-0"}])
async def test_rooms_that_are_none_count_as_not_said(opened, agent, rooms):
    staff = await opened(agent, auth={"token": agent.token, "rooms": rooms})

    assert (await staff.does("heartbeat"))["timestamp"]


async def test_a_session_that_begins_while_staff_are_in_the_room_is_heard(opened, rest, ana, admin):
    customer, staff = await opened(ana), await opened(admin)
    assert (await staff.does("join_room", {"user_id": ana.uid}))["cursor"] == "0-0"

    begun = await rest["ana"].post("/api/v1/chat/sessions", {"title": "By another contract"})
    path = f"/api/v1/chat/sessions/{begun['id']}/messages"
    await rest["ana"].post(path, {"content": "Hello"})

    assert (await staff.until("receive_message"))["session_id"] == begun["id"]
    assert (await customer.until("receive_message"))["message_text"] == "Hello"
    assert (await customer.says("Here too"))["session_id"] == begun["id"]


async def test_a_long_absence_is_made_up_for_page_by_page(opened, rest, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says("First")
    cursor = (await customer.does("resume", {}))["cursor"]
    for number in range(450):
        await staff.emit("send_message", {"message_text": f"{number} " + "x" * 5_000,
                                          "receiver_id": ana.uid})  # fmt: skip
    await staff.says("Last", receiver_id=ana.uid)

    later = await opened(ana, auth={"token": ana.token, "cursor": cursor})

    found = texts(await later.heard())
    assert [text.split()[0] for text in found] == [*map(str, range(450)), "Last"]


# -- clients that keep nothing ---------------------------------------------------------------------


@pytest.fixture(params=["python", "npm before 4.6"])
async def opened_blank(request, server):
    """Opens clients that come back with nothing to say how far they had got."""
    puppets = None if request.param == "python" else request.getfixturevalue("puppets")
    async with peers(server, puppets, forget=True) as open_peer:
        yield open_peer


@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_who_cannot_say_how_far_it_got_is_sent_what_its_account_was_not_handed(
    opened_blank, opened, ana, agent, way
):
    customer, staff = await opened_blank(ana, way), await opened(agent)
    await customer.says("One")
    gone = await staff.says("Two", receiver_id=ana.uid)
    await customer.until("receive_message", message_text="Two")

    await customer.leave()
    await staff.until("user_offline", user_id=ana.uid)
    edited = await staff.says("Thre", receiver_id=ana.uid)
    await staff.says("Four", receiver_id=ana.uid)
    await staff.does("edit_message", {"message_id": edited["_id"], "message_text": "Three"})
    await staff.does("delete_message", {"message_id": gone["_id"]})

    back = await (await opened_blank(ana, way)).heard()
    assert texts(back) == ["Three", "Four"]
    assert {name for name, _ in back if name.startswith("message")} == set()
    assert texts(await (await opened_blank(ana)).heard()) == []


async def test_what_waited_is_not_sent_again_to_whoever_then_resumes(opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    seen = (await customer.says("One"))["cursor"]
    await staff.does("join_room", {"user_id": ana.uid})
    await customer.leave()
    await staff.until("user_offline", user_id=ana.uid)
    two = await staff.says("Two", receiver_id=ana.uid)
    await staff.does("react", {"message_id": two["_id"], "emoji": "👍"})

    back = await opened(ana)
    await back.until("receive_message", message_text="Two")
    missed = await back.does("resume", {"cursor": seen})

    assert missed["count"] == 1
    heard = [name for name, _ in await back.heard()]
    assert ("reaction" in heard, "receive_message" in heard) == (True, False)


async def test_a_new_page_of_npm_is_sent_what_waits_once(opened_by_npm, opened, wire, ana, agent):
    staff = await opened(agent)
    await staff.says("One", receiver_id=ana.uid)
    page = await opened_by_npm(ana, wire=wire)
    assert texts(await page.heard()) == ["One"]

    await page.is_cut_off(wire)
    await staff.says("Two", receiver_id=ana.uid)

    assert (await page.until("connect"))["recovered"] is True
    assert texts(await page.heard()) == ["Two"]


async def test_staff_are_sent_what_waits_in_the_sessions_that_they_serve(opened, ana, bo, agent):
    customer, other, staff = await opened(ana), await opened(bo), await opened(agent)
    await customer.says("One", receiver_id="agent")
    await staff.until("receive_message", message_text="One")
    await staff.leave()
    await customer.until("user_offline", user_id=agent.uid)
    await customer.says("Two")
    await other.says("To nobody of you")

    back = await opened(agent)

    assert texts(await back.heard()) == ["Two"]
    assert texts(await (await opened(agent)).heard()) == []
