"""The page on extending is true: its contract works, and it names all that mypy asks for."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from folkmoot.contracts.catalogue import CONTRACTS
from tests.clients import logged_in
from tests.deadlines import WITHIN_S
from tests.running import Server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending" / "README.md").read_text(encoding="utf-8")
EVENTS = "src/folkmoot/core/messages/events.py"


def files_named(heading: str) -> list[str]:
    """The files that the table under a heading names, in its order."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(src/[^`]+)`", section, re.MULTILINE)


def with_pins(text: str) -> str:
    pinned = '''
@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePinned(Durable):
    """Somebody pinned a message, for all members to find again."""

    message: MessageRef
    actor: Person


MessageChange = MessagePinned | '''
    assert "\nMessageChange = " in text
    return text.replace("\nMessageChange = ", pinned)


def with_a_colour(text: str) -> str:
    assert "    content: str\n    kind: MessageKind = " in text
    return text.replace(
        "    content: str\n    kind: M", "    content: str\n    colour: str\n    kind: M", 1
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source, with what mypy remembers of it."""
    copy = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    return copy


def asked_for(source: Path) -> set[str]:
    """The files in which mypy finds something to do."""
    mypy = [sys.executable, "-m", "mypy", "src"]
    done = subprocess.run(mypy, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return set(re.findall(r"^(src/\S+?):\d+: error:", done.stdout, re.MULTILINE))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("heading", "step"), [("A durable event", with_pins), ("A field on a message", with_a_colour)]
)
def test_the_places_that_a_step_asks_for_are_those_on_the_page(
    source: Path, heading: str, step: Callable[[str], str]
) -> None:
    first, *others = files_named(heading)
    before = (source / first).read_text(encoding="utf-8")
    assert asked_for(source) == set()

    (source / first).write_text(step(before), encoding="utf-8")

    assert asked_for(source) == set(others)
    (source / first).write_text(before, encoding="utf-8")


SERVE = f"""
import sys
sys.path.insert(0, {str(ROOT / "docs" / "extending")!r})
import folkmoot.contracts.catalogue as catalogue
from plain_text import CONTRACT
catalogue.CONTRACTS = (*catalogue.CONTRACTS, CONTRACT)
from folkmoot.cli.main import app
app()
"""


class ExtendedServer(Server):
    """A server with a line more in its catalogue."""

    def launch(self) -> None:
        command = [sys.executable, "-c", SERVE, "serve", "--demo"]
        command += ["--port", str(self.port), "--data", str(self.data)]
        with self._output.open("ab") as output:
            self._child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def _is_well(self) -> bool:
        assert self._child.poll() is None, f"the server ended at once:\n{self.output}"
        try:
            with urlopen(f"{self.url}/healthz", timeout=WITHIN_S):
                return True
        except (URLError, OSError):
            return False

    def stop(self) -> int:
        self._child.terminate()
        return self._child.wait(WITHIN_S)


def test_the_sixth_contract_of_the_page_speaks_with_the_first(tmp_path: Path) -> None:
    server = ExtendedServer(tmp_path)
    server.start()
    ana = logged_in(server, "testuser", "TestPassword123")
    bo = logged_in(server, "alice", "TestPassword123")
    root = f"ws://127.0.0.1:{server.port}"
    with (
        connect(f"{root}/plain/1?token={ana.token}") as plain,
        connect(f"{root}/conversations/1/ws?token={bo.token}") as first,
    ):
        assert json.loads(first.recv(WITHIN_S))["type"] == "connection"
        plain.send("Hello from a line of text")
        assert plain.recv(WITHIN_S) == "testuser: Hello from a line of text"
        assert _message(first)["content"] == "Hello from a line of text"
        first.send(json.dumps({"content": "Hello, line!"}))
        assert plain.recv(WITHIN_S) == "alice: Hello, line!"
        plain.send("")
        assert str(plain.recv(WITHIN_S)).startswith("! ")
    assert server.stop() == 0


def _message(socket: ClientConnection) -> dict[str, Any]:
    """The next frame that is a message."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(WITHIN_S))
        if frame["type"] == "message":
            return frame


def test_a_sixth_contract_needs_no_other_place() -> None:
    named = {contract.name for contract in CONTRACTS} - {"files", "search", "accounts"}
    for path in [
        *(ROOT / "src/folkmoot/server").rglob("*.py"),
        *(ROOT / "src/folkmoot/kit").rglob("*.py"),
    ]:
        imported = re.findall(r"^from folkmoot\.contracts\.(\w+)", path.read_text(), re.MULTILINE)
        assert not named.intersection(imported), path
