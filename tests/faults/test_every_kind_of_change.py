"""Each kind of durable change is told live, though the answer to its COMMIT is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.clients import Client, clients_of, logged_in, registered
from tests.deadlines import WITHIN_S
from tests.integration.friends.friendship import CHAT, enter
from tests.integration.test_events import (
    IN_A_GROUP,
    IN_A_SESSION,
    PASSING,
    Act,
    new_scene,
    picture,
)
from tests.postgres import ONE_WORKER, PostgresServer, database, postgres
from tests.postgres_proxy import PostgresProxy, postgres_proxy
from tests.running import Server

__all__ = ["database", "postgres"]

pytestmark = [pytest.mark.fault, ONE_WORKER]


@pytest.fixture
async def at_work(
    tmp_path, postgres: PostgresServer, database: str
) -> AsyncIterator[tuple[Server, PostgresProxy]]:
    with (
        postgres_proxy(postgres) as proxy,
        Server(tmp_path, "--demo", "--database", proxy.url(database)) as server,
    ):
        yield server, proxy


@asynccontextmanager
async def answer_lost(proxy: PostgresProxy) -> AsyncIterator[None]:
    """The answer to the next COMMIT is lost, and there must be one."""
    made = proxy.cut()
    yield
    assert await asyncio.to_thread(made.wait, WITHIN_S)


async def change_and_compare(
    kind: str, act: Act, people: list[Client], proxy: PostgresProxy
) -> str | None:
    """What is wrong with what Ana and Bo were told of a change, if anything is."""
    scene = await new_scene(kind, *people)
    viewers = [scene.ana, scene.bo]
    sockets = [await viewer.enter(scene.lobby) for viewer in viewers]
    known = [await picture(viewer, scene) for viewer in viewers]
    async with answer_lost(proxy):
        await act(scene)
    for viewer, socket, old in zip(viewers, sockets, known, strict=True):
        heard = [frame for frame in await socket.frames() if frame["type"] not in PASSING]
        for frame in heard:
            old.apply(frame)
        if not heard or old != await picture(viewer, scene):
            return f"{act.__name__} in a {kind}: {viewer.name} heard {heard}"
    return None


async def test_what_stands_in_a_timeline_and_how_far_it_was_read_is_told(at_work):
    server, proxy = at_work
    logins = [registered(server, name) for name in ("ana", "bo", "cy")]
    logins.append(logged_in(server, "agent", "AgentPassword123"))
    async with clients_of(server, *logins) as people:
        wrong = [
            await change_and_compare(kind, act, people, proxy)
            for kind, cases in (("group", IN_A_GROUP), ("session", IN_A_SESSION))
            for acts in cases.values()
            for act in acts
        ]
    assert [one for one in wrong if one is not None] == []


async def test_what_happens_between_accounts_and_to_logins_is_told(at_work):
    server, proxy = at_work
    logins = [registered(server, name) for name in ("ana", "bo")]
    async with clients_of(server, *logins) as (ana, bo):
        at_bo = await enter(bo)
        async with answer_lost(proxy):
            asked = await ana.post(f"{CHAT}/friends/requests", {"account": bo.name})
        assert (await at_bo.until("friend_request"))["request_id"] == asked["request_id"]

        at_ana = await enter(ana)
        async with answer_lost(proxy):
            await bo.post(f"{CHAT}/friends/requests/{asked['request_id']}/accept")
        await at_ana.until("friend_accepted")

        async with answer_lost(proxy):
            assert (await bo.ask("POST", "/auth/logout")).status_code == 204
        await at_bo.end()
