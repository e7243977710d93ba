"""The page on extending is true: what mypy asks for after the first step is what stands on it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
EVENTS = "src/folkmoot/core/messages/events.py"


def places(heading: str) -> list[str]:
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
@pytest.mark.parametrize(("heading", "step"), [("A durable event", with_pins)])
def test_the_places_that_a_step_asks_for_are_those_on_the_page(
    source: Path, heading: str, step: Callable[[str], str]
) -> None:
    first, *others = places(heading)
    before = (source / first).read_text(encoding="utf-8")
    assert asked_for(source) == set()

    (source / first).write_text(step(before), encoding="utf-8")

    assert asked_for(source) == set(others)
    (source / first).write_text(before, encoding="utf-8")
