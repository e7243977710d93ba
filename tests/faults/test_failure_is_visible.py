"""What fails under a server shows: one log line, one metric, `/readyz`; and it ends by itself."""

import asyncio
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from tests.bots.model_server import ModelServer
from tests.clients import Client, clients_of, new_lobby, registered
from tests.deadlines import WITHIN_S
from tests.files.bucket import Buckets
from tests.integration.assistant.chats import chat
from tests.postgres import ONE_WORKER, PostgresServer
from tests.running import Server

FILES = "/api/v1/chat/files"
READY_WITHIN_S = 10.0
"""It promises two seconds; a busy machine may need longer to get to it at all."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Watched:
    """A server, its metrics, and what it logged."""

    def __init__(self, folder: Path, *flags: str, **settings: str) -> None:
        self._metrics = f"127.0.0.1:{free_port()}"
        self.server = Server(folder, *flags, FOLKMOOT_METRICS_ADDRESS=self._metrics, **settings)
        self.server.start()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        async with httpx2.AsyncClient(timeout=READY_WITHIN_S, verify=False) as http:
            answer = await http.get(f"{self.server.url}/readyz")
        return answer.status_code, answer.json()

    async def until(self, is_so: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
        """What `/readyz` says, once it is so."""
        deadline = monotonic() + WITHIN_S
        while True:
            status, said = await self.ready()
            if is_so(status, said):
                return said
            assert monotonic() < deadline, (status, said)
            await asyncio.sleep(0.05)  # polls: another program's health

    async def is_green(self) -> None:
        await self.until(lambda status, said: (status, said) == (200, {"status": "ready"}))

    def unavailable(self, part: str) -> float:
        """How often the part was not there, as the metrics say."""
        text = httpx2.get(f"http://{self._metrics}/metrics", timeout=WITHIN_S).text
        start = "folkmoot_unavailable_total{"
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith(start) and f'part="{part}"' in line
        )

    def lines(self, part: str) -> list[str]:
        """What it logged of the part being away."""
        start = f"{part} is unavailable"
        return [line for line in self.server.output.splitlines() if start in line]


def names(part: str, status: str) -> Callable[[int, dict[str, Any]], bool]:
    code = 503 if status == "down" else 200
    return lambda given, said: (
        given == code
        and (part, status) in [(one["name"], one["status"]) for one in said.get("parts", ())]
    )


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*flags: str, **settings: str) -> Watched:
        started.append(Watched(tmp_path, *flags, **settings))
        return started[-1]

    yield start
    for one in started:
        one.server.kill()


async def upload(client: Client) -> httpx2.Response:
    return await client.ask("POST", FILES, files={"file": ("a.bin", b"abc", "x/y")})


@pytest.mark.fault
async def test_a_database_locked_from_outside(start):
    watched = start()
    keys = [registered(watched.server, name) for name in ("ana", "bo")]
    async with clients_of(watched.server, *keys) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        other = sqlite3.connect(watched.server.data / "folkmoot.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        answer = await ana.ask("POST", f"/conversations/{lobby}/messages", json={"content": "a"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "locked" not in answer.text
        said = await watched.until(names("database", "down"))
        assert said["detail"] == "database: it is locked by another program."
        assert watched.unavailable("database") >= 1
        assert len(watched.lines("database")) == 1
        assert (await ana.ask("GET", f"/conversations/{lobby}")).status_code == 200

        other.close()
        await watched.is_green()
        await ana.post(f"/conversations/{lobby}/messages", {"content": "a"})


@pytest.mark.fault
@ONE_WORKER
async def test_postgresql_stopped_and_started(start):
    postgres = PostgresServer()
    postgres.start()
    try:
        watched = start("--database", postgres.url(postgres.create()))
        await watched.is_green()
        postgres.halt()
        said = await watched.until(names("database", "down"))
        assert "database: " in said["detail"]
        assert "host" not in str(said)
        assert watched.unavailable("database") >= 1
        assert watched.lines("database")

        postgres.resume()
        await watched.is_green()
    finally:
        postgres.stop()


@pytest.mark.fault
async def test_a_bucket_that_is_away(start):
    port = free_port()
    bucket = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    bucket.start()
    buckets = Buckets(f"http://127.0.0.1:{port}")
    watched = start(FOLKMOOT_FILES_URL=buckets.new(), **buckets.variables)
    async with clients_of(watched.server, registered(watched.server, "ana")) as (ana,):
        assert (await upload(ana)).status_code < 300
        bucket.stop()

        answer = await upload(ana)
        assert (answer.status_code, answer.json()["code"]) == (503, "files_unavailable")
        said = await watched.until(names("files", "degraded"))
        assert str(port) not in str(said)
        assert watched.unavailable("files") >= 1
        assert watched.lines("files")

        again = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        again.start()
        await watched.is_green()
        again.stop()


@pytest.mark.fault
async def test_a_model_that_is_away(start):
    model = ModelServer(free_port())
    watched = start(FOLKMOOT_ASSISTANT_BASE_URL=model.url, FOLKMOOT_ASSISTANT_MODEL="small")
    async with clients_of(watched.server, registered(watched.server, "ana")) as (ana,):
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]

        question = await socket.asks("Why?", session)
        await socket.answer(question, role="system")
        said = await watched.until(names("model", "degraded"))
        assert said["detail"] == "model: it gave no answer (ConnectError)."
        assert watched.unavailable("model") == 1
        assert len(watched.lines("model")) == 1

        async with model:
            answer, _ = await socket.answer(await socket.asks("And now?", session))
            assert answer["content"] == "All is well."
            await watched.is_green()


@pytest.mark.fault
async def test_a_log_folder_that_is_gone(start):
    watched = start()
    folder = watched.server.data / "logs"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    said = await watched.until(names("log_folder", "degraded"))
    assert str(folder) not in str(said)
    assert watched.unavailable("log_folder") >= 1
    assert len(watched.lines("log_folder")) == 1

    folder.unlink()
    await watched.is_green()
    httpx2.get(f"{watched.server.url}/healthz", timeout=WITHIN_S)
    assert watched.server.stop() == 0
    assert "/healthz" in (folder / "server.log").read_text()
