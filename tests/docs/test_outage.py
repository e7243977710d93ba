"""Every program that we print keeps what was refused in passing, and sends it again by itself."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_assistant_clients import opened
from tests.docs.test_conversation_clients import PROGRAMS, Program, node
from tests.integration.support.peers import npm_folder
from tests.running import Server

TESTUSER = ("testuser", "TestPassword123")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("server"), "--demo", FOLKMOOT_ANSWER_SECONDS="2.5"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = npm_folder(tmp_path_factory.mktemp("npm"))
    shutil.copy(PROGRAMS / "support.mjs", folder)
    return folder


class Patient(Program):
    """A client program whose messages may have to wait."""

    def keeps(self) -> None:
        """Read on until it says that a message waits."""
        self._read(lambda line: line.startswith("… "))


def program(name: str, server: Server, request: pytest.FixtureRequest) -> tuple[Patient, str]:
    """A program in its user's hands, and what begins the line in which it shows their messages."""
    contract, _, language = name.partition(".")
    path = PROGRAMS / name
    if name == "support.mjs":
        path = request.getfixturevalue("npm") / name
    command = [sys.executable, str(path)] if language == "py" else [*node(), str(path)]
    arguments, shows = {
        "conversations": (["1"], "testuser: "),
        "friends": (["alice"], ""),
        "sessions": ([], "testuser: "),
        "assistant": ([opened(server, name)] if contract == "assistant" else [], "[1] testuser: "),
        "support": ([], "testuser: "),
    }[contract]
    return Patient(command, server, *TESTUSER, *arguments), shows


@pytest.mark.parametrize("language", ["py", "mjs"])
@pytest.mark.parametrize(
    "contract", ["conversations", "friends", "sessions", "assistant", "support"]
)
def test_a_message_refused_while_the_database_is_locked_is_sent_again(
    contract: str, language: str, server: Server, request: pytest.FixtureRequest
) -> None:
    name = f"{contract}.{language}"
    client, shows = program(name, server, request)
    file = server.data / "folkmoot.db"

    def shown(text: str) -> str:
        return f"{shows}{text}" if shows else "(sent)"

    other = sqlite3.connect(file, isolation_level=None)
    try:
        client.say(f"before, by {name}")
        client.hears(shown(f"before, by {name}"))
        other.execute("BEGIN EXCLUSIVE")
        client.say(f"meanwhile, by {name}")
        client.keeps()
        other.execute("ROLLBACK")
        client.hears(shown(f"meanwhile, by {name}"))
        found = "SELECT count(*) FROM messages WHERE content = ?"
        assert other.execute(found, [f"meanwhile, by {name}"]).fetchone() == (1,)
    finally:
        other.close()
        client.end()
