"""The page on proxies is true: its lines, given to the real programs, carry all that clients do."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from socket import AF_INET

import aiohttp
import httpx2
import pytest
import socketio
from aiohttp.abc import AbstractResolver, ResolveResult
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from folkmoot.server.settings import MAX_FILE_BYTES
from folkmoot.wire.engine_limits import EngineLimits
from tests.clients import LoggedIn, logged_in
from tests.deadlines import WITHIN_S
from tests.proxies import NAME, Proxy, caddy, lines_of, nginx
from tests.running import Server

Around = Callable[[int, Path], AbstractContextManager[Proxy]]
AFAR = "127.0.0.7"
# The clients' libraries close TLS when their loop next turns, and a test's loop may have ended.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Whence the clients come, for whom the proxy is at 127.0.0.1."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, "--demo", FOLKMOOT_PROXY_ADDRESSES="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    around: Around = request.param
    with around(server.port, tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def ana(server: Server) -> LoggedIn:
    return logged_in(server, "testuser", "TestPassword123")


def tls(proxy: Proxy) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(proxy.certificate))


def browser(proxy: Proxy) -> httpx2.Client:
    """A client that comes from elsewhere, and trusts the certificate.

    It blocks: a loop's client leaves it to the loop to end TLS, which may be gone by then.
    """
    transport = httpx2.HTTPTransport(verify=tls(proxy), local_address=AFAR)
    headers = {"Host": proxy.url.partition("//")[2], "Origin": proxy.url}
    address = f"https://127.0.0.1:{proxy.port}"
    return httpx2.Client(transport=transport, base_url=address, headers=headers, timeout=WITHIN_S)


async def test_a_page_logs_in_with_a_cookie_and_opens_a_socket_with_it(proxy, server):
    login = {"username": "testuser", "password": "TestPassword123", "set_cookie": True}
    with browser(proxy) as http:
        answer = (
            await asyncio.to_thread(http.post, "/api/v1/auth/login", json=login)
        ).raise_for_status()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("__Host-folkmoot_login=")
    assert "Secure" in answer.headers["Set-Cookie"]
    address = f"wss://{proxy.url.partition('//')[2]}/conversations/1/ws"

    def opened(origin: str) -> connect:
        return connect(
            address,
            host="127.0.0.1",
            port=proxy.port,
            ssl=tls(proxy),
            origin=origin,
            additional_headers={"Cookie": cookie},
        )

    async with asyncio.timeout(WITHIN_S), opened(proxy.url) as socket:
        assert json.loads(await socket.recv())["type"] == "connection"
        await socket.send(json.dumps({"content": "Hello, proxy", "client_id": "p1"}))
        while (frame := json.loads(await socket.recv()))["type"] != "message":
            pass
        assert frame["content"] == "Hello, proxy"
    async with asyncio.timeout(WITHIN_S), opened("https://evil.example") as socket:
        with pytest.raises(ConnectionClosed, match="origin"):
            await socket.recv()


class Here(AbstractResolver):
    """Every name is that of this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_socketio_goes_through_by_either_transport(proxy, ana, transport):
    connector = aiohttp.TCPConnector(resolver=Here(), ssl=tls(proxy))
    async with aiohttp.ClientSession(connector=connector) as session:
        client = socketio.AsyncClient(http_session=session)
        await client.connect(
            proxy.url, auth={"token": ana.token}, transports=[transport], wait_timeout=WITHIN_S
        )
        answer = await client.call("send_message", {"message_text": transport}, timeout=WITHIN_S)
        await client.disconnect()
    assert answer["success"] is True


async def test_a_file_as_large_as_the_server_takes_goes_through(proxy, ana):
    bearer = {"Authorization": f"Bearer {ana.token}"}
    largest = {"file": ("largest.bin", bytes(MAX_FILE_BYTES), "application/octet-stream")}
    with browser(proxy) as http:
        taken = await asyncio.to_thread(
            http.post, "/api/v1/chat/files", files=largest, headers=bearer
        )
    assert taken.status_code == 201, taken.text


async def test_nginx_refuses_a_larger_one_before_it_is_sent(server, ana, tmp_path):
    head = [
        "POST /api/v1/chat/files HTTP/1.1",
        f"Host: {NAME}",
        f"Authorization: Bearer {ana.token}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {28 * 1024 * 1024}",
        "\r\n",
    ]
    # Caddy passes a head on with the beginning of its body only.
    with nginx(server.port, tmp_path) as proxy:
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", proxy.port, ssl=tls(proxy), server_hostname=NAME
            )
            writer.write("\r\n".join(head).encode())
            answer = await reader.readline()
            writer.transport.abort()
    assert answer.split()[1] == b"413"


async def test_the_server_knows_who_asks_and_believes_nobody_else(proxy, server):
    before = len(server.output)
    with browser(proxy) as http:
        forged = {"X-Forwarded-For": "192.0.2.9", "X-Request-ID": "chosen-by-a-client"}
        answer = await asyncio.to_thread(http.get, "/auth/me", headers=forged)
    assert answer.status_code == 401
    assert answer.headers["X-Request-ID"] != "chosen-by-a-client"
    said = server.output[before:]
    assert f'{AFAR}:0 - "GET /auth/me HTTP/1' in said
    assert "192.0.2.9" not in said
    assert "chosen-by-a-client" not in said


async def test_clients_come_back_after_the_server_was_away(proxy, server, ana):
    server.kill()
    with browser(proxy) as http:
        away = await asyncio.to_thread(http.get, "/healthz")
        server.start()
        back = await asyncio.to_thread(http.get, "/healthz")
    assert (away.status_code, back.status_code) == (502, 200)


def test_nginx_waits_longer_than_the_server_is_silent():
    limits = EngineLimits()
    for wait in ("proxy_read_timeout", "proxy_send_timeout"):
        (seconds,) = re.findall(rf"{wait} (\d+)s;", lines_of("nginx"))
        assert int(seconds) > limits.ping_interval + limits.ping_timeout


def test_what_nginx_lets_through_is_what_the_server_takes_and_little_more():
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", lines_of("nginx"))
    assert MAX_FILE_BYTES < int(megabytes) * 1024 * 1024 <= 1.05 * MAX_FILE_BYTES
