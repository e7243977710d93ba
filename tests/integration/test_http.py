"""What monitors, proxies and networks send beside plain requests: one clean answer each."""

import asyncio
import socket
import struct
from collections.abc import Sequence

import httpx2
import pytest

from tests.clients import Client
from tests.deadlines import WITHIN_S
from tests.files.pictures import picture
from tests.running import Server

HOST = b"Host: chat.example\r\n"
LAST = b"Connection: close\r\n\r\n"
VARYING = {"date", "x-request-id"}
PAGES = ["/", "/docs", "/docs/reader.js", "/docs/reader.css", "/openapi.json", "/asyncapi",
         "/asyncapi.json", "/static/chat.html", "/static/chat.js", "/static/none", "/nowhere",
         "/healthz", "/livez", "/readyz"]  # fmt: skip


async def said(server: Server, sent: bytes) -> bytes:
    """All that the server says before it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), WITHIN_S)
    finally:
        writer.close()


async def asked(server: Server, target: str, *, method: str = "GET", version: str = "1.1") -> bytes:
    line = f"{method} {target} HTTP/{version}\r\n".encode()
    return await said(server, line + HOST + LAST)


def statuses(answers: bytes) -> list[int]:
    return [int(part.split(b" ", 1)[0]) for part in answers.split(b"HTTP/1.1 ")[1:]]


def header(answer: bytes, name: str) -> str | None:
    lines = answer.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
    found = [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name}:")]
    return found[0] if found else None


async def gets_of(ana: Client) -> list[str]:
    """Every path without parameters that the document says GET of."""
    paths = (await ana.get("/openapi.json"))["paths"]
    return [path for path, item in paths.items() if "get" in item and "{" not in path]


def told(answer: httpx2.Response) -> tuple[int, dict[str, str]]:
    headers = answer.headers.items()
    return answer.status_code, {key: value for key, value in headers if key not in VARYING}


async def test_head_says_what_get_says_without_the_body(ana: Client):
    for path in [*PAGES, *await gets_of(ana)]:
        query = {"q": "x"} if path.endswith("/search") else {}
        got, head = [await ana.ask(one, path, params=query) for one in ("GET", "HEAD")]
        if "uptime" in got.text or "timestamp" in got.text:
            got.headers.pop("content-length")
            head.headers.pop("content-length")
        assert told(head) == told(got), path
        assert head.content == b"", path
        assert got.status_code != 405, path


async def test_head_of_a_file_says_its_size_and_parts(ana: Client):
    form = {"file": ("a.png", picture())}
    file = (await ana.ask("POST", "/api/v1/chat/files", files=form)).raise_for_status().json()
    for path in (file["file_url"], file["thumbnail_url"]):
        for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=999999999-"}):
            got, head = [await ana.ask(one, path, headers=headers) for one in ("GET", "HEAD")]
            assert told(head) == told(got), (path, headers)
            assert head.content == b""


async def test_head_needs_the_rights_of_get(ana: Client):
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer x"}):
        got, head = [await ana.ask(one, "/auth/me", headers=headers) for one in ("GET", "HEAD")]
        assert head.status_code == 401
        assert told(head) == told(got)
    assert (await ana.ask("HEAD", "/conversations/999999")).status_code == 404


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/auth/me", "GET, HEAD, PATCH"),
        ("/auth/me/", "GET, HEAD, PATCH"),
        ("/auth/register", "POST"),
        ("/conversations", "GET, HEAD, POST"),
        ("/conversations/invitations", "GET, HEAD"),
        ("/api/v1/chat/friends/online", "GET, HEAD"),
        ("/api/v1/chat/sessions/cleanup", "POST"),
        ("/conversations/1/messages/2", "DELETE, PATCH"),
        ("/api/v1/chat/sessions/x", "DELETE, GET, HEAD, PUT"),
        ("/healthz", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/static/chat.html", "GET, HEAD"),
        ("*", "DELETE, GET, HEAD, PATCH, POST, PUT"),
    ],
)
async def test_every_method_of_a_path_is_named(shared_server: Server, path: str, methods: str):
    options = await asked(shared_server, path, method="OPTIONS")
    assert (statuses(options), header(options, "allow")) == ([204], methods)
    assert options.endswith(b"\r\n\r\n")
    if path != "*":
        refused = await asked(shared_server, path, method="PROPFIND")
        assert (statuses(refused), header(refused, "allow")) == ([405], methods)


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
async def test_a_path_that_is_spelt_out_is_no_name_of_anything(ana: Client, method: str):
    for path in ("/api/v1/chat/friends/online", "/api/v1/chat/sessions/cleanup"):
        assert (await ana.ask(method, path)).json()["code"] == "method_not_allowed"


async def test_options_of_what_is_not_there_is_404(shared_server: Server):
    assert statuses(await asked(shared_server, "/nowhere", method="OPTIONS")) == [404]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://chat.example/healthz", 200),
        ("http://chat.example:8080/healthz?a=1", 200),
        ("HTTPS://chat.example/healthz", 200),
        ("http://chat.example", 307),
        ("http://chat.example?a=1", 307),
        ("http://chat.example/nowhere", 404),
    ],
)
async def test_a_target_may_name_the_whole_address(shared_server: Server, target: str, status: int):
    for method in ("GET", "HEAD"):
        assert statuses(await asked(shared_server, target, method=method)) == [status]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"HEAD /healthz HTTP/1.0\r\nUser-Agent: monitor\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost:\r\n" + LAST,
        b"GET /healthz HTTP/1.1\r\n" + LAST,
        b"\r\n\r\nGET /healthz HTTP/1.1\r\n" + HOST + LAST,
    ],
)
async def test_a_monitor_of_few_words_is_answered(shared_server: Server, head: bytes):
    answer = await said(shared_server, head)
    assert statuses(answer) == [200]


async def test_whoever_asks_before_a_body_is_told_to_go_on(shared_server: Server):
    head = b"POST /auth/token HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: 2\r\n" + LAST
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_server.port)
    writer.write(head)
    told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WITHIN_S)
    writer.write(b"{}")
    answer = await asyncio.wait_for(reader.read(), WITHIN_S)
    writer.close()
    assert (statuses(told), statuses(answer)) == ([100], [422])


async def test_requests_in_a_row_are_answered_in_their_order(shared_server: Server):
    row = [
        ("HEAD", "/docs"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/healthz"),
        ("HEAD", "/openapi.json"),
    ]
    sent = b"".join(
        f"{method} {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n" for method, path in row
    )
    answers = await said(shared_server, sent + b"GET /healthz HTTP/1.1\r\n" + HOST + LAST)
    assert statuses(answers) == [200, 404, 204, 200, 200]
    assert answers.endswith(b'{"status":"ok"}')


NO_HTTP = {
    "the hello of TLS": bytes.fromhex("16030100a5010000a10303") + bytes(150),
    "the PROXY line": b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nGET /healthz HTTP/1.1\r\n\r\n",
    "the PROXY bytes": bytes.fromhex("0d0a0d0a000d0a515549540a2111000c") + bytes(12),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(20),
    "CONNECT": b"CONNECT chat.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method that is none": b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "zeros": bytes(64),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a target beyond ASCII": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_no_http_is_refused_once_and_hung_up_on(shared_server: Server, sent: bytes):
    answer = await said(shared_server, sent)
    assert statuses(answer) == [400]
    assert "Traceback" not in shared_server.output


BROKEN_OFF = {
    "nothing": b"",
    "half a line": b"GET /heal",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: ",
    "half a body": b"POST /auth/register HTTP/1.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{",
    "many requests": b"".join([b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"] * 40),
    "many heads": b"".join([b"HEAD /docs/reader.js HTTP/1.1\r\n" + HOST + b"\r\n"] * 40),
    "pages and half a head": b"GET /docs/reader.js HTTP/1.1\r\n\r\n" * 9 + b"GET /",
}


@pytest.mark.parametrize("sent", BROKEN_OFF.values(), ids=BROKEN_OFF.keys())
@pytest.mark.parametrize("is_reset", [False, True])
async def test_whoever_breaks_off_leaves_nothing_behind(
    shared_server: Server, sent: bytes, is_reset: bool
):
    await asyncio.to_thread(break_off, shared_server, [sent] * 5, is_reset)

    assert statuses(await asked(shared_server, "/healthz")) == [200]
    assert "Traceback" not in shared_server.output
    assert "Exception" not in shared_server.output


def break_off(server: Server, each: Sequence[bytes], is_reset: bool) -> None:
    for sent in each:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(sent)
