"""While the database hangs, whoever sends or connects is told so soon, and may try again.

Every contract's every way of sending at once, each under a ``client_id``, which is what makes it
safe to send the same again when the database is back.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from tests.adapters.adapter import RequestRefused, SharedConversation
from tests.adapters.every import KINDS, contracts_for, new_conversation
from tests.adapters.websockets import end_of
from tests.clients import Client, clients_of, logged_in, registered
from tests.deadlines import WITHIN_S
from tests.integration.support.peers import ConnectionRefused, PythonPeer
from tests.postgres import ONE_WORKER, PostgresServer, postgres
from tests.running import Server

__all__ = ["postgres"]

pytestmark = pytest.mark.fault

TOLD_WITHIN_S = 9.0
"""The promise is three seconds; a busy machine may need longer to get to it at all."""
ANSWER_SECONDS = "2.5"
PASSING = {"code": "unavailable", "passing": True, "retry_after": 2.0}


# -- databases that hang ---------------------------------------------------------------------------


@asynccontextmanager
async def locked_file(database: str) -> AsyncIterator[None]:
    """Another program has the file, as a backup or an operator might."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@asynccontextmanager
async def locked_tables(database: str) -> AsyncIterator[None]:
    """Somebody has locked every table, to read from as well."""
    other = await asyncpg.connect(database)
    await other.execute("BEGIN")
    tables = await other.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = ", ".join(row[0] for row in tables)
    await other.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        await other.close()


@asynccontextmanager
async def frozen_processes(database: str) -> AsyncIterator[None]:
    """PostgreSQL's processes stand still, as on a disk that does not answer."""
    other = await asyncpg.connect(database)
    rows = await other.fetch("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'client%'")
    await other.close()
    pids = [row[0] for row in rows if row[0] != other.get_server_pid()]
    # Their parent as well, or it would begin others.
    pids.append(_parent_of(pids[0]))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def frozen_disk(folder: Path) -> AsyncIterator[None]:
    """The disk takes nothing and answers nothing, as one whose cable is loose."""
    await asyncio.to_thread(subprocess.run, ["fsfreeze", "--freeze", folder], check=True)
    try:
        yield
    finally:
        await asyncio.to_thread(subprocess.run, ["fsfreeze", "--unfreeze", folder], check=True)


@contextmanager
def disk_at(folder: Path) -> Iterator[None]:
    """A disk of its own; skips where none can be had."""
    image = folder.with_name("disk.img")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount = ["mount", "-o", "loop", image, folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass(frozen=True)
class Outage:
    """A server, how its database is made to hang, and whether that can still be read then."""

    server: Server
    begins: Callable[[], AbstractAsyncContextManager[None]]
    is_readable: bool = False


@pytest.fixture(
    params=[
        "locked file",
        "frozen disk",
        pytest.param("locked tables", marks=ONE_WORKER),
        pytest.param("frozen processes", marks=ONE_WORKER),
    ]
)
def outage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Outage]:
    settings = {"FOLKMOOT_ANSWER_SECONDS": ANSWER_SECONDS}
    if request.param == "locked file":
        server = Server(tmp_path, "--demo", **settings)
        file = str(server.data / "folkmoot.db")
        server.start()
        yield Outage(server, lambda: locked_file(file), is_readable=True)
        server.kill()
        return
    if request.param == "frozen disk":
        server = Server(tmp_path, "--demo", **settings)
        with disk_at(server.data):
            server.start()
            yield Outage(server, lambda: frozen_disk(server.data), is_readable=True)
            server.kill()
        return
    database: PostgresServer = request.getfixturevalue("postgres")
    name = database.create()
    url = database.url(name)
    hang = locked_tables if request.param == "locked tables" else frozen_processes
    with Server(tmp_path, "--demo", "--database", url, **settings) as server:
        yield Outage(server, lambda: hang(url))
    database.drop(name)


# -- ways of sending -------------------------------------------------------------------------------

Way = Callable[[], Awaitable[Mapping[str, Any] | None]]
"""Sends the same message under the same ``client_id`` each time; what it was refused with."""


def by_socket(connection: Any, name: str) -> Way:
    async def send() -> Mapping[str, Any] | None:
        try:
            await connection.says(name, client_id=name)
        except RequestRefused as refused:
            return refused.facts
        return None

    return send


def by_rest(client: Client, path: str, body: dict[str, Any], name: str) -> Way:
    async def send() -> Mapping[str, Any] | None:
        given = {**body, "content": name, "client_id": name}
        answer = await client.ask("POST", path, json=given)
        if answer.status_code in {200, 201}:
            return None
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        return dict(answer.json())

    return send


def by_event(client: Client, peer: PythonPeer, body: dict[str, Any], name: str) -> Way:
    """Without asking for an ack, what was refused comes as an event, and what was not as itself."""

    async def send() -> Mapping[str, Any] | None:
        await peer.emit("send_message", {**body, "message_text": name, "client_id": name})
        while True:
            event, args = await peer.next()
            if event == "error":
                return dict(args[0])
            if event == "receive_message" and args[0].get("client_id") == name:
                assert args[0]["sender_id"] == client.uid
                return None

    return send


def rest_ways(client: Client, where: SharedConversation) -> dict[str, Way]:
    paths: dict[str, tuple[str, str, dict[str, Any]]] = {
        "group": ("conversations", f"/conversations/{where.number}/messages", {}),
        "session": ("sessions", f"/api/v1/chat/sessions/{where.uid}/messages", {}),
        "direct": (
            "friends",
            "/api/v1/chat/messages/",
            {"receiver_id": where.other(client.login).uid},
        ),
    }
    contract, path, body = paths[where.kind]
    name = f"{contract} by REST"
    return {name: by_rest(client, path, body, name)}


@asynccontextmanager
async def every_way(
    client: Client, meeting: list[SharedConversation]
) -> AsyncIterator[dict[str, Way]]:
    """Every contract's every way of sending, by its name, which is what is sent."""
    ways: dict[str, Way] = {}
    async with AsyncExitStack() as open_ones:
        for where in meeting:
            ways |= rest_ways(client, where)
            for contract in contracts_for(where.kind):
                name = f"{contract.name} by socket into {where.kind}"
                connection = await open_ones.enter_async_context(contract.enter(client, where))
                await connection.everything()  # Whatever its beginning takes is over.
                ways[name] = by_socket(connection, name)
        peer = PythonPeer()
        open_ones.push_async_callback(peer.leave)
        await peer.open(client.server.url, {"token": client.token}, ["polling"])
        await peer.call("heartbeat")
        ways["support by event"] = by_event(client, peer, {}, "support by event")
        yield ways


async def told(ways: dict[str, Way]) -> dict[str, Any]:
    """What each of them was told, all of them asking at once."""
    async with asyncio.timeout(WITHIN_S):
        answers = await asyncio.gather(*(send() for send in ways.values()))
    return dict(zip(ways, answers, strict=True))


@asynccontextmanager
async def people(server: Server) -> AsyncIterator[tuple[Client, list[SharedConversation]]]:
    """Ana, and where she writes: a group, a friend, and a session in which an agent serves."""
    logins = [registered(server, name) for name in ("ana", "bo")]
    logins.append(logged_in(server, "agent", "AgentPassword123"))
    async with clients_of(server, *logins) as (ana, bo, agent):
        others = {"group": bo, "direct": bo, "session": agent}
        yield ana, [await new_conversation(kind, ana, others[kind]) for kind in KINDS]


async def test_every_sender_is_told_soon_and_what_they_send_again_is_there_once(outage):
    async with people(outage.server) as (ana, meeting), every_way(ana, meeting) as ways:
        async with outage.begins():
            for _ in range(2):
                begun = monotonic()
                answers = await told(ways)
                assert monotonic() - begun < TOLD_WITHIN_S
                for name, said in answers.items():
                    assert said is not None, name
                    assert said["code"] in {"unavailable", "too_busy"}, (name, said)
                    assert (said["passing"], said["retry_after"]) == (True, 2.0), (name, said)

        left = ways
        while left:  # What hung is found out in its own time; until then, it is refused at once.
            answers = await told(left)
            left = {name: way for name, way in left.items() if answers[name] is not None}
        stored: Counter[str] = Counter()
        for where in meeting:
            contract = contracts_for(where.kind)[0]
            stored.update(message.text for message in await contract.history(ana, where))
    assert {name: stored[name] for name in ways} == dict.fromkeys(ways, 1)


async def test_readiness_is_told_soon_and_comes_back(outage):
    async with httpx2.AsyncClient(base_url=outage.server.url, timeout=WITHIN_S) as http:
        async with outage.begins():
            said = 200
            while said == 200:  # As long as what was found a moment ago is proof enough.
                begun = monotonic()
                said = (await http.get("/readyz")).status_code
                assert monotonic() - begun < TOLD_WITHIN_S
            assert said == 503
        while said == 503:
            said = (await http.get("/readyz")).status_code
        assert said == 200


async def test_whoever_can_be_told_apart_is_let_in_and_all_others_may_come_back(outage):
    async with people(outage.server) as (ana, meeting):
        group, _, session = meeting
        if outage.is_readable:
            async with outage.begins():
                await ana.enter(group.number)
                assert await ana.get(f"/conversations/{group.number}/messages")
            return
        async with outage.begins():
            begun = monotonic()
            ends = await asyncio.gather(
                end_of(ana, f"/conversations/{group.number}/ws"),
                end_of(ana, f"/api/v1/chat/ws/{session.uid}"),
                end_of(ana, "/ws/chat"),
                refused_handshake(ana, "/api/v1/chat/ws/chat"),
                refused_peer(ana, "polling"),
                refused_peer(ana, "websocket"),
            )
            assert monotonic() - begun < TOLD_WITHIN_S
    # Clients of sessions and assistant come back after 1011 and no other code.
    assert ends == [1013, 1011, 1011, (503, "2"), PASSING, PASSING]


async def refused_handshake(client: Client, path: str) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as refused:
        await client.connect(path)
    response = refused.value.response
    return response.status_code, response.headers.get("retry-after")


async def refused_peer(client: Client, transport: str) -> Any:
    peer = PythonPeer()
    try:
        with pytest.raises(ConnectionRefused) as refused:
            await peer.open(client.server.url, {"token": client.token}, [transport])
        said = refused.value.args[0]
        return {name: said["data"][name] for name in PASSING}
    finally:
        await peer.leave()
