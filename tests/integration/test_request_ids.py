"""A request can be followed from its answer to the log."""

import json
from collections.abc import Iterator

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.running import Server

GIVEN = {"X-Request-ID": "edge-1", "X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ids"), FOLKMOOT_LOG_FORMAT="json") as server:
        yield server


@pytest.fixture
def server_behind_proxy(tmp_path) -> Iterator[Server]:
    with Server(
        tmp_path, FOLKMOOT_LOG_FORMAT="json", FOLKMOOT_PROXY_ADDRESSES="127.0.0.1"
    ) as server:
        yield server


def logged(server: Server, number: str) -> list[dict[str, object]]:
    lines = [line for line in server.output.splitlines() if line.startswith("{")]
    return [entry for line in lines if (entry := json.loads(line)).get("request_id") == number]


def test_an_answer_names_the_id_that_its_log_line_has(server):
    number = httpx2.get(f"{server.url}/auth/me").headers["X-Request-ID"]
    (line,) = logged(server, number)
    assert "/auth/me" in str(line["event"])


def test_each_request_has_an_id_of_its_own_whatever_a_stranger_says(server):
    numbers = {
        httpx2.get(f"{server.url}/healthz", headers=GIVEN).headers["X-Request-ID"] for _ in range(3)
    }
    assert len(numbers) == 3
    assert GIVEN["X-Request-ID"] not in numbers


def test_a_configured_proxy_names_the_request(server_behind_proxy):
    answer = httpx2.get(f"{server_behind_proxy.url}/healthz", headers=GIVEN)
    assert answer.headers["X-Request-ID"] == "edge-1"
    assert "203.0.113.9" in str(logged(server_behind_proxy, "edge-1")[0]["event"])


def test_an_id_that_is_not_sane_is_replaced_even_of_a_proxy(server_behind_proxy):
    answer = httpx2.get(
        f"{server_behind_proxy.url}/healthz", headers={"X-Request-ID": 'a" b' + "x" * 200}
    )
    assert len(answer.headers["X-Request-ID"]) == 36


async def test_a_socket_has_an_id_too(server):
    url = f"ws://127.0.0.1:{server.port}/ws/chat"
    async with connect(url) as socket:
        assert socket.response is not None
        number = socket.response.headers["X-Request-ID"]
        await socket.wait_closed()
    assert len(number) == 36
