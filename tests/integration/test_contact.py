"""With whom accounts may begin, as `FOLKMOOT_CONTACT` says, through every contract that can."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.integration.friends.friendship import befriend
from tests.running import Server

CHAT = "/api/v1/chat"
NOBODY = {"int": 987_654_321, "uid": "01a22fcb-0000-7000-9a47-ea44127dca8b", "name": "nobody-here"}

Answer = tuple[int, str, str]
Ask = Callable[[Client, str | int], Awaitable[Answer]]
"""An account tries to begin something with another, whom it names: status, code, detail."""


async def answered(client: Client, method: str, path: str, **options: object) -> Answer:
    answer = await client.ask(method, path, **options)
    body = answer.json() if answer.content else {}
    if not isinstance(body, dict):
        return answer.status_code, "", ""
    return answer.status_code, body.get("code", ""), str(body.get("detail", ""))


async def start(client: Client, name: str | int) -> Answer:
    return await answered(client, "POST", "/conversations", json={"participant_ids": [name]})


async def add(client: Client, name: str | int) -> Answer:
    """Into a group of its own with the agent, whom everybody may begin with."""
    group = await client.post("/conversations", {"participant_ids": ["agent"]})
    path = f"/conversations/{group['id']}/participants"
    return await answered(client, "POST", path, json={"participant_ids": [name]})


async def bring(client: Client, name: str | int) -> Answer:
    session = await client.post(f"{CHAT}/sessions", {"title": "Help"})
    path = f"{CHAT}/sessions/{session['id']}/participants"
    return await answered(client, "POST", path, json={"user_id": str(name)})


async def request(client: Client, name: str | int) -> Answer:
    path = f"{CHAT}/friends/requests"
    return await answered(client, "POST", path, json={"account": str(name)})


async def write(client: Client, name: str | int) -> Answer:
    body = {"receiver_id": str(name), "content": "Hello"}
    return await answered(client, "POST", f"{CHAT}/messages/", json=body)


async def look(client: Client, name: str | int) -> Answer:
    return await answered(client, "GET", f"{CHAT}/messages/history/{name}")


async def assign(client: Client, name: str | int) -> Answer:
    body = {"title": "Help", "assigned_agent_id": str(name)}
    return await answered(client, "POST", f"{CHAT}/sessions", json=body)


async def search(client: Client, name: str | int) -> Answer:
    return await answered(client, "GET", f"{CHAT}/search?q=hello&from={name}")


BY_NUMBER = (start, add)
BY_NAME = (start, add, bring, request, write, look, assign, search)


def serving(factory: pytest.TempPathFactory, contact: str, **more: str) -> Iterator[Server]:
    with Server(factory.mktemp(contact), "--demo", FOLKMOOT_CONTACT=contact, **more) as server:
        yield server


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serving(tmp_path_factory, "known")


@pytest.fixture(scope="module")
def staff_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serving(tmp_path_factory, "staff")


@pytest.fixture
async def strangers(known: Server) -> AsyncIterator[list[Client]]:
    """Two who know nobody, and the agent."""
    people = [registered(known, "ana"), registered(known, "bo"), agent_of(known)]
    async with clients_of(known, *people) as clients:
        yield clients


def agent_of(server: Server) -> LoggedIn:
    return logged_in(server, "agent", "AgentPassword123")


@pytest.mark.parametrize("ask", BY_NAME, ids=lambda ask: ask.__name__)
async def test_who_may_not_be_reached_is_not_there(strangers: list[Client], ask: Ask) -> None:
    """A stranger is answered to the letter like a name that nobody has."""
    ana, bo, _ = strangers

    for name, nobody in ((bo.name, NOBODY["name"]), (bo.uid, NOBODY["uid"])):
        *answer, detail = await ask(ana, name)
        *absent, why = await ask(ana, nobody)
        assert answer == absent == [404, "account_not_found"]
        assert detail.replace(str(name), "?") == why.replace(str(nobody), "?")


@pytest.mark.parametrize("ask", BY_NUMBER, ids=lambda ask: ask.__name__)
async def test_numbers_cannot_be_tried_through(strangers: list[Client], ask: Ask) -> None:
    ana, bo, _ = strangers

    answers = {(await ask(ana, number))[:2] for number in (bo.id, NOBODY["int"])}

    assert answers == {(404, "account_not_found")}


async def test_who_is_taken_out_is_a_participant_or_not_there(strangers: list[Client]) -> None:
    ana, bo, _ = strangers
    group = await ana.post("/conversations", {"participant_ids": ["agent"]})
    session = await ana.post(f"{CHAT}/sessions", {"title": "Help"})
    here = f"/conversations/{group['id']}/participants"
    there = f"{CHAT}/sessions/{session['id']}/participants"
    tried = [(here, bo.name), (here, bo.id), (here, NOBODY["name"]), (here, NOBODY["int"])]
    tried += [(there, bo.name), (there, NOBODY["name"]), (there, NOBODY["uid"])]

    answers = {(await answered(ana, "DELETE", f"{path}/{name}"))[:2] for path, name in tried}

    assert answers == {(404, "member_not_found")}


async def test_staff_are_reached_and_reach_everybody(strangers: list[Client]) -> None:
    ana, bo, agent = strangers

    assert (await start(ana, "agent"))[0] == 201
    assert (await request(ana, "agent"))[0] == 201
    assert (await start(agent, bo.id))[0] == 201


async def test_who_shares_a_conversation_or_is_a_friend_is_known(strangers: list[Client]) -> None:
    ana, bo, agent = strangers
    await agent.post("/conversations", {"participant_ids": [ana.id, bo.id]})

    assert (await start(ana, bo.id))[0] == 201
    assert (await write(ana, bo.name))[:2] == (403, "not_friends")
    await befriend(ana, bo)
    for one in await ana.get("/conversations"):
        await ana.ask("DELETE", f"/conversations/{one['id']}/participants/{ana.id}")
    assert await ana.get("/conversations") == []
    assert (await start(ana, bo.id))[0] == 201


async def test_where_only_staff_may_be_reached_nobody_else_is(staff_only: Server) -> None:
    people = [registered(staff_only, "ana"), registered(staff_only, "bo"), agent_of(staff_only)]
    async with clients_of(staff_only, *people) as (ana, bo, agent):
        await agent.post("/conversations", {"participant_ids": [ana.id, bo.id]})

        assert (await start(ana, bo.id))[:2] == (404, "account_not_found")
        assert (await request(ana, bo.name))[:2] == (404, "account_not_found")
        assert (await start(ana, "agent"))[0] == 201


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    rates = {
        "FOLKMOOT_LIMITS": "on",
        "FOLKMOOT_STRANGERS_BURST": "4",
        "FOLKMOOT_STRANGERS_PER_MINUTE": "0.1",
    }
    yield from serving(tmp_path_factory, "anyone", **rates)


async def test_beginning_with_strangers_has_a_rate_of_its_own(strict: Server) -> None:
    """Guessing counts as much as finding; whom one knows costs nothing."""
    people = [registered(strict, name) for name in ("ana", "bo", "cy")]
    async with clients_of(strict, *people) as (ana, bo, cy):
        assert (await start(ana, bo.id))[0] == 201
        assert (await request(ana, cy.name))[0] == 201
        body = {"participant_ids": [NOBODY["int"], NOBODY["name"]]}
        assert (await answered(ana, "POST", "/conversations", json=body))[0] == 404
        assert (await start(ana, cy.id))[:2] == (429, "rate_limited")
        assert (await request(ana, NOBODY["name"]))[:2] == (429, "rate_limited")
        assert (await start(ana, bo.id))[0] == 201
        assert (await start(ana, "agent"))[0] == 201
