"""Keep ``.venv`` in step with a lock in ``requirements/``, on a bare Python.

Which Python that is, ``tools/python.sh`` says; what belongs in a lock, ``make lock``.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
INTERPRETER = VENV / "bin" / "python"
IMPLIED = {"dev": ("run",)}
"""The locks whose packages, in the same versions, another lock holds too."""


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 when the environment holds what the lock named in ``arguments`` asks for."""
    if len(arguments) != 1 or not lock_file(arguments[0]).is_file():
        print("usage: environment.py run|dev|lock", file=sys.stderr)
        return 2
    group = arguments[0]
    if is_current(group):
        return 0
    with alone():
        try:
            if not is_current(group):
                set_up(group)
        except subprocess.CalledProcessError:
            print("folkmoot: setting up .venv failed, as said above", file=sys.stderr)
            return 1
    return 0


@contextmanager
def alone() -> Iterator[None]:
    """Keep a second set-up waiting: `make run` and `make test` may be started in two terminals."""
    folder = os.open(ROOT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def lock_file(group: str) -> Path:
    return ROOT / "requirements" / f"{group}.txt"


def stamp(group: str) -> Path:
    return VENV / f".folkmoot-{group}"


def fingerprint(group: str) -> str:
    """Changes with all that the install depends on: lock, pyproject, Python, the place."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for source in (lock_file(group), ROOT / "pyproject.toml"):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def is_current(group: str) -> bool:
    """Whether ``.venv`` was set up for exactly this state, by its own account."""
    try:
        return INTERPRETER.exists() and stamp(group).read_text() == fingerprint(group)
    except FileNotFoundError:
        return False


def is_sound() -> bool:
    """Whether ``.venv`` is whole, of this Python, and was made in this place."""
    probe = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        made_here = str(INTERPRETER) in (VENV / "bin" / "pip").read_text()
        probed = subprocess.run([INTERPRETER, "-c", probe], stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return False
    return made_here and probed.returncode == 0


def set_up(group: str) -> None:
    """Install the lock, every file checked against its hash, and then the project itself.

    Nothing that the lock does not pin is fetched: only wheels, and no build isolation,
    because the build backend is in the lock as well.
    """
    print(f"folkmoot: installing requirements/{group}.txt into .venv", flush=True)
    if not is_sound():
        call(sys.executable, "-m", "venv", "--clear", str(VENV))
    pip = (str(INTERPRETER), "-m", "pip", "--quiet", "--disable-pip-version-check")
    call(*pip, "install", "--require-hashes", "--only-binary=:all:", "-r", str(lock_file(group)))
    if group != "lock":
        call(*pip, "install", "--no-deps", "--no-index", "--no-build-isolation", "-e", str(ROOT))
    for fresh in (group, *IMPLIED.get(group, ())):
        stamp(fresh).write_text(fingerprint(fresh))


def call(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
