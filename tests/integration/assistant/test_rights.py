"""Who may do what through `/ws/chat`, and what becomes of those who may not, or mean ill."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bots.model_server import says, stalls_after
from tests.clients import Client, clients_of, logged_in, registered
from tests.integration.assistant.chats import CHAT, ChatSocket, chat, contents, messages
from tests.integration.assistant.conftest import model_settings
from tests.running import Server

SECRET = "the vault opens at nine"
NOWHERE = "00000000-0000-7000-8000-00000000dead"


@pytest.fixture
async def mine(ana: Client) -> dict[str, Any]:
    """A session of Ana's alone, with a secret in it."""
    found: dict[str, Any] = await ana.post(f"{CHAT}/sessions", {"title": SECRET})
    path = f"{CHAT}/sessions/{found['id']}/messages"
    return found | {"message": await ana.post(path, {"content": SECRET})}


FRAMES: dict[str, dict[str, Any]] = {
    "join_session": {},
    "leave_session": {},
    "chat_message": {"content": "Let me in"},
    "typing": {"is_typing": True},
    "cancel": {},
    "mark_read": {"message_id": "$message"},
    "edit_message": {"message_id": "$message", "content": "Mine now"},
    "delete_message": {"message_id": "$message"},
    "react": {"message_id": "$message", "emoji": "👍"},
}


def frame_of(kind: str, session: str, message: str) -> dict[str, Any]:
    fields = {name: message if at == "$message" else at for name, at in FRAMES[kind].items()}
    return {"type": kind, "session_id": session, **fields}


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_foreign_session_is_refused_and_nothing_of_it_leaks(ana, bo, mine, kind):
    owner, stranger = await chat(ana), await chat(bo)
    await owner.joins(mine["id"])
    frame = frame_of(kind, mine["id"], mine["message"]["id"])

    refused = await stranger.refusal(frame)
    missing = await stranger.refusal(frame | {"session_id": NOWHERE})

    needs_joining = kind not in {"join_session", "chat_message"}
    expected = ("session_not_joined",) * 2 if needs_joining else NOT_FOR_YOU
    assert (refused["code"], missing["code"]) == expected
    assert SECRET not in json.dumps(refused)
    assert await owner.frames() == []
    assert await contents(ana, mine["id"]) == [SECRET]
    await ana.post(f"{CHAT}/sessions/{mine['id']}/messages", {"content": "Still mine"})
    assert await stranger.frames() == []


NOT_FOR_YOU = ("not_a_participant", "conversation_not_found")


@pytest.mark.parametrize("name", ["bo", "analyst"])
async def test_a_name_that_is_no_session_of_ones_own_finds_nothing(clients, ana, mine, name):
    client = clients[name]
    for path in ("", "/messages", "/context"):
        answer = await client.ask("GET", f"{CHAT}/sessions/{mine['id']}{path}")
        assert answer.status_code == 403
        assert SECRET not in answer.text
    body = {"assistant": True}
    answer = await client.ask("PUT", f"{CHAT}/sessions/{mine['id']}", json=body)
    assert answer.status_code == 403


async def test_a_conversation_that_is_no_session_is_none_here(ana, bo):
    lobby = await ana.post("/conversations/", {"title": "LOBBY", "participant_ids": [bo.id]})
    socket = await chat(ana)
    for frame in ({"type": "join_session"}, {"type": "chat_message", "content": "Hello"}):
        refused = await socket.refusal(frame | {"session_id": lobby["uid"]})
        assert refused["code"] == "conversation_not_found"


@pytest.mark.parametrize("name", ["agent", "admin"])
async def test_staff_look_in_unseen_and_are_participants_once_they_write(clients, ana, mine, name):
    socket = await chat(clients[name])
    joined = await socket.joins(mine["id"])
    assert [each["content"] for each in joined["messages"]] == [SECRET]
    path = f"{CHAT}/sessions/{mine['id']}/participants"
    assert len(await ana.get(path)) == 1
    await socket.asks("How can I help?", mine["id"])
    assert [each["role"] for each in await ana.get(path)] == ["user", name]


@pytest.mark.parametrize("name", ["agent", "admin"])
async def test_staff_do_not_rewrite_what_others_said(clients, ana, mine, name):
    socket = await chat(clients[name])
    await socket.joins(mine["id"])
    refused = await socket.refusal(frame_of("edit_message", mine["id"], mine["message"]["id"]))
    assert refused["session_id"] == mine["id"]
    assert await contents(ana, mine["id"]) == [SECRET]


async def test_nobody_edits_what_the_assistant_said(ana, agent, model):
    model.will(says("An answer."))
    socket, staff = await chat(ana), await chat(agent)
    session = (await socket.joins())["session_id"]
    answer, _ = await socket.answer(await socket.asks("Why?", session))
    await staff.joins(session)
    for each in (socket, staff):
        refused = await each.refusal(frame_of("edit_message", session, answer["id"]))
        assert refused["session_id"] == session
    assert await contents(ana, session) == ["Why?", "An answer."]


async def test_who_is_taken_out_sees_nothing_more_of_an_answer_that_grows(ana, bo, model):
    model.will(stalls_after("The vault "))
    owner, member = await chat(ana), await chat(bo)
    session = (await owner.joins())["session_id"]
    path = f"{CHAT}/sessions/{session}/participants"
    await ana.post(path, {"user_id": bo.uid})
    await member.joins(session, stream=True)
    question = await owner.asks("When?", session)
    await member.delta()

    (await ana.ask("DELETE", f"{path}/{bo.uid}")).raise_for_status()
    left = await member.until("session_left")
    await owner.says({"type": "cancel", "session_id": session})
    await owner.answer(question)

    assert (left["session_id"], left["reason"]) == (session, "removed")
    assert await member.frames() == []


class TestCounts:
    """`GET /ws/connections/info`: numbers for everybody, each session for staff."""

    @pytest.mark.parametrize("name", ["ana", "analyst"])
    async def test_for_others_there_are_numbers_alone(self, clients, ana, mine, name):
        socket = await chat(ana)
        await socket.joins(mine["id"])
        info = await clients[name].get("/ws/connections/info")
        assert set(info) == {"active_connections", "unique_users", "active_sessions"}
        assert all(isinstance(number, int) and number >= 1 for number in info.values())

    async def test_for_staff_there_is_each_session(self, ana, bo, agent, mine):
        path = f"{CHAT}/sessions/{mine['id']}/participants"
        await ana.post(path, {"user_id": bo.uid})
        for client in (ana, ana, bo):
            await (await chat(client)).joins(mine["id"])
        info = await agent.get("/ws/connections/info")
        assert info["sessions"][mine["id"]] == {"connections": 3, "users": 2}
        assert info["active_sessions"] == len(info["sessions"])

    async def test_for_nobody_there_is_nothing(self, ana):
        answer = await ana.ask("GET", "/ws/connections/info", headers={"Authorization": ""})
        assert answer.status_code == 401


class TestLosingTheRight:
    """Whoever's right to be there ends is closed with 1008, in the middle of whatever it was."""

    async def test_logging_out(self, server, model):
        model.will(stalls_after("As far as "))
        async with clients_of(server, registered(server, "ana")) as [ana]:
            socket = await chat(ana)
            session = (await socket.joins())["session_id"]
            await socket.asks("Why?", session, stream=True)
            await socket.delta()
            assert (await ana.ask("POST", "/auth/logout")).status_code == 204
            code, reason = await socket.end()
            assert code == 1008
            assert reason

    async def test_logging_out_everywhere(self, server, model):
        login = registered(server, "ana")
        async with clients_of(server, login) as [ana]:
            sockets = [await chat(ana), await chat(ana)]
            await ana.ask("POST", "/auth/logout-all")
            assert [(await socket.end())[0] for socket in sockets] == [1008, 1008]

    async def test_an_access_token_that_runs_out(self, tmp_path: Path, model_port: int):
        with Server(
            tmp_path, FOLKMOOT_ACCESS_TOKEN_MINUTES="0.05", **model_settings(model_port)
        ) as server:
            async with clients_of(server, registered(server, "ana")) as [ana]:
                socket = await chat(ana)
                code, reason = await socket.end()
                assert (code, reason) == (1008, "the token has expired")
                late = ChatSocket((await ana.connect("/ws/chat")).connection)
                told = await late.hears("error")
                assert told["code"] == "token_expired"
                assert (await late.end())[0] == 1008

    @pytest.mark.parametrize("token", ["", "rubbish", "x" * 5_000])
    async def test_a_token_that_is_none(self, ana, token):
        socket = await ana.connect("/ws/chat", token=token)
        told = await socket.hears("error")
        assert told["code"] in {"token_missing", "token_invalid"}
        assert (await socket.end())[0] == 1008


class TestComingBack:
    """Each session of a socket is resumed where it was: no gap, no double, in order."""

    async def test_each_from_its_own_seq_with_what_changed_meanwhile(self, ana, agent):
        first, second = [await ana.post(f"{CHAT}/sessions", {"title": n}) for n in ("1", "2")]
        paths = [f"{CHAT}/sessions/{each['id']}/messages" for each in (first, second)]
        said = [[await ana.post(path, {"content": f"{n}"}) for n in range(4)] for path in paths]
        actor = await chat(ana)
        await actor.joins(first["id"])
        edited, deleted = said[0][0]["id"], said[0][1]["id"]
        for change in (
            {"type": "edit_message", "message_id": edited, "content": "0, again"},
            {"type": "delete_message", "message_id": deleted},
        ):
            await actor.says({**change, "session_id": first["id"]})
        await actor.until("message_deleted")

        back = await chat(ana)
        heard = []
        for session, after_seq in ((first, 3), (second, 1)):
            await back.joins(session["id"], after_seq=after_seq)
            heard += [frame for frame in await back.frames() if "seq" in frame]
        ours = {
            each["id"]: [f for f in heard if f["session_id"] == each["id"]]
            for each in (first, second)
        }

        assert [(f["type"], f["seq"]) for f in ours[first["id"]]] == [
            ("message", 4),
            ("message_edited", 5),
            ("message_deleted", 6),
        ]
        assert [f["content"] for f in ours[second["id"]]] == ["1", "2", "3"]
        everything = await chat(ana)
        await everything.joins(first["id"], after_seq=0)
        shown = [await everything.hears("message") for _ in range(4)]
        assert [frame["content"] for frame in shown] == ["0, again", "", "2", "3"]
        assert [frame["metadata"]["is_deleted"] for frame in shown] == [False, True, False, False]

    async def test_a_cursor_beyond_the_end_is_the_end(self, ana, mine):
        socket = await chat(ana)
        joined = await socket.joins(mine["id"], after_seq=10**6)
        assert joined["last_seq"] == 1
        assert [f["type"] for f in await socket.frames()] in ([], ["message_read"])


class TestBadInput:
    """Refused or closed, and nobody else notices."""

    async def test_a_question_of_the_longest_is_answered_and_a_longer_one_refused(self, ana, model):
        model.will(says("Quite."))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        question = await socket.asks("ż" * 10_000, session)
        assert (await socket.answer(question))[0]["content"] == "Quite."
        longer = {"type": "chat_message", "session_id": session, "content": "x" * 10_001}
        refused = await socket.refusal(longer | {"client_id": "c"})
        assert (refused["code"], refused["client_id"]) == ("text_too_long", "c")
        assert len(await messages(ana, session)) == 2

    async def test_a_frame_that_is_too_large_closes_with_1009(self, ana):
        socket = await chat(ana)
        await socket.says({"type": "chat_message", "content": "x" * 65_536})
        assert (await socket.end())[0] == 1009

    @pytest.mark.parametrize(
        "data",
        [
            b"\x00\x01",
            "[" * 10_000,
            '{"type": "join_session", "after_seq": -1}',
            '{"type": "join_session", "after_seq": 99999999999999999999}',
            '{"type": "join_session", "title": 5}',
            '{"type": "chat_message", "content": null}',
            '{"type": "chat_message", "content": "x", "stream": "yes"}',
            '{"type": "typing", "session_id": "x"}',
            '{"type": "cancel"}',
            '{"type": "message", "role": "assistant", "content": "I am"}',
            '{"type": "message_delta"}',
            '{"type": ["ping"]}',
            '{"type": "join_session", "session_id": "\\u0000"}',
            '{"type": "join_session", "session_id": "' + "9" * 5_000 + '"}',
        ],
        ids=lambda data: repr(data)[:44],
    )
    async def test_a_hostile_frame_is_refused_and_the_socket_lives(self, ana, data):
        socket = await chat(ana)
        await socket.says(data)
        refused = await socket.hears("error")
        assert refused["code"] in {
            "frame_malformed",
            "frame_type_unknown",
            "session_not_joined",
            "conversation_not_found",
        }
        assert await socket.frames() == []

    async def test_a_title_that_is_none_is_refused(self, ana):
        socket = await chat(ana)
        for title in ("x" * 300, "a\u0000b"):
            refused = await socket.refusal({"type": "join_session", "title": title})
            assert refused["code"] != "internal_error"
        assert await socket.frames() == []

    async def test_one_socket_joins_no_more_than_it_may(self, ana):
        socket = await chat(ana)
        for _ in range(128):
            await socket.joins()
        refused = await socket.refusal({"type": "join_session"})
        assert refused["code"] == "too_many_sessions"

    async def test_questions_one_after_the_other_without_waiting_keep_their_order(self, ana, model):
        model.will(says("Yes."))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        frame = {"type": "chat_message", "session_id": session}
        for number in range(30):
            await socket.says({**frame, "content": f"{number}", "client_id": f"{number}"})
        echoes: list[str] = []
        answers: list[str] = []
        while len(answers) < 30:
            heard = await socket.until("message")
            (echoes if heard["role"] == "user" else answers).append(heard["content"])
        assert echoes == [f"{number}" for number in range(30)]
        assert answers == ["Yes."] * 30
        kept = await messages(ana, session, limit=100)
        asked = [m["id"] for m in kept if m["sender_id"] is not None]
        assert [m["reply_to_id"] for m in kept if m["sender_id"] is None] == asked

    async def test_who_leaves_in_the_middle_leaves_the_answer_to_be_found(self, ana, model):
        model.will(says("Found."))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        question = await socket.asks("Why?", session)
        socket.connection.transport.abort()
        back = await chat(ana)
        await back.joins(session, after_seq=question["seq"])
        assert (await back.answer(question))[0]["content"] == "Found."


async def test_logins_of_the_demo_are_what_their_roles_say(server):
    with_roles = {"agent": "agent", "analyst": "analyst", "admin": "admin", "testuser": "user"}
    for name, role in with_roles.items():
        password = "TestPassword123" if name == "testuser" else f"{name.title()}Password123"
        async with clients_of(server, logged_in(server, name, password)) as [client]:
            socket = ChatSocket((await client.connect("/ws/chat")).connection)
            assert (await socket.hears("connection_established"))["role"] == role


def test_after_all_that_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
    assert "internal_error" not in server.output
