"""What the server writes down about itself, and that the assistant may answer from it."""

import json
import shlex

import httpx2
import pytest

from folkmoot.bots.logs.reading import LogReader, LogSources
from folkmoot.core.logs.model import SourceAudience
from folkmoot.files.links import PREFIX as FILES
from folkmoot.server.system import SystemClock
from tests.clients import PASSWORD, clients_of, logged_in, new_lobby, registered
from tests.integration.assistant.chats import chat
from tests.integration.desks import CHAT, enter, new_session
from tests.integration.support.bare import Bare
from tests.programs import run
from tests.running import Server


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path) as server:
        yield server


def trail(server: Server) -> list[dict]:
    path = server.data / "logs" / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_who_did_what_when_and_from_where_is_written_down(server):
    logins = [registered(server, name) for name in ("ana", "bo")]
    async with clients_of(server, *logins) as (ana, bo):
        name, other = ana.name, bo.name
        wrong = {"username": name, "password": "not that"}
        assert (await ana.ask("POST", "/auth/token", data=wrong)).status_code == 401
        unknown = {"username": PASSWORD, "password": "not that"}
        assert (await ana.ask("POST", "/auth/token", data=unknown)).status_code == 401
        cleanup = "/api/v1/chat/sessions/cleanup?max_age_days=7"
        assert (await ana.ask("POST", cleanup)).status_code == 403
        changed = {"current_password": PASSWORD, "new_password": PASSWORD + " anew"}
        assert (await ana.ask("POST", "/auth/password", json=changed)).status_code == 204
        assert (await bo.ask("POST", "/auth/logout")).status_code == 204
    assert server.stop() == 0
    entries = trail(server)
    seen = [(one["event"], one.get("account"), one.get("address")) for one in entries]
    here = "127.0.0.1"
    for expected in (
        ("server started", None, None),
        ("account registered", name, here),
        ("login", other, here),
        ("login failed", name, here),
        ("login failed", None, here),
        ("access refused", name, here),
        ("password changed", name, None),
        ("logout", other, None),
        ("server stopped", None, None),
    ):
        assert expected in seen
    assert all(one["timestamp"].endswith("+00:00") for one in entries)
    assert PASSWORD not in (server.data / "logs" / "audit.log").read_text()


async def test_what_the_server_logs_can_be_read_as_logs(server):
    name = registered(server, "ana").name
    assert server.stop() == 0
    own = server.data / "logs"
    now = SystemClock().now()
    reader = LogReader(LogSources(patterns=(str(own),), days=1, now=now, own=own))
    lines = list(reader.lines())
    assert reader.so_far().unreadable == 0
    assert reader.so_far().skipped == ()
    assert {line.source for line in lines} == {"audit.log", "server.log"}
    assert {line.audience for line in lines} == {SourceAudience.READERS}
    told = [line.text for line in lines if line.source == "audit.log"]
    assert any(text.startswith("account registered") and name in text for text in told)


@pytest.fixture
def desk(tmp_path):
    with Server(tmp_path, "--demo") as server:
        yield server


async def test_staff_who_read_a_customers_session_leave_a_trace_through_every_contract(desk):
    staff = logged_in(desk, "agent", "AgentPassword123")
    async with clients_of(desk, registered(desk, "ana"), staff) as (ana, agent):
        session = await new_session(ana)
        await ana.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "a secret word"})
        await agent.get(f"{CHAT}/sessions/{session['id']}/messages")
        await agent.get(f"{CHAT}/sessions/{session['id']}/context")
        await agent.get(f"{CHAT}/search", q="secret")
        await agent.get(f"/chat/history/user/{ana.uid}")
        await enter(agent, session)
        await (await chat(agent)).joins(session["id"])
        async with Bare(desk) as polling:
            await polling.open()
            await polling.connect({"token": agent.token})
            await polling.post("421" + json.dumps(["join_room", {"user_id": ana.uid}]))
            while "431" not in (await polling.poll()).text:
                pass
        # What the customer reads of their own is nobody's business.
        await ana.get(f"{CHAT}/sessions/{session['id']}/messages")
        await enter(ana, session)
    assert desk.stop() == 0
    entries = [one for one in trail(desk) if one["event"] in {"read by staff", "privileged access"}]
    assert {one["account"] for one in entries} == {"agent"}
    paths = [one.get("path", "") for one in entries]
    assert [path for path in paths if path.endswith(("/messages", "/context", "/search"))] == [
        f"{CHAT}/sessions/{session['id']}/messages",
        f"{CHAT}/sessions/{session['id']}/context",
        f"{CHAT}/search",
    ]
    assert f"/chat/history/user/{ana.uid}" in paths
    on_sockets = [one for one in entries if one.get("session") == session["id"]]
    assert len(on_sockets) == 3
    assert "secret" not in (desk.data / "logs" / "audit.log").read_text()


async def test_refusals_on_sockets_and_what_is_done_to_others_are_written_down(server):
    logins = [registered(server, name) for name in ("ana", "bo", "cy")]
    async with clients_of(server, *logins) as (ana, bo, cy):
        lobby = await new_lobby(ana, bo)
        await (await cy.connect(f"/conversations/{lobby}/ws")).end()
        socket = await bo.enter(lobby)
        own = await ana.post(f"/conversations/{lobby}/messages", {"content": "a secret"})
        await socket.says({"type": "delete", "message_id": own["id"]})
        await socket.until("error")
        theirs = await bo.post(f"/conversations/{lobby}/messages", {"content": "a secret"})
        await ana.ask("DELETE", f"/conversations/{lobby}/messages/{theirs['id']}")
        await ana.ask("DELETE", f"/conversations/{lobby}/participants/{bo.id}")
        names = ana.name, bo.name, cy.name
    assert server.stop() == 0
    seen = [(one["event"], one.get("account")) for one in trail(server)]
    assert ("access refused", names[2]) in seen
    assert ("access refused", names[1]) in seen
    assert ("message of another deleted", names[0]) in seen
    assert ("member removed", names[0]) in seen
    assert "secret" not in (server.data / "logs" / "audit.log").read_text()


def test_floods_from_outside_rotate_nothing_away_and_every_line_is_json(server):
    with httpx2.Client(base_url=server.url) as http:
        for number in range(700):
            http.get(f"/nowhere?{'q' * 15_000}&{number}", headers={"User-Agent": "x" * 9000})
            http.post("/auth/token", data={"username": "nobody", "password": "wrong"})
    assert server.stop() == 0
    own = server.data / "logs"
    for path in own.iterdir():
        lines = path.read_text().splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines)
        assert max(map(len, lines)) <= 16 * 1024
    failed = [one for one in trail(server) if one["event"] == "login failed"]
    assert len(failed) < 200
    (left_out,) = [one for one in trail(server) if one["event"] == "entries left out"]
    assert left_out["entries"] + len(failed) == 700
    assert trail(server)[0]["event"] == "server started"


@pytest.mark.parametrize(("setting", "noted"), [("on", ["file sent", "file fetched"]), ("off", [])])
async def test_files_are_noted_where_that_is_set(tmp_path, setting, noted):
    with Server(tmp_path, FOLKMOOT_AUDIT_MESSAGES=setting) as server:
        async with clients_of(server, registered(server, "ana")) as (ana,):
            sent = await ana.ask("POST", FILES, files={"file": ("a.txt", b"private words")})
            assert (await ana.ask("GET", sent.json()["file_url"])).content == b"private words"
            name = ana.name
        assert server.stop() == 0
    entries = [one for one in trail(server) if one["event"].startswith("file ")]
    assert [one["event"] for one in entries] == noted
    assert {one["account"] for one in entries} <= {name}
    assert "private words" not in (server.data / "logs" / "audit.log").read_text()


async def test_a_change_of_e_mail_address_is_noted_when_asked_for_and_when_it_is_done(tmp_path):
    with Server(
        tmp_path,
        FOLKMOOT_MAIL_COMMAND=shlex.join(["tee", str(tmp_path / "mails")]),
        FOLKMOOT_MAIL_FROM="chat@example.com",
    ) as server:
        async with clients_of(server, registered(server, "ana")) as (ana,):
            body = {"email": "new@example.com", "current_password": PASSWORD}
            assert (await ana.ask("PATCH", "/auth/me", json=body)).status_code == 200
            name = ana.name
        assert server.stop() == 0
    assert ("e-mail change asked for", name) in [
        (one["event"], one.get("account")) for one in trail(server)
    ]
    done = run("account", "email", name, "other@example.com", "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    assert trail(server)[-1]["event"] == "e-mail address changed"
