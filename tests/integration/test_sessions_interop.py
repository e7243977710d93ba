"""One session seen through `conversations` and `sessions` at once: one truth in two shapes."""

import pytest

from tests.clients import Client
from tests.integration.desks import CHAT, SessionSocket, enter, history, new_session
from tests.running import Server


@pytest.fixture(scope="module")
def shared_server(demo_server: Server) -> Server:
    """The one with demo data, in which there is an agent."""
    return demo_server


async def test_a_session_is_followed_from_both_contracts_at_once(ana, agent):
    session = await new_session(ana, assigned_agent_id=agent.uid)
    number = session["conversation_id"]
    customer, staff = await ana.enter(number), await enter(agent, session)
    await customer.hears("user_joined")
    await customer.says({"content": "From the one", "client_id": "1"})
    mine, theirs = await customer.hears("message"), await staff.hears("message")
    assert (mine["uid"], mine["seq"]) == (
        theirs["metadata"]["message_id"],
        theirs["metadata"]["seq"],
    )
    assert (theirs["chat_session_id"], theirs["user_id"]) == (session["id"], ana.uid)
    await staff.text("From the other", reply_to_id=mine["uid"])
    assert (await staff.hears("message"))["metadata"]["reply_to_id"] == mine["uid"]
    heard = await customer.until("message", content="From the other")
    assert (heard["sender_id"], heard["reply_to_id"], heard["seq"]) == (agent.id, mine["id"], 2)
    shown = await history(agent, session)
    numbered = await ana.get(f"/conversations/{number}/messages")
    assert [(one["id"], one["seq"], one["content"]) for one in shown] == [
        (one["uid"], one["seq"], one["content"]) for one in numbered
    ]


async def test_every_kind_of_change_crosses_over(ana, agent):
    session = await new_session(ana, assigned_agent_id=agent.uid)
    customer = await ana.enter(session["conversation_id"])
    staff = await enter(agent, session)
    await customer.hears("user_joined")
    await staff.says({"message_type": "typing", "content": "true"})
    assert (await customer.hears("typing"))["is_typing"] is True
    await staff.text("Helo")
    posted = await customer.until("message")
    await staff.says({"message_type": "edit", "message_id": posted["uid"], "content": "Hello"})
    assert (await customer.until("message_edited"))["content"] == "Hello"
    await customer.says({"type": "react", "message_id": posted["id"], "emoji": "👍"})
    assert (await staff.until("reaction"))["metadata"]["message_id"] == posted["uid"]
    await customer.says({"type": "read", "up_to_seq": posted["seq"]})
    receipt = await staff.until("read_receipt")
    assert (receipt["user_id"], receipt["metadata"]["up_to_seq"]) == (ana.uid, posted["seq"])
    await staff.says({"message_type": "delete", "message_id": posted["uid"]})
    assert (await customer.until("message_deleted"))["message_id"] == posted["id"]
    await customer.says({"type": "typing"})
    assert (await staff.until("typing_indicator"))["metadata"]["is_typing"] is True


@pytest.mark.parametrize("closer", ["sessions", "conversations"])
async def test_writing_into_a_closed_session_is_refused_through_both_contracts(ana, agent, closer):
    session = await new_session(ana, assigned_agent_id=agent.uid)
    number = session["conversation_id"]
    customer, staff = await ana.enter(number), await enter(agent, session)
    await customer.hears("user_joined")
    if closer == "sessions":
        await staff.text("Bye")
        await customer.until("message")
        await staff.hears("message")
    await ana.post(f"{CHAT}/sessions/{session['id']}/close")
    await staff.hears("session_closed")
    await customer.says({"content": "Wait", "client_id": "c"})
    refusal = await customer.until("error")
    assert (refusal["code"], refusal["client_id"]) == ("conversation_closed", "c")
    await staff.text("Wait")
    assert (await staff.hears("error"))["metadata"]["code"] == "conversation_closed"
    for path in (f"/conversations/{number}/messages", f"{CHAT}/sessions/{session['id']}/messages"):
        answer = await ana.ask("POST", path, json={"content": "Wait"})
        assert (answer.status_code, answer.json()["code"]) == (409, "conversation_closed")


async def test_a_block_in_a_session_of_three_hides_through_both_contracts(ana, bo, cy):
    session = await new_session(ana, bo, cy)
    numbered, shown = await ana.enter(session["conversation_id"]), await enter(ana, session)
    third = await enter(cy, session)
    await ana.post(f"{CHAT}/block", {"user_id": bo.uid})
    await bo.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "Psst"})
    await third.until("message")
    assert "Psst" not in str(await numbered.frames())
    assert "Psst" not in str(await shown.frames())
    assert await history(ana, session) == []
    assert await ana.get(f"/conversations/{session['conversation_id']}/messages") == []
    await ana.post(f"{CHAT}/unblock", {"user_id": bo.uid})


async def test_whoever_is_removed_through_one_contract_is_out_of_the_other(ana, bo):
    session = await new_session(ana, bo)
    numbered, shown = await bo.enter(session["conversation_id"]), await enter(bo, session)
    path = f"{CHAT}/sessions/{session['id']}/participants/{bo.name}"
    assert (await ana.ask("DELETE", path)).status_code == 200
    assert (await numbered.end())[0] == 4003
    assert (await shown.end())[0] == 1008


async def test_a_customers_session_cannot_be_changed_as_if_it_were_a_group(ana, agent):
    session = await new_session(ana, assigned_agent_id=agent.uid)
    path = f"/conversations/{session['conversation_id']}"
    assert (await ana.ask("PATCH", path, json={"title": "Mine"})).status_code == 409
    body = {"participant_ids": ["alice"]}
    assert (await ana.ask("POST", f"{path}/participants", json=body)).status_code == 409


# -- old state and events make the fresh state -----------------------------------------------------


class Picture:
    """What a client knows: the history as it was, and what frames have told since."""

    def __init__(self, messages: list[dict]) -> None:
        self.messages = {message["id"]: kept(message) for message in messages}

    def apply(self, frame: dict) -> None:
        facts = frame["metadata"]
        match frame["message_type"]:
            case "message":
                self.messages[facts["message_id"]] = {
                    "content": frame["content"],
                    "sender_id": frame["user_id"],
                    "seq": facts["seq"],
                    "is_deleted": facts["is_deleted"],
                    "edited_at": facts["edited_at"],
                    "reactions": facts["reactions"],
                    "reply_to_id": facts["reply_to_id"],
                }
            case "message_edited":
                changed = {"content": frame["content"], "edited_at": facts["edited_at"]}
                self.messages[facts["message_id"]] |= changed
            case "message_deleted":
                gone = {"content": "", "is_deleted": True, "reactions": []}
                self.messages[facts["message_id"]] |= gone
            case "reaction":
                self._react(self.messages[facts["message_id"]], frame)

    def _react(self, message: dict, frame: dict) -> None:
        emoji, who = frame["metadata"]["emoji"], frame["user_id"]
        put = {one["emoji"]: list(one["user_ids"]) for one in message["reactions"]}
        if frame["metadata"]["removed"]:
            put[emoji].remove(who)
        else:
            put.setdefault(emoji, []).append(who)
        message["reactions"] = [{"emoji": e, "user_ids": ids} for e, ids in put.items() if ids]


def kept(message: dict) -> dict:
    names = ("content", "sender_id", "seq", "is_deleted", "edited_at", "reactions", "reply_to_id")
    return {name: message[name] for name in names}


async def act(socket: SessionSocket, name: str) -> None:
    """Everything that can be done to messages, and some of it undone."""
    await socket.text("Another", reply_to_id=name)
    await socket.says({"message_type": "edit", "message_id": name, "content": "Changed"})
    await socket.says({"message_type": "reaction", "message_id": name, "emoji": "👍"})
    await socket.says({"message_type": "reaction", "message_id": name, "emoji": "🎉"})
    await socket.says(
        {"message_type": "reaction", "message_id": name, "emoji": "👍", "remove": True}
    )
    await socket.text("To be deleted")
    posted = await socket.until("message", seq=8)
    last = posted["metadata"]["message_id"]
    await socket.says({"message_type": "delete", "message_id": last})


@pytest.mark.parametrize("resumed", [False, True])
async def test_old_history_and_frames_make_the_fresh_history(ana, bo, resumed):
    session = await new_session(ana, bo)
    first = await ana.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "First"})
    picture = Picture(await history(bo, session))
    actor = await enter(ana, session)
    watcher = None if resumed else await enter(bo, session)
    await act(actor, first["id"])
    await actor.until("message_deleted")
    if watcher is None:
        watcher = await enter_with_frames(bo, session, picture)
    else:
        for frame in await watcher.frames():
            picture.apply(frame)
    fresh = {message["id"]: kept(message) for message in await history(bo, session)}
    assert picture.messages == fresh


async def enter_with_frames(client: Client, session: dict, picture: Picture) -> SessionSocket:
    socket = await client.connect(f"{CHAT}/ws/{session['id']}?after_seq=2")
    resumed = SessionSocket(socket.connection)
    for frame in await resumed.frames():
        picture.apply(frame)
    return resumed
