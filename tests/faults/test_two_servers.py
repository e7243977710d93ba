"""Two servers on one database: the second refuses to start, and commands work beside the first."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.deadlines import WITHIN_S
from tests.postgres import ONE_WORKER, database, postgres, postgres_url
from tests.programs import run
from tests.running import Server

__all__ = ["database", "postgres", "postgres_url"]

pytestmark = pytest.mark.fault

TAKE = "SELECT pg_advisory_lock(1718578283, hashtext(current_schema()))"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"


@pytest.fixture
def first(tmp_path: Path, postgres_url: str) -> Iterator[Server]:
    (tmp_path / "first").mkdir()
    with Server(tmp_path / "first", "--database", postgres_url) as server:
        yield server


def launched(folder: Path, *flags: str) -> Server:
    folder.mkdir()
    server = Server(folder, *flags)
    server.launch()
    return server


@ONE_WORKER
def test_a_second_server_on_one_postgresql_database_is_refused(first, postgres_url, tmp_path):
    second = launched(tmp_path / "second", "--database", postgres_url)
    assert second.wait() == 1
    said = second.output.strip().splitlines()[-1]
    assert said.startswith("folkmoot: Another folkmoot serves this database (since 20")
    assert said.endswith("stop it first, or give this one another database.")
    first.stop()
    second.start()
    second.kill()


@pytest.mark.parametrize("by", ["path", "link"])
def test_a_second_server_on_one_file_is_refused_whatever_it_calls_it(tmp_path, by):
    with Server(tmp_path) as first:
        file = first.data / "folkmoot.db"
        if by == "link":
            file = tmp_path / "other.db"
            file.symlink_to(first.data / "folkmoot.db")
        second = launched(tmp_path / "second", "--database", f"sqlite:///{file}")
        assert second.wait() == 1
        assert "folkmoot: Another folkmoot uses " in second.output


@ONE_WORKER
@pytest.mark.parametrize(
    "command",
    [
        ["doctor", "--port", "0"],
        ["migrate"],
        ["account", "create", "ana", "--email", "a@b.example"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("whose", ["its own folder", "another folder"])
def test_commands_work_beside_a_running_server(first, postgres_url, tmp_path, command, whose):
    data = first.data if whose == "its own folder" else tmp_path / "other"
    ended = run(*command, "--data", str(data), "--database", postgres_url)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@ONE_WORKER
async def test_a_server_whose_database_another_has_taken_ends_and_says_so(first, postgres_url):
    other, stranger = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    waiting = asyncio.create_task(other.execute(TAKE))
    await stranger.execute(CUT, "folkmoot server")
    await asyncio.wait_for(waiting, WITHIN_S)
    assert await asyncio.to_thread(first.wait) == 1
    assert "folkmoot: Another folkmoot serves this database" in first.output
    await other.close()
    await stranger.close()
