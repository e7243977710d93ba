"""The `conversations` socket of a real server, line by line of the contract."""

import json
import uuid

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.clients import PASSWORD, Client, clients_of, logged_in, new_lobby

NOT_NUMBERS = ["abc", "-1", "1.0", "0", "1" * 30, "9" * 5000, "%00", "1%20", "\u0663"]

# -- getting in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_first_frame_says_who_and_where_one_is(ana, lobby, slash):
    socket = await ana.connect(f"/conversations/{lobby}/ws{slash}")
    assert await socket.hears() == {
        "type": "connection",
        "status": "connected",
        "conversation_id": lobby,
        "user_id": ana.id,
        "last_seq": 0,
    }


async def test_a_token_may_come_in_the_query_a_header_or_the_subprotocol(ana, lobby):
    path, token = f"/conversations/{lobby}/ws", ana.token
    bearer = {"Authorization": f"Bearer {token}"}
    ways = [
        await ana.connect(path),
        await ana.connect(path, token="", additional_headers=bearer),
        await ana.connect(path, token="", subprotocols=["bearer", token]),
    ]
    for socket in ways:
        assert (await socket.hears("connection"))["user_id"] == ana.id
    assert ways[2].connection.subprotocol == "bearer"


async def cookie_of(client: Client) -> dict[str, str]:
    form = {"username": client.name, "password": PASSWORD, "set_cookie": "true"}
    answer = await client.ask("POST", "/auth/token", data=form)
    name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
    return {"Cookie": f"{name}={value}"}


async def test_a_cookie_opens_a_socket_for_a_page_of_the_same_origin(ana, lobby, shared_server):
    socket = await ana.connect(
        f"/conversations/{lobby}/ws",
        token="",
        origin=shared_server.url,
        additional_headers=await cookie_of(ana),
    )
    assert (await socket.hears("connection"))["user_id"] == ana.id


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_a_cookie_opens_nothing_for_a_foreign_page(ana, lobby, origin):
    socket = await ana.connect(
        f"/conversations/{lobby}/ws",
        token="",
        origin=origin,
        additional_headers=await cookie_of(ana),
    )
    assert (await socket.end())[0] == 4000


async def test_a_ticket_opens_one_socket_and_no_second(ana, lobby):
    ticket = (await ana.post("/auth/ws-ticket"))["ticket"]
    path = f"/conversations/{lobby}/ws?ticket={ticket}"
    first = await ana.connect(path, token="")
    assert (await first.hears("connection"))["user_id"] == ana.id
    assert (await (await ana.connect(path, token="")).end())[0] == 4001


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "%00", "x" * 5000])
async def test_without_a_good_token_the_socket_is_accepted_and_closed_with_4001(ana, lobby, token):
    socket = await ana.connect(f"/conversations/{lobby}/ws?token={token}", token="")
    code, reason = await socket.end()
    assert code == 4001
    assert reason


async def test_a_stranger_is_closed_with_4003(cy, lobby):
    assert (await (await cy.connect(f"/conversations/{lobby}/ws")).end())[0] == 4003


@pytest.mark.parametrize("number", NOT_NUMBERS)
async def test_where_there_is_no_conversation_the_close_code_is_4004(ana, number):
    assert (await (await ana.connect(f"/conversations/{number}/ws")).end())[0] == 4004


@pytest.mark.parametrize("cursor", ["abc", "-1", "9" * 5000, "", "%FF", "1&after_seq=x", "nan"])
async def test_a_cursor_that_is_none_neither_breaks_nor_repeats_anything(ana, lobby, cursor):
    await ana.post(f"/conversations/{lobby}/messages", {"content": "before"})
    socket = await ana.enter(lobby, f"?after_seq={cursor}")
    assert [frame for frame in await socket.frames() if frame["type"] == "message"] == []


async def test_logging_out_closes_the_sockets_of_that_login_and_no_others(
    shared_server, people, ana, lobby
):
    async with clients_of(shared_server, logged_in(shared_server, ana.name, PASSWORD)) as (phone,):
        going, staying = await phone.enter(lobby), await ana.enter(lobby)
        assert (await phone.ask("POST", "/auth/logout")).status_code == 204
        code, reason = await going.end()
        assert (code, bool(reason)) == (4000, True)
        assert await staying.frames() is not None
        again = await phone.connect(f"/conversations/{lobby}/ws")
        assert (await again.end())[0] == 4001


# -- talking ---------------------------------------------------------------------------------------


async def test_two_devices_of_one_account_both_hear_what_either_says(ana, lobby):
    phone, laptop = await ana.enter(lobby), await ana.enter(lobby)
    await phone.says({"content": "from the phone", "client_id": f"{lobby}"})
    frames = [await device.hears("message") for device in (phone, laptop)]
    assert frames[0] == frames[1]
    assert frames[0]["client_id"] == f"{lobby}"
    assert frames[0]["created_at"].endswith("Z")


async def test_presence_is_told_for_an_accounts_first_and_last_socket_only(ana, bo, lobby):
    watching = await ana.enter(lobby)
    phone, laptop = await bo.enter(lobby), await bo.enter(lobby)
    await phone.connection.close()
    await laptop.connection.close()
    news = {"user_id": bo.id, "username": bo.name}
    assert await watching.hears() == {"type": "user_joined", **news}
    assert await watching.hears() == {"type": "user_left", **news}


async def test_typing_is_shown_to_others_and_ends_with_the_message(ana, bo, lobby):
    listening, writing = await ana.enter(lobby), await bo.enter(lobby)
    await listening.hears("user_joined")
    for is_typing in (True, True, False, True):
        await writing.says({"type": "typing", "is_typing": is_typing})
    await writing.says({"content": "done"})
    shown = [await listening.hears() for _ in range(5)]
    assert [frame.get("is_typing") for frame in shown] == [True, False, True, False, None]
    assert shown[0] == {"type": "typing", "user_id": bo.id, "username": bo.name, "is_typing": True}
    assert [frame["type"] for frame in await writing.frames()] == ["message"]


async def test_reading_is_told_to_everybody_and_never_goes_back(ana, bo, lobby):
    for content in ("one", "two", "three"):
        await ana.post(f"/conversations/{lobby}/messages", {"content": content})
    socket = await bo.enter(lobby)
    await socket.says({"type": "read", "up_to_seq": 2})
    assert await socket.hears() == {"type": "read", "user_id": bo.id, "up_to_seq": 2}
    await bo.post(f"/conversations/{lobby}/read", {"up_to_seq": 1})
    assert (await bo.get(f"/conversations/{lobby}"))["unread_count"] == 1
    assert await socket.frames() == []


async def test_a_retry_with_the_same_client_id_is_echoed_to_the_retrier_alone(ana, bo, lobby):
    socket, other = await ana.enter(lobby), await bo.enter(lobby)
    say = {"content": "once", "client_id": uuid.uuid4().hex}
    await socket.says(say)
    first = await socket.until("message")
    await other.until("message")
    await socket.says(say)
    assert await socket.hears("message") == first
    assert await other.frames() == []
    await socket.says(say | {"content": "twice"})
    refused = await socket.hears("error")
    assert (refused["code"], refused["client_id"]) == ("client_id_reused", say["client_id"])


async def test_who_is_behind_is_told_what_was_missed_and_posts_nothing(ana, bo, lobby):
    path = f"/conversations/{lobby}/messages"
    socket = await ana.enter(lobby)
    for content in ("one", "two"):
        await bo.post(path, {"content": content})
    heard = [await socket.hears("message") for _ in range(2)]
    await socket.says({"content": "late", "if_last_seq": 0})
    refused = await socket.hears("error")
    assert (refused["code"], refused["last_seq"]) == ("not_up_to_date", 2)
    assert refused["missed"] == heard
    answer = await ana.ask("POST", path, json={"content": "late", "if_last_seq": 1})
    assert answer.status_code == 409
    assert answer.json()["missed"] == heard[1:]
    assert await ana.get(path) == heard
    await ana.post(path, {"content": "in time", "if_last_seq": 2})


async def test_a_member_who_is_removed_is_closed_with_4003_and_hears_nothing_after(ana, bo, cy):
    lobby = await new_lobby(ana, bo, cy)
    socket = await bo.enter(lobby)
    path = f"/conversations/{lobby}/participants/{bo.id}"
    assert (await ana.ask("DELETE", path)).status_code == 204
    await ana.post(f"/conversations/{lobby}/messages", {"content": "he is gone"})
    told = [frame["type"] for frame in await socket.rest()]
    assert "message" not in told
    assert "participant_removed" not in told
    assert (await socket.end())[0] == 4003
    assert (await (await bo.connect(f"/conversations/{lobby}/ws")).end())[0] == 4003


# -- bad frames ------------------------------------------------------------------------------------

BAD_FRAMES = {
    "a binary frame": b'{"content": "binary"}',
    "bytes that are no text": b"\xff\xfe\x00",
    "half a surrogate pair": '{"content": "\\ud83d"}',
    "NUL": '{"content": "a\\u0000b"}',
    "NaN": '{"content": "x", "reply_to_id": NaN}',
    "Infinity": '{"type": "read", "up_to_seq": Infinity}',
    "a number of ten thousand digits": '{"type": "read", "up_to_seq": ' + "9" * 10_000 + "}",
    "sixty thousand brackets": "[" * 60_000,
    "deep JSON": '{"content": "x", "y": ' + "[" * 30_000 + "]" * 30_000 + "}",
    "an empty frame": "",
    "a scalar": "7",
    "an unknown type": '{"type": "dance"}',
    "a hostile type": '{"type": "__proto__"}',
    "an empty content": '{"content": ""}',
    "white space": '{"content": " \\u2003\\n"}',
    "too much content": json.dumps({"content": "x" * 10_001}),
    "a number as content": '{"content": 1}',
    "a long client_id": json.dumps({"content": "x", "client_id": "y" * 65}),
    "an empty client_id": '{"content": "x", "client_id": ""}',
    "an edit of nothing": '{"type": "edit", "message_id": 1, "content": "x"}',
    "a reaction that is no emoji": '{"type": "react", "message_id": 1, "emoji": "abc"}',
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_a_bad_frame_is_answered_with_an_error_and_the_socket_stays_open(ana, lobby, frame):
    socket = await ana.enter(lobby)
    await socket.says(frame)
    error = await socket.hears("error")
    assert error["message"]
    assert error["code"]
    await socket.says({"content": "still here"})
    assert (await socket.hears("message"))["seq"] == 1


HARMLESS = [
    "\u202eright to left",
    "\U0001f469\u200d\U0001f680",
    "e" + "\u0301" * 9_000,
    "a\ufeff",
    "\uffff",
    "a\r\nb\x1b[31m",
]


@pytest.mark.parametrize("content", HARMLESS, ids=lambda text: text[:4].encode("unicode_escape"))
async def test_any_valid_text_comes_back_as_it_was_sent(ana, lobby, content):
    socket = await ana.enter(lobby)
    await socket.says({"content": content})
    assert (await socket.hears("message"))["content"] == content.strip()
    (stored,) = await ana.get(f"/conversations/{lobby}/messages")
    assert stored["content"] == content.strip()


async def test_a_frame_beyond_64_kib_is_closed_with_1009_whole_or_in_pieces(ana, lobby):
    whole, pieces = await ana.enter(lobby), await ana.enter(lobby)
    await whole.says("x" * (64 * 1024 + 1))
    assert (await whole.end())[0] == 1009
    await pieces.connection.send("x" * 1024 for _ in range(65))
    assert (await pieces.end())[0] == 1009
    assert await ana.get(f"/conversations/{lobby}/messages") == []


async def test_a_frame_of_64_kib_is_read(ana, lobby):
    socket = await ana.enter(lobby)
    frame = '{"content": "x", "padding": "' + "y" * (64 * 1024 - 31) + '"}'
    assert len(frame) == 64 * 1024
    await socket.says(frame)
    assert (await socket.hears("message"))["content"] == "x"


async def test_a_text_frame_that_is_not_utf8_is_closed_with_1007(ana, lobby):
    socket = await ana.enter(lobby)
    await socket.connection.send(b"\xff\xfe", text=True)
    assert (await socket.end())[0] == 1007


async def test_a_path_without_a_socket_is_refused_in_the_handshake(ana, shared_server):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{shared_server.url.replace('http', 'ws')}/nowhere"):
            pass
    assert refused.value.response.status_code in (403, 404)


async def test_a_socket_path_answers_a_plain_request_like_a_path_that_is_not_there(ana, lobby):
    answer = await ana.ask("GET", f"/conversations/{lobby}/ws")
    assert answer.status_code == 404
    assert isinstance(answer, httpx2.Response)
