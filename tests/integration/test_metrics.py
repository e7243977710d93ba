"""What Prometheus reads, and who may read it."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.clients import clients_of, new_lobby, registered
from tests.running import Server

TOKEN = "a token of enough length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="module")
def server(tmp_path_factory, address) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("metrics")
    with Server(folder, FOLKMOOT_METRICS_ADDRESS=address, FOLKMOOT_METRICS_TOKEN=TOKEN) as server:
        yield server


def values(address: str) -> dict[str, float]:
    answer = httpx2.get(f"http://{address}/metrics", headers=BEARER)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_stored_messages_commits_connections_and_refusals_are_counted(server, address):
    before = values(address)
    keys = [registered(server, name) for name in ("ana", "bo")]
    async with clients_of(server, *keys) as (ana, bo):
        lobby = await new_lobby(ana, bo)
        await bo.enter(lobby)
        await ana.post(f"/conversations/{lobby}/messages", {"content": "hello"})
        await ana.ask("GET", "/conversations/999999")
        after = values(address)
    assert after["folkmoot_messages_stored_total"] == before["folkmoot_messages_stored_total"] + 1
    assert after['folkmoot_connections{contract="conversations"}'] == 1
    assert (
        after['folkmoot_commit_seconds_bucket{le="+Inf"}'] == after["folkmoot_batches_stored_total"]
    )
    assert after['folkmoot_part_up{part="database"}'] == 1
    assert any(name.startswith("folkmoot_http_refusals_total{") for name in after)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_nobody_reads_metrics_without_the_token(server, address, headers):
    answer = httpx2.get(f"http://{address}/metrics", headers=headers)
    assert (answer.status_code, answer.text) == (401, "")


def test_head_and_options_of_metrics_are_answered(server, address):
    url = f"http://{address}/metrics"
    got, head = httpx2.get(url, headers=BEARER), httpx2.head(url, headers=BEARER)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.keys() == got.headers.keys()
    assert int(head.headers["content-length"]) > 1000
    assert httpx2.options(url, headers=BEARER).headers["allow"] == "GET, HEAD"
    refused = httpx2.post(url, headers=BEARER)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert httpx2.head(url).status_code == 401


def test_metrics_are_not_on_the_public_port(server):
    assert httpx2.get(f"{server.url}/metrics", headers=BEARER).status_code == 404


@pytest.mark.parametrize("given", ["0.0.0.0:9464", "9464", "127.0.0.1:http"])
def test_an_address_that_is_none_or_open_to_others_is_refused_in_one_sentence(tmp_path, given):
    server = Server(tmp_path, FOLKMOOT_METRICS_ADDRESS=given)
    server.launch()
    assert server.wait() == 1
    assert given in server.output
    assert "Traceback" not in server.output
