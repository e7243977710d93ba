"""The programs that the page for authors of `sessions` clients prints talk, through a restart."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.deadlines import WITHIN_S
from tests.docs.test_conversation_clients import PROGRAMS, Program, node
from tests.running import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


def asked(url: str, body: dict | None = None, token: str = "") -> dict | list:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urlopen(Request(url, data, headers), timeout=WITHIN_S) as answer:
        return json.load(answer)


def test_a_customer_and_an_agent_talk_and_find_back_after_a_restart(server: Server) -> None:
    login = {"username": "agent", "password": "AgentPassword123"}
    token = asked(f"{server.url}/api/v1/auth/login", login)["access_token"]
    [session] = asked(f"{server.url}/api/v1/chat/sessions?scope=unassigned", token=token)
    python = [sys.executable, str(PROGRAMS / "sessions.py")]
    javascript = [*node(), str(PROGRAMS / "sessions.mjs")]
    customer = Program(python, server, "testuser", "TestPassword123")
    customer.hears("* 1 here")
    agent = Program(javascript, server, "agent", "AgentPassword123", session["id"])
    try:
        agent.say("How can I help?")
        agent.hears("agent: How can I help?")
        customer.hears("agent: How can I help?")
        customer.say("My parcel!")
        agent.hears("testuser: My parcel!")
        server.kill()
        customer.say("Typed while the server was down")
        server.start()
        customer.hears("testuser: Typed while the server was down")
        agent.hears("testuser: Typed while the server was down")
        agent.say("Found it")
        customer.hears("agent: Found it")
    finally:
        customer.end()
        agent.end()
