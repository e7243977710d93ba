"""A server whose limits are switched on and strict."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from tests.clients import LoggedIn, clients_of, new_lobby, registered
from tests.integration.assistant.chats import chat
from tests.integration.support.bare import Bare
from tests.running import Server

STRICT = {
    "FOLKMOOT_LIMITS": "on",
    "FOLKMOOT_SEND_PER_MINUTE": "6",
    "FOLKMOOT_SEND_BURST": "3",
    "FOLKMOOT_CONNECT_PER_MINUTE": "60",
    "FOLKMOOT_MAX_CONNECTIONS_PER_ACCOUNT": "2",
    "FOLKMOOT_LOGIN_PER_MINUTE": "5",
    "FOLKMOOT_REGISTER_PER_MINUTE": "8",
}


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with Server(tmp_path, **STRICT) as server:
        yield server


@pytest.fixture
def people(server: Server) -> list[LoggedIn]:
    return [registered(server, name) for name in ("ana", "bo")]


async def test_sending_too_much_is_429_with_retry_after_and_an_error_frame_on_the_socket(
    server, people
):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        socket = await ana.enter(lobby)
        for _ in range(2):
            await socket.says({"content": "x"})
            await socket.hears("message")
        await socket.says({"content": "one too many", "client_id": "mine"})
        error = await socket.hears("error")
        assert (error["code"], error["client_id"]) == ("rate_limited", "mine")
        assert 0 < error["retry_after"] <= 10
        path = f"/conversations/{lobby}/messages"
        answer = await ana.ask("POST", path, json={"content": "x"})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert (await bo.ask("POST", path, json={"content": "bo may"})).status_code == 201
        assert len(await bo.get(path)) == 3


async def test_bodies_that_cannot_be_read_are_counted_as_if_they_could(server, people):
    async with clients_of(server, people[0]) as [ana]:
        path = "/api/v1/chat/messages/"
        answers = [await ana.ask("POST", path, json={"content": 1}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429]


async def test_asking_the_assistant_too_much_is_an_error_frame_and_commands_count_too(
    server, people
):
    async with clients_of(server, people[0]) as [ana]:
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        frame = {"type": "chat_message", "session_id": session}
        await socket.asks("Quuxification?", session)
        await socket.says({**frame, "content": "/help"})
        refused = await socket.refusal({**frame, "content": "/help", "client_id": "mine"})
        assert (refused["code"], refused["client_id"]) == ("rate_limited", "mine")
        assert 0 < refused["retry_after"] <= 10
        refused = await socket.refusal({"type": "join_session"})
        assert refused["code"] == "rate_limited"
        await socket.frames()


async def test_typing_too_much_is_an_error_frame_and_the_socket_stays_open(server, people):
    async with clients_of(server, *people) as (ana, bo):
        socket = await ana.enter(await new_lobby(ana, bo))
        for number in range(100):
            await socket.says({"type": "typing", "is_typing": bool(number % 2)})
        assert (await socket.hears("error"))["code"] == "rate_limited"
        await socket.says({"type": "ping"})
        await socket.until("pong")


async def test_asking_for_the_whole_past_again_and_again_is_told_to_wait(server, people):
    async with clients_of(server, *people) as (ana, bo):
        socket = await ana.enter(await new_lobby(ana, bo))
        for _ in range(100):
            await socket.says({"type": "resume", "after_seq": 0})
        assert (await socket.until("error"))["code"] == "rate_limited"
        await socket.says({"type": "ping"})
        await socket.until("pong")


async def test_one_socket_more_than_an_account_may_have_is_closed_and_told_to_come_back(
    server, people
):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        first = await ana.enter(lobby)
        await ana.enter(lobby)
        code, reason = await (await ana.connect(f"/conversations/{lobby}/ws")).end()
        assert code == 1013
        assert "2" in reason
        await first.connection.close()
        await bo.enter(lobby)
        await ana.enter(lobby)


async def test_connecting_too_often_is_refused_in_the_handshake_with_retry_after(server, people):
    async with clients_of(server, *people) as (ana, _):
        response = None
        while response is None:
            try:
                await (await ana.connect("/conversations/1/ws", token="")).connection.close()
            except InvalidStatus as refused:
                response = refused.response
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1
        assert b'"rate_limited"' in response.body


def test_guessing_passwords_and_registering_without_end_is_429_with_retry_after(server, people):
    with httpx2.Client(base_url=server.url) as http:
        form = {"username": people[0].name, "password": "wrong"}
        answers = [http.post("/auth/token", data=form) for _ in range(6)]
        assert answers[0].status_code == 401
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        answers = [http.post("/auth/register", json={}) for _ in range(20)]
        assert {answer.status_code for answer in answers} <= {422, 429}


@pytest.fixture
def usual(tmp_path) -> Iterator[Server]:
    with Server(
        tmp_path,
        FOLKMOOT_LIMITS="on",
        FOLKMOOT_MAX_CONNECTIONS_PER_ADDRESS="25",
        FOLKMOOT_READ_PER_MINUTE="60",
        FOLKMOOT_SEARCH_PER_MINUTE="10",
    ) as server:
        yield server


async def test_connects_that_come_at_once_get_no_more_sockets_than_an_account_may_have(usual):
    login = registered(usual, "ana")
    clients = [Bare(usual) for _ in range(24)]
    try:
        opened = [await client.open() for client in clients]
        assert {answer.status_code for answer in opened} == {200}
        auth = {"token": login.token}
        answers = await asyncio.gather(*(client.connect(auth) for client in clients))
        assert sorted(kind for kind, _ in answers) == ["40"] * 20 + ["44"] * 4
    finally:
        for client in clients:
            await client.http.aclose()


async def test_one_address_has_only_so_many_sockets_and_gets_them_back(usual):
    login = registered(usual, "ana")
    async with clients_of(usual, login) as [ana]:
        clients = [Bare(usual) for _ in range(25)]
        for client in clients:
            assert (await client.open()).status_code == 200
        async with Bare(usual) as one_more:
            refused = await one_more.open()
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
            with pytest.raises(InvalidStatus) as handshake:
                await ana.connect("/ws/chat")
            assert handshake.value.response.status_code == 429
            assert (await clients[0].post("1")).status_code == 200
            assert (await one_more.open()).status_code == 200
        for client in clients:
            await client.http.aclose()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/auth/me", {"full_name": "Ana"}),
        ("GET", "/conversations", None),
        ("GET", "/conversations/1/messages", None),
        ("GET", "/api/v1/chat/search?q=word", None),
        ("GET", "/api/v1/chat/sessions/x/context", None),
        ("POST", "/api/v1/chat/sessions", {}),
        ("POST", "/conversations", {}),
    ],
)
async def test_everything_that_can_be_asked_for_has_a_rate(usual, method, path, body):
    login = registered(usual, "ana")
    async with clients_of(usual, login) as [ana]:
        answers = [await ana.ask(method, path, json=body) for _ in range(40)]
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "rate_limited")
        assert int(last.headers["retry-after"]) >= 1


async def test_who_shows_no_login_is_told_so_before_the_body_is_read(usual):
    async with httpx2.AsyncClient(base_url=usual.url) as http:
        broken = {"content": b"{" * 1000, "headers": {"content-type": "application/json"}}
        answers = [await http.post("/conversations", **broken) for _ in range(200)]
        assert answers[0].status_code == 401
        assert answers[-1].status_code == 429
