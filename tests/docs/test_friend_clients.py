"""The programs that the page for authors of friends' clients prints talk, through a restart."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_conversation_clients import PROGRAMS, Program, node
from tests.running import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


def test_the_programs_talk_and_find_back_after_a_restart(server: Server) -> None:
    python = [sys.executable, str(PROGRAMS / "friends.py")]
    javascript = [*node(), str(PROGRAMS / "friends.mjs")]
    bo = Program(javascript, server, "alice", "TestPassword123", "testuser")
    # A program that starts shows what comes from then on: he listens once he was answered.
    bo.say("Is anybody there?")
    bo.hears("(sent)")
    ana = Program(python, server, "testuser", "TestPassword123", "alice")
    try:
        ana.say("Hello from Python")
        bo.hears("testuser: Hello from Python")
        bo.say("Hello from JavaScript")
        bo.hears("(delivered)")
        ana.hears("alice: Hello from JavaScript")
        server.kill()
        ana.say("Typed while the server was down")
        server.start()
        bo.hears("testuser: Typed while the server was down")
        bo.say("And nothing is lost")
        ana.hears("alice: And nothing is lost")
    finally:
        ana.end()
        bo.end()
