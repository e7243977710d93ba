"""Damage: another database behind the old keys, a lost log, a page that is not whole."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.clients import clients_of, new_lobby, registered
from tests.deadlines import WITHIN_S
from tests.programs import run
from tests.running import Server

pytestmark = pytest.mark.fault

FILES = "/api/v1/chat/files"
LOST = "THE DATABASE HAS LOST MESSAGES"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


async def say(server: Server, count: int) -> None:
    """Have so many messages stored in a new lobby."""
    async with clients_of(server, registered(server, "ana"), registered(server, "bo")) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        for number in range(count):
            await ana.post(f"/conversations/{lobby}/messages", {"content": f"number {number}"})


async def noted(server: Server, number: int) -> None:
    """Return once it is noted outside the database that it has so many messages."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if (server.data / "high-water").read_text() == f"{number:020}\n":
                return
            await asyncio.sleep(0.05)  # polls: nothing else tells


def refusal_of(server: Server) -> str:
    """What a start that is refused says."""
    server.launch()
    assert server.wait() == 1, server.output
    return server.output.strip().splitlines()[-1]


def database_of(server: Server) -> list[Path]:
    return sorted(server.data.glob("folkmoot.db*"))


async def test_an_empty_database_beside_old_keys_is_refused_until_they_are_moved_away(server):
    await say(server, 1)
    server.stop()
    for file in database_of(server):
        file.unlink()
    assert "belongs to a database, and the one that was opened is empty" in refusal_of(server)
    assert "is empty" in refusal_of(server)
    for name in ("identity", "secret"):
        (server.data / name).unlink()
    server.start()


async def test_a_strangers_database_beside_old_keys_is_refused(server, tmp_path):
    (tmp_path / "other").mkdir()
    other = Server(tmp_path / "other")
    other.start()
    await say(other, 1)
    other.stop()
    server.stop()
    shutil.copy(other.data / "folkmoot.db", server.data / "folkmoot.db")
    assert "the one that was opened is another one" in refusal_of(server)
    ended = run("account", "create", "ana", "--email", "a@b.example", "--data", str(server.data))
    assert (ended.returncode, "is another one" in ended.stderr) == (1, True)


async def test_its_own_database_restored_from_a_copy_is_taken_and_the_loss_is_said(server):
    await say(server, 1)
    server.stop()
    copy = (server.data / "folkmoot.db").read_bytes()
    server.start()
    await say(server, 2)
    await noted(server, 3)
    server.stop()
    (server.data / "folkmoot.db").write_bytes(copy)
    server.start()
    assert f"{LOST}: it ends with message number 1, and" in server.output
    assert "had acknowledged number 3" in server.output


async def test_a_log_that_was_lost_beside_the_database_is_noticed(server):
    await say(server, 3)
    await noted(server, 3)
    server.kill()
    (server.data / "folkmoot.db-wal").unlink()
    server.start()
    assert f"{LOST}: it ends with message number 0, and" in server.output


async def test_a_server_that_was_killed_has_lost_nothing_and_says_nothing(server):
    await say(server, 3)
    await noted(server, 3)
    server.kill()
    server.start()
    assert LOST not in server.output


@asynccontextmanager
async def damaged(server: Server) -> AsyncIterator[None]:
    """A page in the middle of the database is not what it was."""
    await say(server, 200)
    server.stop()
    path = server.data / "folkmoot.db"
    content = bytearray(path.read_bytes())
    middle = content.index(b"number 100")
    content[middle - 200 : middle + 200] = b"\xff" * 400
    path.write_bytes(content)
    yield


async def test_a_deep_look_finds_a_damaged_page_and_passes_over_none(server):
    beside = run("doctor", "--deep", "--data", str(server.data), "--port", str(server.port))
    assert "  ok     every row of the database: whole" in beside.stdout
    async with damaged(server):
        found = run("doctor", "--deep", "--data", str(server.data), "--port", "0")
    assert found.returncode == 1
    (line,) = [one for one in found.stdout.splitlines() if "every row of the database" in one]
    assert line.startswith("  WRONG  ")
    assert line.endswith("Stop the server, and restore a backup.")


async def uploaded(server: Server, count: int) -> list[str]:
    """The ids of so many files, the same letter each."""
    async with clients_of(server, registered(server, "cy")) as (cy,):
        form = {"file": ("a.txt", b"a letter", "text/plain")}
        sent = [await cy.ask("POST", FILES, files=form) for _ in range(count)]
        return [one.raise_for_status().json()["attachment_id"] for one in sent]


def looked_for(server: Server) -> str:
    """What a deep look says of the files."""
    found = run("doctor", "--deep", "--data", str(server.data), "--port", str(server.port))
    (line,) = [one for one in found.stdout.splitlines() if "every file" in one]
    assert found.returncode == ("WRONG" in line)
    return line


async def test_a_deep_look_beside_a_server_names_the_files_that_are_gone_or_cut_off(server):
    gone, cut_off = await uploaded(server, 2)
    assert looked_for(server) == "  ok     every file: all 2 are there"
    (server.data / "files" / gone).unlink()
    (server.data / "files" / cut_off).write_bytes(b"a let")
    stray = server.data / "files" / "stray"
    stray.write_bytes(b"nobody's")
    os.utime(stray, (0, 0))

    line = looked_for(server)

    assert line.startswith("  WRONG  every file: ")
    assert f"1 ({gone}) that a row of the database names, cannot be found" in line
    assert f"1 ({cut_off}) not as long as the database says" in line
    (server.data / "files" / gone).write_bytes(b"a letter")
    (server.data / "files" / cut_off).write_bytes(b"a letter")
    assert looked_for(server).endswith(
        "all 2 are there; files that no row names, and a server removes: 1"
    )


def others_may(folder: Path) -> list[Path]:
    return [one for one in (folder, *folder.rglob("*")) if one.stat().st_mode & OTHERS]


async def test_what_others_could_read_is_private_after_a_start(server, tmp_path):
    await say(server, 1)
    assert others_may(server.data) == []
    server.stop()
    for one in (server.data, *server.data.iterdir()):
        one.chmod(0o777 if one.is_dir() else 0o666)
    server.start()
    assert others_may(server.data) == []
    assert "could be read by others, and is private now" in server.output


def test_a_folder_that_is_used_for_other_things_is_refused(tmp_path):
    server = Server(tmp_path)
    server.data.mkdir(mode=0o755)
    (server.data / "holiday.txt").write_text("a novel")
    (server.data / "holiday.txt").chmod(0o644)
    assert "can be read by others, and holds what is not folkmoot's" in refusal_of(server)
    assert (server.data / "holiday.txt").stat().st_mode & 0o777 == 0o644
