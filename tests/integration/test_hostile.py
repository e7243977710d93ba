"""What clients do who mean ill, or are broken, or slow, to a server with little patience."""

import asyncio
import json
import socket
from collections.abc import Iterator

import httpx2
import psutil
import pytest

from tests.clients import LoggedIn, clients_of, new_lobby, registered
from tests.deadlines import WITHIN_S
from tests.running import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("server"),
        FOLKMOOT_HEADERS_SECONDS="1",
        FOLKMOOT_BODY_PAUSE_SECONDS="1",
        FOLKMOOT_MAX_OUTBOX_BYTES="65536",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def people(server: Server) -> list[LoggedIn]:
    return [registered(server, name) for name in ("ana", "bo")]


async def dialled(server: Server, first: bytes = b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(first)
    return reader, writer


async def until_hung_up(reader: asyncio.StreamReader) -> bytes:
    """What comes before the server hangs up."""
    try:
        return await asyncio.wait_for(reader.read(), WITHIN_S)
    except ConnectionResetError:
        return b""


async def dialled_and_left(server: Server) -> None:
    """A request that is served to its end, connection included."""
    reader, writer = await dialled(server, b"GET /healthz HTTP/1.0\r\n\r\n")
    await until_hung_up(reader)
    writer.close()


def handshake(path: str, *headers: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def sockets_of(server: Server) -> int:
    connections = psutil.Process(server.pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED for one in connections)


# -- patience --------------------------------------------------------------------------------------

UNFINISHED = {
    "nothing": b"",
    "a byte": b"G",
    "half the headers": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n",
    "half a handshake": handshake("/conversations/1/ws")[:-2],
    "half a body": b"POST /auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n10\r\n{",
}


@pytest.mark.parametrize("first", UNFINISHED.values(), ids=UNFINISHED)
async def test_who_does_not_finish_a_request_is_hung_up_on(server, first):
    reader, writer = await dialled(server, first)
    await until_hung_up(reader)
    writer.close()


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100000\r\n\r\n{",
    ],
    ids=["headers", "a body"],
)
async def test_what_comes_byte_by_byte_gains_no_time(server, first):
    reader, writer = await dialled(server, first)
    hung_up = asyncio.create_task(until_hung_up(reader))
    async with asyncio.timeout(WITHIN_S):
        while not hung_up.done():
            writer.write(b"x")
            await asyncio.wait([hung_up], timeout=0.1)
    writer.close()


async def test_half_written_handshakes_leave_nothing_behind(server):
    lines = [await dialled(server, UNFINISHED["half a handshake"]) for _ in range(50)]
    await asyncio.gather(*(until_hung_up(reader) for reader, _ in lines))
    for _, writer in lines:
        writer.close()
    async with asyncio.timeout(WITHIN_S):
        while sockets_of(server):
            # Asking takes its time, and the server goes on meanwhile.
            await dialled_and_left(server)


MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a path that is no text": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a head that never ends": b"GET / HTTP/1.1\r\nX-A:",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad version": handshake("/conversations/1/ws").replace(b"Version: 13", b"Version: 12"),
    "a bad key": handshake("/conversations/1/ws").replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"x"),
    "headers without end": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 200_000,
    "a header of a megabyte": b"GET / HTTP/1.1\r\nX-A: " + b"b" * 1_000_000,
    "a path of a megabyte": b"GET /" + b"b" * 1_000_000,
    "a handshake with a long query": handshake("/conversations/1/ws?token=" + "x" * 60_000),
    "a handshake with a long header": handshake("/conversations/1/ws", "X-A: " + "b" * 9_000),
    "a handshake with many headers": handshake("/conversations/1/ws", *["X-A: b"] * 200),
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
async def test_a_request_that_is_none_is_refused_or_hung_up_on(server, request_bytes):
    reader, writer = await dialled(server, request_bytes)
    answer = await until_hung_up(reader)
    writer.close()
    assert not answer or answer.split(b" ")[1][:1] == b"4", answer[:200]


# -- sockets ---------------------------------------------------------------------------------------


async def rudely_entered(server: Server, lobby: int, token: str):
    """A raw socket in a conversation, whose client reads nothing and has a tiny buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", server.port))
    await loop.sock_sendall(sock, handshake(f"/conversations/{lobby}/ws?token={token}"))
    answer = await asyncio.wait_for(loop.sock_recv(sock, 12), WITHIN_S)
    assert answer == b"HTTP/1.1 101"
    return sock


async def test_a_reader_that_has_stopped_harms_nobody_and_is_hung_up_on(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        reading = await ana.enter(lobby)
        stopped = await rudely_entered(server, lobby, bo.token)
        await reading.hears("user_joined")
        async with asyncio.timeout(WITHIN_S):
            gone = False
            heard = 0
            while not gone:
                await reading.says({"content": "x" * 9_000})
                frame = await reading.hears()
                gone = frame["type"] == "user_left"
                heard += frame["type"] == "message"
        assert heard
        stopped.close()
        again = await bo.enter(lobby, "?after_seq=0")
        seqs = [frame["seq"] for frame in await again.frames() if frame["type"] == "message"]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_a_client_that_vanishes_without_a_word_is_noticed(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        watching = await ana.enter(lobby)
        await bo.enter(lobby)
        vanishing = await rudely_entered(server, lobby, bo.token)
        await watching.hears("user_joined")
        vanishing.close()
        await bo.leave()
        assert await watching.hears("user_left")


async def test_a_flood_of_frames_is_served_in_order_and_stops_nobody(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        flooding, calm = await ana.enter(lobby), await bo.enter(lobby)
        for number in range(500):
            await flooding.says({"content": f"{number}"})
        contents = [(await calm.until("message"))["content"] for _ in range(500)]
        assert contents == [f"{number}" for number in range(500)]


async def test_a_flood_of_rubbish_is_answered_and_stops_nobody(server, people):
    async with clients_of(server, *people) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        rude, calm = await ana.enter(lobby), await bo.enter(lobby)
        for _ in range(300):
            await rude.says("[" * 1000)
        errors = [(await rude.until("error"))["code"] for _ in range(300)]
        assert set(errors) == {"frame_malformed"}
        await calm.says({"content": "still here"})
        await calm.until("message")


UNPARSEABLE = ["token=%FF%FE", "token=" + "x" * 7_000, "&" * 5000, "token=a&token=b", "%00=%00"]


@pytest.mark.parametrize("query", UNPARSEABLE, ids=lambda query: query[:12])
async def test_no_query_breaks_a_handshake(server, query):
    reader, writer = await dialled(server, handshake(f"/conversations/1/ws?{query}"))
    answer = await asyncio.wait_for(reader.read(12), WITHIN_S)
    writer.close()
    assert answer[:12] in {b"HTTP/1.1 101", b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 431"}


async def test_no_header_breaks_a_handshake(server):
    headers = ["Cookie: folkmoot_login=\xff\xfe", "Origin: \xff", "Authorization: Bearer \xff\x00"]
    for header in [*headers[:2], "Authorization: Bearer \xff", "Sec-WebSocket-Protocol: bearer, ,"]:
        reader, writer = await dialled(server, handshake("/conversations/1/ws", header))
        answer = await asyncio.wait_for(reader.read(12), WITHIN_S)
        writer.close()
        assert answer[9:12] in {b"101", b"400"}, header


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 65_536,
        b"GET /healthz HTTP/1.1\r\nHost: a" + b"\r\nX-Many: %s" % (b"a" * 1000) * 66,
        b"GET /healthz HTTP/1.1\r\nHost: a" + b"\r\nX: a" * 201,
        b"GET /healthz?" + b"a" * 66_000 + b" HTTP/1.1\r\nHost: a",
    ],
    ids=["one long", "many long", "many short", "a long address"],
)
async def test_a_head_that_is_too_large_is_refused_even_if_it_comes_whole(server, head):
    reader, writer = await dialled(server, head + b"\r\n\r\n")
    answer = await until_hung_up(reader)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 431 "), answer[:100]
    assert answer.count(b"HTTP/1.1") == 1
    assert b"headers_too_large" in answer


async def test_trailers_without_end_are_refused(server):
    request = b"POST /auth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    reader, writer = await dialled(server, request + b"X: a\r\n" * 100_000)
    answer = await until_hung_up(reader)
    writer.close()
    assert b" 200 " not in answer[:20]


async def test_a_socket_over_an_older_http_is_refused(server):
    older = handshake("/conversations/1/ws").replace(b"HTTP/1.1", b"HTTP/1.0")
    reader, writer = await dialled(server, older)
    answer = await until_hung_up(reader)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_after_all_that_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
    assert '"level": "error"' not in server.output
    assert json.dumps("internal_error") not in server.output


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/auth/register", "application/json", b'{"x":[' + b"[[]]," * 160_000 + b"[]]}"),
        ("/auth/register", "application/json", b"[" + b"[]," * 330_000 + b"[]]"),
        ("/api/v1/auth/login", "application/json", b'{"name":"' + b"a" * 20_000 + b'"}'),
        ("/auth/refresh", "application/json", b"{}" + b" " * 20_000),
        ("/auth/token", "application/x-www-form-urlencoded", b"&" * 1_000_000),
    ],
)
async def test_bodies_of_people_unknown_are_no_larger_than_what_they_may_need(
    server: Server, path: str, kind: str, body: bytes
):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.post(path, content=body, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


async def test_a_form_of_nothing_but_separators_is_refused(server: Server):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = await client.post("/auth/token", content=b"&" * 10_000, headers=form)

    assert (answer.status_code, answer.json()["code"]) == (422, "form_invalid")


async def test_requests_that_come_at_once_are_each_answered_in_turn(server: Server):
    paths = [b"/healthz" if n % 3 else b"/nowhere" for n in range(2000)]
    requests = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    reader, writer = await dialled(server, requests)
    statuses = []
    async with asyncio.timeout(WITHIN_S):
        for _ in paths:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            await reader.readexactly(int(fields[b"content-length"]))
            statuses.append(head.split()[1])
    writer.close()
    assert statuses == [b"200" if path == b"/healthz" else b"404" for path in paths]
