"""Who is let in to the `support` contract, how, and how they are put out again."""

from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.clients import PASSWORD, clients_of, registered
from tests.integration.support.bare import Bare
from tests.integration.support.peers import ConnectionRefused

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
REQUIRED = "authentication required"


async def ticket_of(server, login):
    async with clients_of(server, login) as (client,):
        return (await client.post("/auth/ws-ticket"))["ticket"]


async def test_a_token_counts_in_auth_in_the_query_and_in_the_header(server, ana):
    bearer = {"Authorization": f"Bearer {ana.token}"}
    for query, headers, auth in (
        ("", {}, {"token": ana.token}),
        (f"&token={ana.token}", {}, None),
        ("", bearer, None),
    ):
        async with Bare(server, query, headers) as bare:
            await bare.open()
            kind, answer = await bare.connect(auth)
            assert kind == "40"
            assert answer["sid"] != bare.sid


async def test_a_ticket_counts_once(server, ana):
    ticket = await ticket_of(server, ana)
    async with Bare(server, f"&ticket={quote(ticket)}") as bare:
        await bare.open()
        assert (await bare.connect())[0] == "40"
    async with Bare(server, f"&ticket={quote(ticket)}") as bare:
        await bare.open()
        assert (await bare.connect())[0] == "44"
    async with Bare(server) as bare:
        await bare.open()
        assert (await bare.connect({"ticket": await ticket_of(server, ana)}))[0] == "40"


async def test_the_login_cookie_counts_for_our_own_pages_only(server, ana):
    login = {"username": ana.name, "password": PASSWORD, "set_cookie": True}
    async with Bare(server, headers={"Origin": server.url}) as bare:
        (await bare.http.post("/api/v1/auth/login", json=login)).raise_for_status()
        assert "folkmoot_login" in bare.http.cookies
        await bare.open()
        assert (await bare.connect())[0] == "40"
        for origin in ("https://evil.example", "null", server.url.replace("http", "https")):
            refused = await bare.post("41", Origin=origin)
            assert (refused.status_code, refused.json()["message"]) == (403, "Forbidden")
        cookies = "; ".join(f"{name}={value}" for name, value in bare.http.cookies.items())
        with pytest.raises(InvalidStatus) as refusal:
            await connect(
                server.url.replace("http", "ws") + WEBSOCKET,
                origin="https://evil.example",
                additional_headers={"Cookie": cookies},
            )
        assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": "no token"}, {"token": 5}, {"token": None}, {"token": {"a": 1}}]
)
async def test_whoever_shows_nothing_valid_is_told_to_authenticate(server, auth):
    async with Bare(server) as bare:
        await bare.open()
        kind, answer = await bare.connect(auth)
        assert (kind, answer["message"]) == ("44", REQUIRED)
        assert answer["data"]["code"]


async def test_both_clients_see_the_refusal_as_their_users_know_it(opened, opened_by_npm):
    with pytest.raises(ConnectionRefused, match=REQUIRED):
        await opened(None)
    with pytest.raises(ConnectionRefused, match=REQUIRED):
        await opened_by_npm(None)


async def test_who_is_not_let_in_leaves_one_line_that_says_why(opened, opened_by_npm, server):
    def refused() -> list[str]:
        return [line for line in server.output.splitlines() if "127.0.0.1 was not let in" in line]

    before = refused()
    for open_client in (opened, opened_by_npm):
        with pytest.raises(ConnectionRefused):
            await open_client(None)
    async with Bare(server) as bare:
        old = await bare.http.get("/socket.io/?EIO=3&transport=polling")
        assert (old.status_code, old.json()["code"]) == (400, 5)
        from_afar = {"Origin": "https://evil.example", "Cookie": "folkmoot_login=x"}
        evil = await bare.http.get("/socket.io/?EIO=4&transport=polling", headers=from_afar)
        assert evil.status_code == 403
    python, npm, version, origin = [line for line in refused() if line not in before]
    for known in (python, npm):
        assert (
            "to /socket.io/: Not authenticated: a bearer token is needed. (token_missing)" in known
        )
    assert "Unsupported protocol version (transport=polling, EIO=3)" in version
    assert "(origin_not_allowed)" in origin


async def test_a_sid_serves_only_whoever_opened_it(server, ana, bo):
    async with Bare(server, f"&token={ana.token}") as bare:
        await bare.open()
        assert (await bare.connect())[0] == "40"
        mine, bare.query = bare.query, f"&token={bo.token}"
        for stolen in (await bare.poll(), await bare.post("41")):
            assert (stolen.status_code, stolen.json()["code"]) == (400, 1)
        bare.query = ""
        assert (await bare.poll()).status_code == 400
        bare.query = mine
        assert (await bare.post("41")).status_code == 200


async def test_logging_out_puts_every_client_out(opened, server, bo):
    ana = registered(server, "ana")
    phone, laptop, other = await opened(ana), await opened(ana, "polling"), await opened(bo)

    async with clients_of(server, ana) as (client,):
        assert (await client.ask("POST", "/auth/logout")).status_code == 204

    for peer in (phone, laptop):
        # Its handlers run at once, in no order.
        told = dict([await peer.next(), await peer.next()])
        assert told["error"][0]["code"] == "connection_ended"
        assert told["disconnect"][0]["reason"] == "server disconnect"
    await other.says("Still here")


async def test_npm_does_not_come_back_after_its_right_was_lost(opened_by_npm, server):
    ana = registered(server, "ana")
    peer = await opened_by_npm(ana)
    async with clients_of(server, ana) as (client,):
        await client.ask("POST", "/auth/logout")
    assert (await peer.until("disconnect"))["reason"] == "io server disconnect"


async def test_other_namespaces_and_foreign_paths_are_not_there(server):
    async with Bare(server) as bare:
        await bare.open()
        await bare.post("40/admin,")
        assert (await bare.poll()).text == '44/admin,{"message":"Invalid namespace"}'
        assert (await bare.http.get("/socket.io/foreign")).status_code == 404
        assert (await bare.http.put("/socket.io/?EIO=4&transport=polling")).status_code == 400
