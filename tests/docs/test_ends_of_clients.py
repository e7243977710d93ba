"""Every program that we print ends with one line that says why, and asks for what it lacks."""

import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

from tests.deadlines import WITHIN_S
from tests.docs.test_conversation_clients import PROGRAMS, node
from tests.integration.support.peers import npm_folder
from tests.running import Server

CONTRACTS = ["conversations", "friends", "sessions", "assistant", "support"]
NAMES = [f"{contract}.{language}" for contract in CONTRACTS for language in ("py", "mjs")]
OTHERS = {"conversations": ["1"], "friends": ["alice"]}


@pytest.fixture
def command(name: str, tmp_path: Path) -> list[str]:
    if name.endswith(".py"):
        return [sys.executable, str(PROGRAMS / name)]
    path = PROGRAMS / name
    if name == "support.mjs":
        path = npm_folder(tmp_path) / name
        path.write_bytes((PROGRAMS / name).read_bytes())
    return [*node(), str(path)]


@pytest.mark.parametrize("name", NAMES)
def test_who_is_not_let_in_is_told_so_once_and_need_not_press_a_key(
    name: str, command: list[str], demo_server: Server
) -> None:
    who = [demo_server.url, "testuser", "not-the-password"]
    others = OTHERS.get(name.partition(".")[0], [])
    with subprocess.Popen(
        [*command, *who, *others],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        code = program.wait(WITHIN_S)
        assert program.stdout is not None
        said = program.stdout.read().splitlines()
    assert code == 1
    assert len(said) == 1, said
    assert "wrong_credentials" in said[0]


@pytest.mark.parametrize("name", NAMES)
def test_who_forgets_an_argument_is_shown_how_it_is_called(name: str, command: list[str]) -> None:
    ended = subprocess.run(
        [*command, "http://127.0.0.1:1", "testuser"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended.returncode == 1
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_line_that_installs_what_a_program_needs_names_what_there_is(contract: str) -> None:
    """Spelled as the package does: a pip of 2023 passes over an extra spelled otherwise."""
    page = (PROGRAMS / f"{contract}.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`pip install ([^`]+)`", page)
    named = {word.strip('"') for word in line.split()}
    for package, extra in re.findall(r"([\w-]+)\[([^]]+)\]", line):
        assert extra in metadata(package).get_all("Provides-Extra", [])
    imported = re.findall(
        r"^(?:import|from) (\w+)",
        (PROGRAMS / f"{contract}.py").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    packages = {"socketio": "python-socketio[asyncio-client]"}
    ours = {each for each in imported if each not in sys.stdlib_module_names}
    assert named == {packages.get(each, each) for each in ours}
