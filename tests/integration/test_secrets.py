"""Nothing that logs anybody in stands in what the server prints."""

from collections.abc import Iterator

import httpx2
import pytest
from websockets.exceptions import InvalidHandshake

from tests.clients import PASSWORD, Client, clients_of, new_lobby, registered
from tests.running import Server


@pytest.fixture(params=["console", "json"])
def server(request, tmp_path) -> Iterator[Server]:
    with Server(
        tmp_path,
        FOLKMOOT_LOG_LEVEL="debug",
        FOLKMOOT_ACCESS_LOG="on",
        FOLKMOOT_LOG_FORMAT=request.param,
    ) as server:
        yield server


async def every_way_in(client: Client, lobby: int) -> list[str]:
    """Show the client's secrets in every way that there is, right and wrong; the secrets."""
    token, path = client.token, f"/conversations/{lobby}/ws"
    ticket = (await client.post("/auth/ws-ticket"))["ticket"]
    form = {"username": client.name, "password": PASSWORD, "set_cookie": "true"}
    await client.ask("POST", "/auth/token", data=form)
    for wrong in ({**form, "password": PASSWORD + "x"}, {"password": PASSWORD}):
        await client.ask("POST", f"/auth/token?password={PASSWORD}", data=wrong)
    body = {"username": PASSWORD, "password": [PASSWORD], "email": PASSWORD}
    await client.ask("POST", "/auth/register", json=body)
    await client.ask("GET", f"/conversations/?token={token}&limit=1")
    await client.ask("GET", f"/nowhere/{token}?ticket={ticket}")
    for name in ("%74oken", "to%6ben", "tok\u200ben", "a[token]", "Access_Key", "q", "limit"):
        await client.ask("GET", f"/auth/me?{name}={ticket}&x=1")
        await client.ask("GET", f"/auth/me?{name}=%65{token[1:]}")
    for target, options in (
        (f"{path}?token={token}", {}),
        (f"{path}/?after_seq=0&token={token}", {}),
        (f"{path}?ticket={ticket}", {}),
        (path, {"subprotocols": ["bearer", token]}),
        (path, {"additional_headers": {"Authorization": f"Bearer {token}"}}),
        (path, {"additional_headers": {"Cookie": f"folkmoot_login={token}"}}),
        (f"/nowhere?token={token}", {}),
        (f"{path}?token={token}&x={'y' * 9000}", {}),
    ):
        try:
            await client.connect(target, token="", **options)
        except InvalidHandshake:
            continue
    refreshed = await client.post("/auth/refresh", {"refresh_token": client.login.refresh_token})
    parts = token.split(".")
    return [
        token,
        *parts[1:],
        ticket,
        PASSWORD,
        client.login.refresh_token,
        refreshed["access_token"],
        "eyJ",
    ]


async def test_no_token_ticket_or_password_is_in_the_servers_output(server):
    logins = [registered(server, name) for name in ("ana", "bo")]
    async with clients_of(server, *logins) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        secrets = await every_way_in(ana, lobby)
        await ana.post(f"/conversations/{lobby}/messages", {"content": "between us two"})
    assert server.stop() == 0
    own = {path.name: path.read_text() for path in (server.data / "logs").iterdir()}
    assert own.keys() == {"audit.log", "server.log"}
    for output in (server.output, own["server.log"]):
        assert f"/conversations/{lobby}" in output, "there is no access log"
    for name, output in {"what it printed": server.output, **own}.items():
        found = [secret for secret in [*secrets, "between us two"] if secret in output]
        assert found == [], name


def test_what_a_client_sends_cannot_begin_a_line_of_the_log(server):
    forged = 'x%0d%0a2026-01-01 [info] forged%1b[31m%e2%80%a8{"level":"forged"}'
    httpx2.get(f"{server.url}/{forged}?{forged}", headers={"User-Agent": "a\x1b[31m forged"})
    assert server.stop() == 0
    assert not any(line.startswith("2026-01-01") for line in server.output.splitlines())
    assert "\x1b" not in server.output
    assert "\u2028" not in server.output
