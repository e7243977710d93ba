"""A real PgBouncer for tests, as Debian has it, before the PostgreSQL of `tests.postgres`."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.deadlines import WITHIN_S
from tests.postgres import PostgresServer
from tests.starting import CannotStart, program

POOL_SIZE = 3
"""Fewer sessions than a storage has connections: they are handed from one to the other."""


class PgBouncer:
    """What listens, and the addresses of the databases behind it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"


@contextmanager
def pgbouncer(postgres: PostgresServer, pool_mode: str, **options: str) -> Iterator[PgBouncer]:
    """A pooler before this server; ``options`` are more lines of its settings."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": pool_mode,
        "default_pool_size": str(POOL_SIZE),
        **options,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    before = ["[databases]", f"* = host={postgres.folder} user=postgres", "[pgbouncer]"]
    file = postgres.folder / f"pgbouncer-{port}.ini"
    file.write_text("\n".join([*before, *lines, ""]))
    file.chmod(0o644)
    with _started(file, postgres.folder / f"pgbouncer-{port}.log", postgres.user) as process:
        _wait_for(port, process, file.with_suffix(".log"))
        yield PgBouncer(port)


@contextmanager
def _started(file: Path, log: Path, user: str | None) -> Iterator["subprocess.Popen[Any]"]:
    # It refuses to be root.
    command = [program("pgbouncer", package="pgbouncer"), str(file)]
    with log.open("wb") as output, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, user=user, cwd=os.sep
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(WITHIN_S)


def _wait_for(port: int, process: "subprocess.Popen[Any]", log: Path) -> None:
    deadline = monotonic() + WITHIN_S
    while monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            sleep(0.02)  # polls: it says nothing once it listens
        else:
            return
    raise CannotStart(f"PgBouncer does not start for these tests: {log.read_text()[-300:]}")
