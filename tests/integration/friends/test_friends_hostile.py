"""Whatever a client does wrongly over REST or the socket of `friends`: it is told, and lives."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.clients import Client, Socket, registered
from tests.integration.friends.friendship import SOCKET, enter, friends, history, send
from tests.programs import run
from tests.running import Server


async def refusal(url: str, **options: Any) -> tuple[int, str]:
    """The status and the code with which a handshake is answered."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **options):
            pass
    response = refused.value.response
    body = json.loads(response.body or b"{}")
    assert body.keys() == {"detail", "code"}
    return response.status_code, body["code"]


async def test_a_missing_or_bad_token_is_refused_at_the_handshake(shared_server: Server) -> None:
    url = shared_server.url.replace("http", "ws", 1) + SOCKET

    assert await refusal(url) == (401, "token_missing")
    assert await refusal(f"{url}/") == (401, "token_missing")
    assert await refusal(f"{url}?token=garbage") == (401, "token_invalid")
    assert await refusal(f"{url}?ticket=garbage") == (401, "token_invalid")
    bearer = {"Authorization": "Bearer e30.e30.e30"}
    assert await refusal(url, additional_headers=bearer) == (401, "token_invalid")


async def test_a_login_that_was_ended_is_refused_at_the_handshake(
    shared_server: Server, ana: Client
) -> None:
    url = f"{shared_server.url.replace('http', 'ws', 1)}{SOCKET}?token={ana.token}"
    await ana.ask("POST", "/auth/logout")

    assert await refusal(url) == (401, "login_revoked")


async def test_every_way_to_show_a_right_opens_the_socket(
    shared_server: Server, ana: Client
) -> None:
    url = shared_server.url.replace("http", "ws", 1) + SOCKET
    ticket = (await ana.post("/auth/ws-ticket"))["ticket"]
    bearer = {"Authorization": f"Bearer {ana.token}"}

    for address, options in (
        (f"{url}?ticket={ticket}", {}),
        (url, {"additional_headers": bearer}),
        (url, {"subprotocols": ["bearer", ana.token]}),
        (f"{url}/?token={ana.token}", {}),
    ):
        async with connect(address, **options) as opened:
            assert (await Socket(opened).hears("connection_established"))["user_id"] == ana.uid


FRAMES: list[tuple[str | bytes, str]] = [
    ("not json", "frame_malformed"),
    ("", "frame_malformed"),
    ("[1, 2]", "frame_malformed"),
    ("null", "frame_malformed"),
    ("{}", "frame_malformed"),
    ('{"type": 7}', "frame_malformed"),
    ('{"type": null}', "frame_malformed"),
    (b'{"type": "ping"}', "frame_malformed"),
    (b"\xff\xfe", "frame_malformed"),
    ('{"type": "dance"}', "frame_type_unknown"),
    ('{"type": "send_message"}', "frame_malformed"),
    ('{"type": "send_message", "receiver_id": 1, "content": "x"}', "frame_malformed"),
    ('{"type": "send_message", "receiver_id": "nobody", "content": "x"}', "account_not_found"),
    ('{"type": "send_message", "receiver_id": "", "content": "x"}', "account_not_found"),
    ('{"type": "send_message", "receiver_id": "x", "content": NaN}', "frame_malformed"),
    ('{"type": "send_message", "receiver_id": "x", "content": "\\ud83d"}', "frame_malformed"),
    ('{"type": "mark_read", "message_id": "none"}', "message_not_found"),
    ('{"type": "mark_read", "message_id": 7}', "frame_malformed"),
    ('{"type": "typing", "receiver_id": "nobody"}', "account_not_found"),
    ('{"type": "typing", "receiver_id": "x", "is_typing": "yes"}', "frame_malformed"),
    ('{"type": "delete_message", "message_id": ""}', "message_not_found"),
    ('{"type": "react", "message_id": "x", "emoji": "👍"}', "message_not_found"),
    ("[" * 5000, "frame_malformed"),
]


async def test_a_wrong_frame_is_answered_and_the_socket_lives(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")

    for frame, code in FRAMES:
        await at_ana.says(frame)
        error = await at_ana.hears("error")
        assert (error["code"], bool(error["message"])) == (code, True), frame

    assert await at_bo.frames() == []
    await at_ana.says({"type": "ping"})
    await at_ana.hears("pong")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("   ", "text_empty"),
        ("x" * 10_001, "text_too_long"),
        ("with \0 in it", "text_has_nul"),
    ],
)
async def test_content_that_cannot_be_kept_is_refused_with_its_client_id(
    ana: Client, bo: Client, content: str, code: str
) -> None:
    at_ana = await enter(ana)
    frame = {"type": "send_message", "receiver_id": bo.uid, "content": content}

    await at_ana.says({**frame, "client_id": "c"})

    error = await at_ana.hears("error")
    assert (error["code"], error["client_id"], error["field"]) == (code, "c", "content")
    assert await history(ana, bo) == []
    assert await ana.get("/conversations") == []


async def test_to_oneself_and_to_strangers_nothing_is_sent(
    ana: Client, shared_server: Server
) -> None:
    async with friends(shared_server, "cy") as (cy,):
        at_ana = await enter(ana)
        for receiver, code in ((ana, "self_request"), (cy, "not_friends")):
            for kind in ("send_message", "typing"):
                frame = {"type": kind, "receiver_id": receiver.uid, "content": "x"}
                await at_ana.says(frame)
                assert (await at_ana.hears("error"))["code"] == code


async def test_a_frame_beyond_64_kib_closes_the_socket(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    frame = {"type": "send_message", "receiver_id": bo.uid, "content": "x" * 70_000}

    await at_ana.says(frame)

    assert (await at_ana.end())[0] == 1009
    assert (await at_bo.until("friend_offline"))["user_id"] == ana.uid


async def test_messages_of_others_cannot_be_touched(ana: Client, bo: Client) -> None:
    sent = await send(ana, bo, "private")
    async with friends(bo.server, "cy", "di") as (cy, _):
        at_cy = await enter(cy)
        for frame in ("mark_read", "edit_message", "delete_message", "react"):
            await at_cy.says(
                {"type": frame, "message_id": sent["message_id"], "content": "x", "emoji": "👍"}
            )
            assert (await at_cy.until("error"))["code"] == "message_not_found"
    assert [message["content"] for message in await history(bo, ana)] == ["private"]


async def test_what_is_sent_without_waiting_is_stored_in_order(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    wanted = [str(number) for number in range(300)]

    for content in wanted:
        await at_ana.says({"type": "send_message", "receiver_id": bo.uid, "content": content})

    heard = [(await at_bo.hears("new_message"))["message"] for _ in wanted]
    assert [message["content"] for message in heard] == wanted
    assert [message["seq"] for message in heard] == list(range(1, 301))


async def test_two_who_write_first_at_once_have_one_conversation(ana: Client, bo: Client) -> None:
    async with asyncio.TaskGroup() as group:
        for sender, receiver in ((ana, bo), (bo, ana)) * 3:
            group.create_task(send(sender, receiver, "hi"))

    assert [message["seq"] for message in await history(ana, bo)] == [1, 2, 3, 4, 5, 6]
    assert len(await ana.get("/conversations")) == 1


async def test_an_account_that_was_deactivated_is_refused_with_403(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        login = registered(server, "ana")
        server.stop()
        run("account", "deactivate", login.name, "--data", str(server.data)).check_returncode()
        server.start()
        url = f"{server.url.replace('http', 'ws', 1)}{SOCKET}?token={login.token}"

        assert await refusal(url) == (403, "account_inactive")
