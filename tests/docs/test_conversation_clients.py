"""The programs that the page for client authors prints talk with each other, through a restart."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.deadlines import WITHIN_S
from tests.running import Server

PROGRAMS = Path(__file__).parents[2] / "docs" / "clients"
TESTUSER = ("testuser", "TestPassword123", "1")
ALICE = ("alice", "TestPassword123", "1")


def node() -> list[str]:
    """Node, with WebSockets: as a flag where it is not yet a matter of course."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("no Node: install one (Debian: apt install nodejs)")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    major = int(version.stdout.lstrip("v").split(".")[0])
    return [path] if major >= 22 else [path, "--experimental-websocket"]


class Program:
    """A client program in the hands of one person."""

    def __init__(self, command: list[str], server: Server, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*command, server.url, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
        self._lines: list[str] = []

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def hears(self, line: str) -> None:
        """Read on until this line comes."""
        self._read(lambda read: read == line)
        assert self._lines[-1:] == [line], self._lines

    def _read(self, is_it: Callable[[str], bool]) -> None:
        reader = Thread(target=self._read_until, args=(is_it,), daemon=True)
        reader.start()
        reader.join(WITHIN_S)
        assert not reader.is_alive(), f"it did not come: {self._lines}"

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read_until(self, is_it: Callable[[str], bool]) -> None:
        assert self._process.stdout is not None
        for read in self._process.stdout:
            self._lines.append(read.rstrip("\n"))
            if is_it(self._lines[-1]):
                return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


def test_the_programs_talk_and_find_back_after_a_restart(server: Server) -> None:
    ana = Program([sys.executable, str(PROGRAMS / "conversations.py")], server, *TESTUSER)
    bo = Program([*node(), str(PROGRAMS / "conversations.mjs")], server, *ALICE)
    try:
        ana.say("Hello from Python")
        ana.hears("testuser: Hello from Python")
        bo.say("Hello from JavaScript")
        bo.hears("alice: Hello from JavaScript")
        ana.hears("alice: Hello from JavaScript")
        server.kill()
        ana.say("Typed while the server was down")
        server.start()
        ana.hears("testuser: Typed while the server was down")
        bo.hears("testuser: Typed while the server was down")
    finally:
        ana.end()
        bo.end()
