"""A server whose disk is full: it says so, goes on reading, and recovers by itself."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.clients import Client, clients_of, new_lobby, registered
from tests.running import Server

DISK_BYTES = 8 * 1024 * 1024
PIECE = b"x" * 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tiny disk of its own."""
    conversation = tmp_path / "disk"
    conversation.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(conversation)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs the right to mount")
    yield conversation
    subprocess.run(["umount", "--lazy", str(conversation)], check=True)


@pytest.fixture
def server(disk: Path) -> Iterator[Server]:
    with Server(disk) as server:
        yield server


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(PIECE)
        except OSError:
            return ballast


async def post_until_refused(client: Client, path: str) -> httpx2.Response:
    for _ in range(200):
        answer = await client.ask("POST", path, json={"content": "x" * 9_000})
        if answer.status_code != 201:
            return answer
    pytest.fail("the disk is never full")


@pytest.mark.fault
async def test_a_full_disk_is_told_reading_goes_on_and_room_is_enough_to_recover(server, disk):
    logins = [registered(server, name) for name in ("ana", "bo")]
    async with clients_of(server, *logins) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        path = f"/conversations/{lobby}/messages"
        await ana.post(path, {"content": "before"})
        socket = await bo.enter(lobby)
        ballast = fill(disk)

        answer = await post_until_refused(ana, path)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert answer.headers["retry-after"]
        kept = (await ana.get(f"/conversations/{lobby}"))["last_seq"]
        await socket.frames()
        await socket.says({"type": "read", "up_to_seq": 1})
        await socket.says({"content": "x" * 9_000, "client_id": "mine"})
        error = await socket.until("error")
        assert (error["code"], error["client_id"]) == ("storage_full", "mine")
        ready = await ana.ask("GET", "/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["detail"].endswith(".")
        assert (await ana.ask("GET", "/healthz")).status_code == 200
        assert (await ana.get(path, limit=1))[0]["seq"] == kept

        ballast.unlink()
        assert (await ana.ask("GET", "/readyz")).status_code == 200
        assert (await socket.until("read", user_id=bo.id))["up_to_seq"] == 1
        await socket.says({"content": "x" * 9_000, "client_id": "mine"})
        assert (await socket.until("message"))["seq"] == kept + 1
    assert server.stop() == 0
