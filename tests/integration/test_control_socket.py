"""`folkmoot account` beside a running server: at once, and with all that follows from it."""

import asyncio
import json

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.clients import PASSWORD, clients_of, logged_in, new_lobby, registered
from tests.deadlines import WITHIN_S
from tests.integration.assistant.chats import chat
from tests.integration.desks import CHAT, enter, new_session
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


async def test_accounts_are_listed_for_people_and_for_programs(shared_server: Server) -> None:
    await folkmoot(shared_server, "account", "create", "dot", "--email", "dot@example.com")
    code, said = await folkmoot(shared_server, "account", "list")
    _, told = await folkmoot(shared_server, "account", "list", "--json", "--role", "user")
    accounts = json.loads(told)
    (dot,) = [one for one in accounts if one["username"] == "dot"]
    assert code == 0
    assert said.splitlines()[0].split() == [
        "number",
        "username",
        "role",
        "state",
        "e-mail",
        "since",
    ]
    (line,) = [line for line in said.splitlines() if " dot " in line]
    assert line.split()[:5] == [str(dot["id"]), "dot", "user", "active", "dot@example.com"]
    assert (dot["is_active"], dot["role"], dot["is_deleted"]) == (True, "user", False)
    assert "password" not in told
    assert [one["id"] for one in accounts] == sorted(one["id"] for one in accounts)


async def test_logins_are_listed_and_ended_with_their_sockets(shared_server: Server) -> None:
    eve = registered(shared_server, "eve")
    async with clients_of(shared_server, eve, registered(shared_server, "fay")) as (one, other):
        socket = await one.enter(await new_lobby(one, other))
        code, told = await folkmoot(shared_server, "account", "logins", eve.name, "--json")
        (login,) = json.loads(told)
        _, said = await folkmoot(shared_server, "account", "logins", eve.name)
        ended, _ = await folkmoot(shared_server, "account", "logins", eve.name, "--end")
        close, _ = await socket.end()
        _, left = await folkmoot(shared_server, "account", "logins", eve.name, "--json")
        refused = await one.ask("GET", "/auth/me")
    assert (code, ended, close, json.loads(left)) == (0, 0, 4000, [])
    assert login["id"] in said
    assert refused.status_code == 401


async def test_an_account_is_switched_on_again(shared_server: Server) -> None:
    gus = registered(shared_server, "gus")
    await folkmoot(shared_server, "account", "deactivate", gus.name)
    code, said = await folkmoot(shared_server, "account", "activate", gus.name)
    assert (code, said) == (0, f"{gus.name} is active.\n")
    assert logged_in(shared_server, gus.name, PASSWORD).id == gus.id


async def test_a_deleted_account_is_gone_from_everywhere_at_once(shared_server: Server) -> None:
    hal, ida = registered(shared_server, "hal"), registered(shared_server, "ida")
    async with clients_of(shared_server, hal, ida) as (one, other):
        lobby = await new_lobby(one, other)
        theirs, own = await other.enter(lobby), await one.enter(lobby)
        unsure, _ = await folkmoot(shared_server, "account", "delete", hal.name)
        code, told = await folkmoot(shared_server, "account", "delete", hal.name, "--yes", "--json")
        close, _ = await own.end()
        await theirs.until("participant_removed", user_id=hal.id)
        shown = await other.get(f"/conversations/{lobby}")
        found = await other.ask("POST", "/conversations", json={"participant_ids": [hal.id]})
        again, why = await folkmoot(shared_server, "account", "activate", hal.name)
    account = json.loads(told)
    assert (unsure, code, close) == (1, 0, 4000)
    assert (account["username"], account["is_deleted"]) == (f"deleted#{hal.id}", True)
    assert hal.name not in told
    assert [one["id"] for one in shown["participants"]] == [ida.id]
    assert (found.status_code, found.json()["code"]) == (404, "account_not_found")
    assert (again, why) == (1, f"folkmoot: There is no account '{hal.name}'.\n")


async def test_the_last_admin_can_be_neither_ended_nor_demoted(shared_server: Server) -> None:
    create = ("account", "create", "root", "--email", "root@example.com", "--role", "admin")
    await folkmoot(shared_server, *create)
    for command in (("deactivate", "root"), ("delete", "root", "--yes"), ("role", "root", "user")):
        code, said = await folkmoot(shared_server, "account", *command)
        assert code == 1
        assert "last active admin" in said


async def test_an_operator_sets_an_address(shared_server: Server) -> None:
    jo, lee = registered(shared_server, "jo"), registered(shared_server, "lee")
    theirs = f"{lee.name}@example.com"
    code, _ = await folkmoot(shared_server, "account", "email", jo.name, "jo2@example.com")
    taken, why = await folkmoot(shared_server, "account", "email", jo.name, theirs)
    assert (code, taken) == (0, 1)
    assert "taken" in why
    assert logged_in(shared_server, "jo2@example.com", PASSWORD).id == jo.id


async def test_what_an_operator_did_to_accounts_is_in_the_audit_trail(
    shared_server: Server,
) -> None:
    kim = registered(shared_server, "kim")
    for command in ("deactivate", "activate"):
        await folkmoot(shared_server, "account", command, kim.name)
    await folkmoot(shared_server, "account", "logins", kim.name, "--end")
    await folkmoot(shared_server, "account", "delete", kim.name, "--yes")
    lines = (shared_server.data / "logs" / "audit.log").read_text().splitlines()
    noted = [json.loads(line) for line in lines]
    mine = [
        one["event"]
        for one in noted
        if (one.get("account"), one.get("by")) == (kim.name, "operator")
    ]
    assert mine == ["account deactivated", "account activated", "logins ended", "account deleted"]


async def test_a_session_whose_agent_is_switched_off_waits_for_another(
    shared_server: Server,
) -> None:
    """The customer and other staff are told through their contracts; all list it as unassigned."""
    for name in ("lea", "max"):
        await folkmoot(
            shared_server, "account", "create", name, "--email", f"{name}@example.com",
            "--role", "agent",
        )  # fmt: skip
    people = [logged_in(shared_server, name, NEW_PASSWORD) for name in ("lea", "max")]
    async with clients_of(shared_server, registered(shared_server, "nan"), *people) as clients:
        customer, lea, max_ = clients
        session = await new_session(customer, assigned_agent_id=lea.uid)
        there = [await enter(customer, session), await enter(max_, session)]
        numbered = await customer.enter(session["conversation_id"])
        chatting = await chat(customer)
        await chatting.joins(session["id"])
        served = await enter(lea, session)

        await folkmoot(shared_server, "account", "deactivate", "lea")

        for socket in there:
            told = await socket.until("session_assigned")
            assert told["metadata"]["assigned_agent_id"] is None
        assert (await numbered.until("agent_assigned"))["agent_id"] is None
        assert (await chatting.until("session_assigned"))["assigned_agent_id"] is None
        await served.end()
        waiting = await max_.get(f"{CHAT}/sessions", scope="unassigned")
        assert session["id"] in {one["id"] for one in waiting}
