"""The programs that the page for authors of `support` clients prints talk, through a restart."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_conversation_clients import PROGRAMS, Program
from tests.integration.support.peers import npm_folder
from tests.running import Server

CUSTOMER = ("testuser", "TestPassword123")
STAFF = ("agent", "AgentPassword123", "testuser")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, list[str]]:
    """How each program is started."""
    folder = npm_folder(tmp_path)
    shutil.copy(PROGRAMS / "support.mjs", folder)
    return {
        "python": [sys.executable, str(PROGRAMS / "support.py")],
        "node": ["node", str(folder / "support.mjs")],
    }


@pytest.mark.parametrize(("one", "other"), [("python", "node"), ("node", "python")])
def test_the_programs_talk_and_find_back_after_a_restart(
    server: Server, commands: dict[str, list[str]], one: str, other: str
) -> None:
    customer = Program(commands[one], server, *CUSTOMER)
    staff = Program(commands[other], server, *STAFF)
    try:
        customer.say("Hello, desk")
        customer.hears("testuser: Hello, desk")
        staff.say("Hello, customer")
        staff.hears("agent: Hello, customer")
        customer.hears("agent: Hello, customer")
        server.kill()
        staff.say("Typed while the server was down")
        server.start()
        staff.hears("agent: Typed while the server was down")
        customer.hears("agent: Typed while the server was down")
        customer.say("And I am back")
        staff.hears("testuser: And I am back")
    finally:
        customer.end()
        staff.end()
