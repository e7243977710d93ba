"""tools/python.sh, played on machines that are folders of made-up interpreters."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deadlines import WITHIN_S

pytestmark = pytest.mark.program
SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "python.sh"
WORKS = "exit 0"
TOO_OLD = 'case "$2" in *version_info*) exit 1;; esac'
NO_VENV = 'case "$2" in *ensurepip*) exit 1;; esac'


class Machine:
    """A PATH with a shell and the interpreters it is given, and a checkout beside it."""

    def __init__(self, root: Path, **interpreters: str) -> None:
        self.bin, self.checkout = root / "bin", root / "checkout"
        self.bin.mkdir()
        self.checkout.mkdir()
        for name, behaviour in interpreters.items():
            self.put(self.bin / name.replace("_", "."), behaviour)

    def put(self, path: Path, behaviour: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{behaviour}\n")
        path.chmod(0o755)

    def pick(self, python: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [shutil.which("sh") or "/bin/sh", SCRIPT],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "PYTHON": python},
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_the_newest_python_that_works_is_taken(tmp_path):
    machine = Machine(tmp_path, python3_13="exit 127", python3_12=WORKS, python3=WORKS)
    assert machine.pick() == (0, "python3.12", "")


def test_a_python_that_cannot_make_a_venv_gives_way_to_one_that_can(tmp_path):
    machine = Machine(tmp_path, python3_13=NO_VENV, python3_11=WORKS)
    assert machine.pick() == (0, "python3.11", "")


def test_the_one_already_in_the_checkout_comes_first(tmp_path):
    machine = Machine(tmp_path, python3_13=WORKS)
    machine.put(machine.checkout / ".venv/bin/python", WORKS)
    assert machine.pick() == (0, ".venv/bin/python", "")


def test_the_one_that_is_named_beats_them_all(tmp_path):
    machine = Machine(tmp_path, python3_13=WORKS, mine=WORKS)
    machine.put(machine.checkout / ".venv/bin/python", WORKS)
    assert machine.pick("mine") == (0, "mine", "")


@pytest.mark.parametrize(
    ("interpreters", "named", "sentence"),
    [
        ({}, "", "no Python 3.11 or newer on PATH; install one"),
        ({"python3": TOO_OLD}, "", "no Python 3.11 or newer on PATH; install one"),
        ({"python3": NO_VENV}, "", "python3 has no venv module; install it"),
        ({"mine": TOO_OLD, "python3": WORKS}, "mine", "PYTHON=mine is not a working Python 3.11"),
    ],
)
def test_where_there_is_none_one_sentence_says_what_to_do(tmp_path, interpreters, named, sentence):
    code, out, err = Machine(tmp_path, **interpreters).pick(named)

    assert (code, out) == (1, "")
    assert err.startswith(f"folkmoot: {sentence}")
    assert len(err.splitlines()) == 1
