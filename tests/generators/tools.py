"""The programs that read the documents, each in a folder of its own that is made once.

They ask for other versions of libraries than the server does, so they have no place in its
environment.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".venv"
LOCK = ROOT / "requirements" / "generators.txt"
NPM = ROOT / "tests" / "npm" / "generators"
WITHIN_S = 280


def python_tools() -> Path:
    """The folder of the programs that `requirements/generators.txt` installs."""
    folder = KEPT / "generators"
    with _made_once(folder, LOCK.read_bytes() + sys.version.encode()) as is_new:
        if is_new:
            run([sys.executable, "-m", "venv", "--clear", str(folder)])
            pip = [str(folder / "bin" / "python"), "-m", "pip", "-q", "--disable-pip-version-check"]
            run([*pip, "install", "--require-hashes", "--only-binary=:all:", "-r", str(LOCK)])
    return folder / "bin"


def npm_tools() -> Path:
    """A folder with the packages of `tests/npm/generators`; skips where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node: install one (Debian: apt install nodejs npm)")
    folder = KEPT / "npm-generators"
    lock = NPM / "package-lock.json"
    with _made_once(folder, lock.read_bytes()) as is_new:
        if is_new:
            folder.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NPM / name, folder / name)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            run(["npm", "ci", *quiet], folder)
    return folder


def run(command: list[str], folder: Path | None = None, **settings: str) -> str:
    """What a program says, which must end well."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout[-8000:]}"
    return ended.stdout


@contextmanager
def _made_once(folder: Path, source: bytes) -> Iterator[bool]:
    """Whether the folder is to be made anew; another worker that wants it waits until it is."""
    stamp = folder.with_name(f".{folder.name}.stamp")
    wanted = hashlib.sha256(str(folder).encode() + source).hexdigest()
    with folder.with_name(f".{folder.name}.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        is_new = not stamp.exists() or stamp.read_text() != wanted
        if is_new:
            stamp.unlink(missing_ok=True)
        yield is_new
        stamp.write_text(wanted)
