"""A customer on Socket.IO, an agent on `sessions`, a watcher on `conversations`: one session."""

from tests.integration.assistant.chats import chat
from tests.integration.desks import enter, history


async def in_three_ways(opened, rest, ana):
    """The customer's client, the agent's socket of `sessions`, a watcher's of `conversations`."""
    customer = await opened(ana)
    first = await customer.says("Hello, desk", client_id="1")
    session = await rest["agent"].get(f"/api/v1/chat/sessions/{first['session_id']}")
    staff = await enter(rest["agent"], session)
    path = f"/api/v1/chat/sessions/{session['id']}/participants"
    await rest["agent"].post(path, {"user_id": rest["bo"].login.uid})
    watcher = await rest["bo"].enter(session["conversation_id"])
    return customer, staff, watcher, session, first


async def test_messages_cross_over_in_every_direction(opened, rest, ana, agent):
    customer, staff, watcher, session, _ = await in_three_ways(opened, rest, ana)

    mine = await customer.says("From the customer")
    assert (await staff.until("message", message_id=mine["_id"]))["content"] == "From the customer"
    assert (await watcher.until("message", uid=mine["_id"]))["seq"] == mine["seq"]
    await staff.text("From the agent")
    heard = await customer.until("receive_message", message_text="From the agent")
    assert (heard["sender_id"], heard["receiver_id"]) == (agent.uid, ana.uid)
    assert (await watcher.until("message", uid=heard["_id"]))["sender_id"] == agent.id
    await watcher.says({"content": "From the watcher", "client_id": "w"})
    last = await customer.until("receive_message", message_text="From the watcher")
    assert last["sender_id"] == rest["bo"].login.uid
    await staff.until("message", message_id=last["_id"])

    here = await rest["ana"].get("/chat/history/self")
    there = await history(rest["agent"], session)
    numbered = await rest["bo"].get(f"/conversations/{session['conversation_id']}/messages")
    assert [(one["_id"], one["seq"], one["message_text"]) for one in here] == [
        (one["id"], one["seq"], one["content"]) for one in there
    ]
    assert [(one["_id"], one["seq"]) for one in here] == [
        (one["uid"], one["seq"]) for one in numbered
    ]


async def test_changes_typing_and_reading_cross_over(opened, rest, ana, agent):
    customer, staff, watcher, _, first = await in_three_ways(opened, rest, ana)
    name = first["_id"]

    await staff.says({"message_type": "typing", "content": "true"})
    assert (await customer.until("typing"))["sender_id"] == agent.uid
    await customer.does("typing", {"is_typing": True})
    await staff.until("typing_indicator", is_typing=True)
    await watcher.until("typing", user_id=ana.id)
    await customer.does("edit_message", {"message_id": name, "message_text": "Hello again"})
    assert (await watcher.until("message_edited"))["content"] == "Hello again"
    await staff.says({"message_type": "reaction", "message_id": name, "emoji": "👍"})
    assert (await customer.until("reaction"))["reactor_id"] == agent.uid
    await staff.says({"message_type": "read", "up_to_message_id": name})
    assert (await customer.until("messages_read"))["up_to_message_id"] == name
    await customer.does("delete_message", {"message_id": name})
    await staff.until("message_deleted", message_id=name)
    await watcher.until("message_deleted")


async def test_staff_on_socket_io_hear_a_customer_on_sessions(opened, rest, ana, agent):
    staff = await opened(agent)
    body = {"title": "Parcel", "assigned_agent_id": agent.uid}
    session = await rest["ana"].post("/api/v1/chat/sessions", body)
    customer = await enter(rest["ana"], session)

    await customer.text("Hello from the app")

    heard = await staff.until("receive_message", session_id=session["id"])
    assert (heard["sender_id"], heard["message_text"]) == (ana.uid, "Hello from the app")
    await staff.says("Hello from the desk", receiver_id=ana.uid)
    answer = await customer.until("message", sender_name="agent")
    assert answer["content"] == "Hello from the desk"


async def test_staff_serve_a_session_that_everybody_left(opened, rest, ana, agent):
    customer = await opened(ana)
    said = await customer.says("Hello, desk")
    path = f"/api/v1/chat/sessions/{said['session_id']}"
    (await rest["ana"].ask("DELETE", f"{path}/participants/{ana.uid}")).raise_for_status()

    shown = await rest["agent"].get(path)
    assert shown["participant_count"] == 0
    assert await rest["agent"].get(f"{path}/participants") == []
    assert [one["content"] for one in await history(rest["agent"], shown)] == ["Hello, desk"]
    assert (await rest["agent"].get(f"{path}/context"))["messages"]
    looking = await enter(rest["agent"], shown)
    await looking.text("/status")
    assert "Participants: nobody" in (await looking.until("message"))["content"]
    chatting = await chat(rest["agent"])
    await chatting.says({"type": "join_session", "session_id": shown["id"]})
    assert (await chatting.until("session_joined"))["messages"]
    desk = await opened(agent)
    assert (await desk.does("join_room", {"user_id": ana.uid}))["last_seq"]
    assert await desk.does("mark_read", {"user_id": ana.uid})
    await looking.text("Is anybody there?")
    await chatting.until("message", content="Is anybody there?")
    assert [one["role"] for one in await rest["agent"].get(f"{path}/participants")] == ["agent"]
