"""`folkmoot account` beside a running server: at once, and with all that follows from it."""

import asyncio

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.deadlines import WITHIN_S
from tests.programs import NEW_PASSWORD, run
from tests.running import Server


async def folkmoot(server: Server, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it says."""
    ended = await asyncio.to_thread(run, *arguments, "--data", str(server.data))
    return ended.returncode, ended.stdout + ended.stderr


async def test_an_account_made_beside_a_running_server_can_log_in(shared_server: Server) -> None:
    code, said = await folkmoot(
        shared_server, "account", "create", "ana", "--email", "ana@example.com", "--role", "agent"
    )
    assert (code, "Made account ana" in said) == (0, True)
    async with httpx2.AsyncClient(base_url=shared_server.url) as http:
        form = {"username": "ana", "password": NEW_PASSWORD}
        token = (await http.post("/auth/token", data=form)).json()["access_token"]
        me = await http.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["role"] == "agent"


async def test_deactivating_an_account_closes_its_open_sockets(shared_server: Server) -> None:
    for name in ("bo", "cy"):
        await folkmoot(shared_server, "account", "create", name, "--email", f"{name}@example.com")
    async with httpx2.AsyncClient(base_url=shared_server.url) as http:
        form = {"username": "bo", "password": NEW_PASSWORD}
        token = (await http.post("/auth/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"participant_ids": ["cy"]}
        lobby = (await http.post("/conversations", json=body, headers=headers)).json()["id"]
    url = shared_server.url.replace("http", "ws", 1)
    async with connect(f"{url}/conversations/{lobby}/ws?token={token}") as socket:
        await socket.recv()
        code, _ = await folkmoot(shared_server, "account", "deactivate", "bo")
        with pytest.raises(ConnectionClosed) as end:
            await asyncio.wait_for(socket.recv(), WITHIN_S)
    assert (code, end.value.rcvd and end.value.rcvd.code) == (0, 4000)


async def test_a_command_that_is_refused_says_why_and_fails(shared_server: Server) -> None:
    code, said = await folkmoot(shared_server, "account", "role", "nobody-here", "admin")
    assert (code, said.strip()) == (1, "folkmoot: There is no account 'nobody-here'.")


async def test_the_doctor_finds_a_running_server_well(shared_server: Server) -> None:
    code, said = await folkmoot(shared_server, "doctor")
    assert code == 0, said
    assert "a server of this data folder is running" in said
