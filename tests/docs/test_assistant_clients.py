"""The programs that the page for authors of `assistant` clients prints talk, through a restart."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.bots.model_server import ModelServer, says, stalls_after
from tests.deadlines import WITHIN_S
from tests.docs.test_conversation_clients import PROGRAMS, Program, node
from tests.docs.test_session_clients import asked
from tests.running import Server

TESTUSER = ("testuser", "TestPassword123")
NOTHING = "[1] assistant: I found nothing on that which everybody in this session may read"


class ChatClient(Program):
    """A client program, whose last line may still grow."""

    def shows(self, beginning: str) -> None:
        """Read on until a line begins like this, finished or not."""
        reader = Thread(target=self._read_up_to, args=(beginning,), daemon=True)
        reader.start()
        reader.join(WITHIN_S)
        assert not reader.is_alive(), f"{beginning!r} did not come: {self._lines}"

    def _read_up_to(self, beginning: str) -> None:
        assert self._process.stdout is not None
        line = ""
        while line != beginning and (read := self._process.stdout.read(1)):
            line = "" if read == "\n" else line + read
        self._lines.append(line)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


def opened(server: Server, title: str) -> str:
    """A session of testuser's with the assistant on."""
    login = dict(zip(("username", "password"), TESTUSER, strict=True))
    token = asked(f"{server.url}/api/v1/auth/login", login)["access_token"]
    body = {"title": title, "assistant": True}
    return asked(f"{server.url}/api/v1/chat/sessions", body, token)["id"]


@pytest.mark.parametrize("name", ["assistant.py", "assistant.mjs"])
def test_a_program_asks_in_two_sessions_and_finds_back_after_a_restart(
    server: Server, name: str
) -> None:
    sessions = [opened(server, title) for title in ("Pumps", "Valves")]
    client = ChatClient(command(name), server, *TESTUSER, *sessions)
    other = ChatClient(command("assistant.py"), server, *TESTUSER, sessions[1])
    try:
        client.hears("[2] * Valves")
        other.hears("[1] * Valves")
        client.say("Quuxification?")
        client.hears("[1] testuser: Quuxification?")
        client.shows(NOTHING)
        server.kill()
        client.say("#2 The valve is open")
        server.start()
        client.hears("[2] testuser: The valve is open")
        other.hears("[1] testuser: The valve is open")
        other.say("Typed afterwards")
        client.hears("[2] testuser: Typed afterwards")
        client.say("/status")
        client.hears("Title: Pumps")
    finally:
        client.end()
        other.end()


@pytest.mark.parametrize("name", ["assistant.py", "assistant.mjs"])
def test_without_a_session_it_opens_one(server: Server, name: str) -> None:
    client = ChatClient(command(name), server, *TESTUSER)
    try:
        client.hears("[1] * New session")
        client.say("Quuxification?")
        client.hears("[1] testuser: Quuxification?")
    finally:
        client.end()


@pytest.mark.parametrize("name", ["assistant.py", "assistant.mjs"])
async def test_answers_are_printed_as_they_grow_and_once(tmp_path: Path, name: str) -> None:
    async with ModelServer() as model:
        settings = {"FOLKMOOT_ASSISTANT_BASE_URL": model.url, "FOLKMOOT_ASSISTANT_MODEL": "m"}
        server = Server(tmp_path, "--demo", **settings)
        await asyncio.to_thread(server.start)
        client = ChatClient(command(name), server, *TESTUSER)
        try:
            model.will(stalls_after("The pump 👩‍🚀 ", "stopped "), says("At noon."))
            await asyncio.to_thread(client.hears, "[1] * New session")
            client.say("Why?")
            client.say("When?")
            await asyncio.to_thread(client.shows, "[1] assistant: The pump 👩‍🚀 stopped")
            server.kill()
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(client.hears, "[1] * New session")
            await asyncio.to_thread(client.hears, "[1] assistant: At noon.")
        finally:
            client.end()
            server.kill()


def command(name: str) -> list[str]:
    python = name.endswith(".py")
    return [*([sys.executable] if python else node()), str(PROGRAMS / name)]
