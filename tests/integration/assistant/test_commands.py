"""Slash commands through each contract: answered to the asker alone, and nothing of it is kept."""

from typing import Any

import pytest

from tests.clients import Client
from tests.integration.assistant.chats import CHAT, ChatSocket, chat, messages
from tests.integration.desks import enter, history

FOR_EVERYBODY = ("/help", "/status", "/clear", "/sessions")


@pytest.fixture
async def session(ana: Client, agent: Client) -> dict[str, Any]:
    """Ana's session, with the agent in it."""
    found: dict[str, Any] = await ana.post(f"{CHAT}/sessions", {"title": "LOBBY"})
    path = f"{CHAT}/sessions/{found['id']}/participants"
    await ana.post(path, {"user_id": agent.uid})
    return found


@pytest.fixture
async def other(agent: Client, session: dict[str, Any]) -> ChatSocket:
    """The agent's socket, on which nothing may be heard of it."""
    socket = await chat(agent)
    await socket.joins(session["id"])
    return socket


async def nothing_is_left(client: Client, session: dict[str, Any], other: ChatSocket) -> None:
    heard = [frame["type"] for frame in await other.frames()]
    assert set(heard) <= {"user_joined", "user_left"}
    assert await messages(client, session["id"]) == []
    shown = await client.get(f"{CHAT}/sessions/{session['id']}")
    assert shown["total_messages"] == 0


async def test_through_the_sockets_of_sessions(ana, session, other):
    socket = await enter(ana, session)
    await socket.text("/help", client_id="h")
    told = await socket.until("message", client_id="h")
    assert told["user_id"] is None
    assert told["metadata"]["message_type"] == "system"
    assert all(name in told["content"] for name in FOR_EVERYBODY)
    await nothing_is_left(ana, session, other)


async def test_through_the_rest_of_sessions(ana, session, other):
    path = f"{CHAT}/sessions/{session['id']}/messages"
    told = await ana.post(path, {"content": "/status"})
    assert (told["message_type"], told["sender_id"]) == ("system", None)
    assert session["id"] in told["content"]
    await nothing_is_left(ana, session, other)


async def test_through_the_sockets_of_conversations(ana, session, other):
    socket = await ana.enter(session["conversation_id"])
    await socket.says({"content": "/sessions", "client_id": "s"})
    told = await socket.until("message", sender_id=None)
    assert (told["client_id"], told["kind"]) == ("s", "system")
    assert session["id"] in told["content"]
    await nothing_is_left(ana, session, other)


async def test_through_the_rest_of_conversations(ana, agent, session, other):
    """The numbers of the whole server are for who serves; a customer is told whom they are for."""
    path = f"/conversations/{session['conversation_id']}/messages"
    refused = await ana.post(path, {"content": "/stats"})
    told = await agent.post(path, {"content": "/stats"})
    assert {(one["kind"], one["sender_id"]) for one in (refused, told)} == {("system", None)}
    assert refused["content"] == "/stats needs the role admin or agent or analyst; yours is user."
    assert "Uptime" in told["content"]
    frames = await other.frames()
    assert [one["content"] for one in frames if one["type"] == "message"] == [told["content"]]
    await nothing_is_left(ana, session, other)


async def test_through_the_socket_of_support(ana, session, other, desks):
    customer = await desks(ana.login)
    said = await customer.says("/help", client_id="h")
    assert said["session_id"] == session["id"]
    assert (said["sender_id"], said["kind"]) == (None, "system")
    assert all(name in said["message_text"] for name in FOR_EVERYBODY)
    await nothing_is_left(ana, session, other)


async def test_through_the_assistants_own_contract(ana, session, other):
    laptop, phone = await chat(ana), await chat(ana)
    for socket in (laptop, phone):
        await socket.joins(session["id"])
    frame = {"type": "chat_message", "session_id": session["id"], "content": "/status"}
    await laptop.says({**frame, "client_id": "t"})
    told = await laptop.until("message", role="system")
    assert told["metadata"]["client_id"] == "t"
    assert "Participants" in told["content"]
    # To the account, wherever it is.
    assert (await phone.until("message", role="system"))["id"] == told["id"]
    await nothing_is_left(ana, session, other)


@pytest.mark.parametrize(
    ("name", "may"),
    [("ana", False), ("agent", False), ("analyst", True), ("admin", True)],
)
async def test_help_lists_and_reload_obeys_by_role(clients, name, may):
    socket = await chat(clients[name])
    session = (await socket.joins())["session_id"]
    frame = {"type": "chat_message", "session_id": session}
    await socket.says({**frame, "content": "/help"})
    listed = (await socket.until("message"))["content"]
    assert ("/reload" in listed) is may
    assert ("/stats" in listed) is (name != "ana")
    await socket.says({**frame, "content": "/reload 0"})
    told = (await socket.until("message"))["content"]
    assert (
        "1 to 365" if may else f"needs the role admin or analyst; yours is {role(name)}"
    ) in told


def role(name: str) -> str:
    return "user" if name == "ana" else name


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("/hlep", "Did you mean /help?"),
        ("/", "Did you mean /"),
        ("/status now", "takes nothing after its name"),
        ("/HELP", "Commands:"),
        ("/" + "x" * 9_000, "There is no command /xxx"),
        ("/help\u202e", "There is no command"),
    ],
    ids=["misspelt", "nothing", "too much", "capitals", "endless", "invisible"],
)
async def test_whatever_stands_after_a_slash_is_answered(ana, session, content, told):
    socket = await chat(ana)
    await socket.joins(session["id"])
    await socket.says({"type": "chat_message", "session_id": session["id"], "content": content})
    assert told in (await socket.until("message", role="system"))["content"]
    assert await messages(ana, session["id"]) == []


async def test_two_slashes_are_one_through_every_contract(ana, session, desks):
    path = f"{CHAT}/sessions/{session['id']}/messages"
    await ana.post(path, {"content": "//one"})
    await ana.post(f"/conversations/{session['conversation_id']}/messages", {"content": "//two"})
    await (await desks(ana.login)).says("//three")
    socket = await chat(ana)
    await socket.joins(session["id"])
    await socket.asks("//four", session["id"])
    said = [message["content"] for message in await history(ana, session)]
    assert said == ["/one", "/two", "/three", "/four"]


async def test_clear_ends_the_session_for_everybody(ana, session, other):
    socket = await chat(ana)
    await socket.joins(session["id"])
    await socket.says({"type": "chat_message", "session_id": session["id"], "content": "/clear"})
    told = await socket.until("message", role="system")
    assert told["content"] == "This session has ended."
    assert (await other.until("session_closed"))["user_id"] == ana.uid
    assert (await ana.get(f"{CHAT}/sessions/{session['id']}"))["status"] == "closed"


async def test_a_command_between_two_friends_is_a_message(ana, bo):
    lobby = (await ana.post("/conversations/", {"participant_ids": [bo.id]}))["id"]
    posted = await ana.post(f"/conversations/{lobby}/messages", {"content": "/help"})
    assert (posted["content"], posted["sender_id"]) == ("/help", ana.id)


async def test_what_the_server_said_is_no_message_that_anybody_can_touch(ana, session):
    path = f"/conversations/{session['conversation_id']}/messages"
    told = await ana.post(path, {"content": "/help"})
    assert (told["id"] < 0, told["seq"]) == (True, (await head_seq(ana, session)))
    socket = await chat(ana)
    await socket.joins(session["id"])
    named = {"session_id": session["id"], "message_id": told["uid"]}
    for frame in (
        {"type": "edit_message", "content": "Mine", **named},
        {"type": "delete_message", **named},
        {"type": "react", "emoji": "👍", **named},
        {"type": "chat_message", "content": "Re", "reply_to_id": told["uid"], **named},
    ):
        assert (await socket.refusal(frame))["code"] == "message_not_found"
    answer = await ana.ask("PATCH", f"{path}/{told['id']}", json={"content": "Mine"})
    assert answer.status_code in {404, 422}
    resumed = await chat(ana)
    await resumed.joins(session["id"], after_seq=0)
    assert "message" not in {frame["type"] for frame in await resumed.frames()}


async def head_seq(client: Client, session: dict[str, Any]) -> int:
    socket = await chat(client)
    seq: int = (await socket.joins(session["id"]))["last_seq"]
    return seq
