"""The whole server on PostgreSQL, and on one behind a pooler that hands each transaction to another
session: the wire is the same, and so is what survives a kill.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.deadlines import WITHIN_S
from tests.pgbouncer import pgbouncer
from tests.postgres import ONE_WORKER, PostgresServer, postgres
from tests.running import Server
from tests.spec.test_transcripts import TRANSCRIPTS, demo_server_in
from tests.spec.transcripts import Player

__all__ = ["postgres"]

pytestmark = ONE_WORKER


@pytest.fixture(scope="module", params=["direct", "transaction"])
def on_postgres(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    name = postgres.create()
    with ExitStack() as ending:
        url = postgres.url(name)
        if request.param != "direct":
            url = ending.enter_context(pgbouncer(postgres, request.param)).url(name)
        folder = tmp_path_factory.mktemp("server")
        yield ending.enter_context(demo_server_in(folder, "--database", url))
    postgres.drop(name)


@pytest.mark.parametrize(
    "transcript", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
async def test_the_server_says_what_the_transcript_says(
    on_postgres: Server, transcript: Path
) -> None:
    async with httpx2.AsyncClient(base_url=on_postgres.url, timeout=WITHIN_S) as http:
        player = Player(on_postgres.url, http)
        try:
            await player.play(transcript)
        finally:
            await player.close()


async def test_what_was_acknowledged_is_there_after_a_kill(on_postgres: Server) -> None:
    said = [f"word {number}" for number in range(50)]
    async with httpx2.AsyncClient(base_url=on_postgres.url, timeout=WITHIN_S) as http:
        player = Player(on_postgres.url, http)
        await player.enroll("ana", "bo")
        token = player.known["ana.token"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"participant_ids": [player.known["bo.id"]]}
        lobby = (await http.post("/conversations", json=body, headers=headers)).json()["id"]
        address = f"{on_postgres.url}/conversations/{lobby}/ws?token={token}"
        async with asyncio.timeout(WITHIN_S), connect(address.replace("http", "ws", 1)) as socket:
            await socket.recv()
            for content in said:
                await socket.send(json.dumps({"content": content, "client_id": content}))
            heard = [json.loads(await socket.recv()) for _ in said]
            on_postgres.kill()
    on_postgres.start()
    async with httpx2.AsyncClient(base_url=on_postgres.url, timeout=WITHIN_S) as http:
        path = f"/conversations/{lobby}/messages?limit=100"
        history = (await http.get(path, headers=headers)).json()
    assert [message["content"] for message in heard] == said
    assert [(m["seq"], m["id"], m["content"]) for m in history] == [
        (m["seq"], m["id"], m["content"]) for m in heard
    ]
