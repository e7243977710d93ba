"""What the server writes down about itself, and that the assistant may answer from it."""

import json

import pytest

from folkmoot.bots.logs.reading import LogReader, LogSources
from folkmoot.core.logs.model import SourceAudience
from folkmoot.server.system import SystemClock
from tests.clients import PASSWORD, clients_of, registered
from tests.running import Server


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


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
