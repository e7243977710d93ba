"""The `folkmoot` command in processes of their own, forked from one that has imported it all.

Importing takes a second and a half of processor time, which hundreds of tests would each pay for.
What a process is and does from there on is real: its signals, files, ports, output and end.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from folkmoot.auth.passwords import HashCost
from folkmoot.cli.main import app
from tests.deadlines import WITHIN_S

NEW_PASSWORD = "Another-horse-8"
"""What `account create` and `account password` are given."""

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload([__name__, "folkmoot.server.http.application", "uvicorn", "uvloop"])


def forked(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: Path,
    errors: Path,
    prepare: Callable[[], object] | None = None,
) -> BaseProcess:
    """A `folkmoot` that has been started, and appends what it prints to these files.

    ``prepare``, a function of a module, is called in its process first: what it breaks is broken.
    """
    process = _forking.Process(
        target=_command, args=(arguments, dict(environment), output, errors, prepare), daemon=True
    )
    process.start()
    return process


def _command(
    arguments: Sequence[str],
    environment: dict[str, str],
    output: Path,
    errors: Path,
    prepare: Callable[[], object] | None,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for descriptor, path in ((0, Path(os.devnull)), (1, output), (2, errors)):
        opened = os.open(path, os.O_RDONLY if descriptor == 0 else flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    # Passwords are hashed as ever, a thousand times cheaper; tests/auth says what a hash costs.
    HashCost.__init__.__defaults__ = (8, 1, 1)
    if prepare is not None:
        prepare()
    sys.argv = ["folkmoot", *arguments]
    app(prog_name="python -m folkmoot")


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What a `folkmoot` that ends by itself has said."""
    environment = {**os.environ, "FOLKMOOT_ACCOUNT_PASSWORD": NEW_PASSWORD, **settings}
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = forked(arguments, environment, output, errors)
        process.join(WITHIN_S)
        assert process.exitcode is not None, f"{arguments} does not end"
        said = [path.read_text() if path.exists() else "" for path in (output, errors)]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)
