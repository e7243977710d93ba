"""A server that is asked to end: it says goodbye, and loses nothing that it acknowledged."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.clients import LoggedIn, Socket, clients_of, new_lobby, registered
from tests.running import Server


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


@pytest.fixture
def people(server: Server) -> list[LoggedIn]:
    return [registered(server, name) for name in ("ana", "bo")]


async def stopped(server: Server) -> int:
    return await asyncio.to_thread(server.stop)


async def test_idle_sockets_are_told_to_come_back_and_it_ends_with_exit_code_0(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        sockets = [await who.enter(lobby) for who in (ana, bo) for _ in range(3)]
        assert await stopped(server) == 0
        for socket in sockets:
            code, reason = await socket.end()
            assert code == 1012
            assert reason


async def test_clients_that_do_not_answer_the_goodbye_do_not_hold_it_up(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        socket = await ana.enter(lobby)
        socket.connection.transport.pause_reading()
        _, half = await asyncio.open_connection("127.0.0.1", server.port)
        half.write(b"GET / HTTP/1.1\r\nHost:")
        await half.drain()
        assert await stopped(server) == 0
        socket.connection.transport.abort()
        half.close()


async def _talking(socket: Socket, name: str, heard: list[dict[str, Any]]) -> None:
    """Post without a pause until the server goes; ``heard`` is what it answered."""

    async def listen() -> None:
        while True:
            heard.append(await socket.hears())

    async def talk() -> None:
        for number in count():
            await socket.says({"content": f"{name} {number}", "client_id": f"{name} {number}"})

    for end in await asyncio.gather(listen(), talk(), return_exceptions=True):
        assert isinstance(end, ConnectionClosed)


async def test_what_was_acknowledged_is_there_and_what_was_refused_is_not(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        heard: dict[str, list[dict[str, Any]]] = {"ana": [], "bo": []}
        async with asyncio.TaskGroup() as talks:
            for name, client in (("ana", ana), ("bo", bo)):
                talks.create_task(_talking(await client.enter(lobby), name, heard[name]))
            watching = await ana.enter(lobby)
            await watching.until("message", seq=200)
            assert await stopped(server) == 0
        server.start()
        history: list[dict[str, Any]] = []
        while page := await ana.get(
            f"/conversations/{lobby}/messages", limit=100, after_seq=len(history)
        ):
            history += page
    assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
    stored = [message["content"] for message in history]
    assert len(stored) == len(set(stored))
    for frames in heard.values():
        acknowledged = {frame["content"] for frame in frames if frame["type"] == "message"}
        refused = {frame["client_id"] for frame in frames if frame["type"] == "error"}
        assert acknowledged <= set(stored)
        assert not refused & set(stored)
    for name, client in (("ana", ana), ("bo", bo)):
        mine = [text for text in stored if text.startswith(name)]
        assert mine == [f"{name} {number}" for number in range(len(mine))], client
