"""The bench still measures: its client counts right, and a small run of it tallies.

Timings are never asserted here: they are the machine's business.
"""

import asyncio
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.deadlines import WITHIN_S

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("memory", "stored")
SCENARIOS = ("fanout", "pairs", "latency", "idle", "start")
OURS_ALONE = ("fanout-sessions", "fanout-friends", "fanout-assistant")
DESKS = ("python-socketio", *(("npm",) if shutil.which("node") and shutil.which("npm") else ()))
DESK_SCENARIOS = ("fanout-support", "idle-support")


def run_bench(servers: tuple[str, ...], output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.run", "--quick"]
    command += ["--servers", ",".join(servers), "--output", str(output)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=800, check=False
    )


def folkmoot_serves() -> bool:
    probe = [sys.executable, "-m", "folkmoot", "serve", "--help"]
    return subprocess.run(probe, capture_output=True, timeout=WITHIN_S, check=False).returncode == 0


def assert_tallies(document: dict, servers: tuple[str, ...]) -> None:
    runs = {(run["scenario"], run["contender"]): run for run in document["runs"]}
    wanted = {(scenario, server) for scenario in SCENARIOS for server in {*servers} - {*DESKS}}
    wanted |= {(scenario, desk) for scenario in DESK_SCENARIOS for desk in {*servers} & {*DESKS}}
    if "folkmoot" in servers:
        wanted |= {(scenario, "folkmoot") for scenario in OURS_ALONE + DESK_SCENARIOS}
    assert set(runs) == wanted
    for (scenario, _), run in runs.items():
        figures, options = run["figures"], run["options"]
        assert run["problems"] == []
        match scenario:
            case "start":
                assert min(figures["cpu_ms"], figures["ready_ms"]) > 0
            case _ if scenario.startswith("fanout"):
                assert figures["messages"] == options["messages"]
                assert figures["deliveries"] == options["messages"] * options["listeners"]
                assert run["stored_messages"] == options["messages"] + options["warm_up"]
            case "pairs":
                assert figures["messages"] == figures["deliveries"] > 0
                warm_up = options["pairs"] * options["warm_up"]
                assert run["stored_messages"] == figures["messages"] + warm_up
            case "latency":
                assert figures["deliveries"] == options["rate"] * options["seconds"]
            case "idle" | "idle-support":
                assert figures["connections"] == options["connections"]


@pytest.mark.timeout(900)
def test_a_quick_bench_of_the_peers_delivers_and_stores_every_message(tmp_path):
    output = tmp_path / "bench.json"

    finished = run_bench(PEERS, output)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert_tallies(json.loads(output.read_text()), PEERS)


@pytest.mark.timeout(900)
def test_a_quick_bench_of_the_desks_delivers_every_message(tmp_path):
    output = tmp_path / "bench.json"

    finished = run_bench(DESKS, output)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert_tallies(json.loads(output.read_text()), DESKS)


@pytest.mark.timeout(900)
def test_a_quick_bench_of_folkmoot_delivers_and_stores_every_message(tmp_path):
    if not folkmoot_serves():
        pytest.skip("folkmoot serve cannot be started here")
    output = tmp_path / "bench.json"

    finished = run_bench(("folkmoot",), output)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert_tallies(json.loads(output.read_text()), ("folkmoot",))


@pytest.fixture
def wire(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.wire")


def server_frame(payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return bytes((0x81, 126)) + len(payload).to_bytes(2) + payload


STREAM = b"".join(
    (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        server_frame(b'{"type":"connection","status":"connected"}'),
        server_frame(b'{"type":"message","content":"one"}'),
        server_frame(b'{"type":"user_joined","user_id":2,"username":"bo"}'),
        server_frame(b'{"type": "message", "content": "two"}'),
        server_frame(b'{"type":"message","content":"' + b"x" * 300 + b'"}'),
    )
)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 50, len(STREAM)])
async def test_the_client_counts_each_message_once_however_the_stream_is_cut(wire, piece):
    problems: list[str] = []
    socket = wire.Socket(b"", problems)
    heard: list[bytes] = []
    socket.on_message = heard.append

    for start in range(0, len(STREAM), piece):
        socket.data_received(STREAM[start : start + piece])

    assert [json.loads(payload)["content"] for payload in heard] == ["one", "two", "x" * 300]
    assert (socket.messages, socket.frames, problems) == (3, 5, [])
    assert socket.joined.done()


async def test_an_error_frame_makes_a_run_void(wire):
    problems: list[str] = []
    socket = wire.Socket(b"", problems)
    upgrade, _, _ = STREAM.partition(b"\r\n\r\n")
    refusal = server_frame(b'{"type":"error","message":"no"}')

    socket.data_received(upgrade + b"\r\n\r\n" + refusal)

    assert len(problems) == 1
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(socket.joined, 1)


@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_the_client_of_a_desk_joins_its_room_and_counts_acks_as_echoes(wire, piece):
    problems: list[str] = []
    target = wire.SocketTarget("a-customer", "a-token", "support")
    socket = wire.SocketIo(b"", problems, target)
    sent = bytearray()
    socket.connection_made(SimpleNamespace(write=sent.extend))
    upgrade, _, _ = STREAM.partition(b"\r\n\r\n")
    stream = (
        upgrade
        + b"\r\n\r\n"
        + b"".join(
            map(
                server_frame,
                (
                    b'0{"sid":"x"}',
                    b'40{"sid":"y"}',
                    b'430[{"success":true}]',
                    b"2",
                    b'42["user_online",{}]',
                    b'42["receive_message",{"message_text":"one"}]',
                    b'431[{"success":true,"message_text":"two"}]',
                ),
            )
        )
    )

    for start in range(0, len(stream), piece):
        socket.data_received(stream[start : start + piece])

    assert (socket.messages, problems, socket.joined.done()) == (2, [], True)
    for packet in (b'40{"token": "a-token"}', b'420["join_room", {"user_id": "a-customer"}]', b"3"):
        assert wire.encode(wire.TEXT, packet) in sent


async def test_a_refusal_by_a_desk_makes_a_run_void(wire):
    problems: list[str] = []
    socket = wire.SocketIo(b"", problems, wire.SocketTarget("", "a-token", "support"))
    upgrade, _, _ = STREAM.partition(b"\r\n\r\n")

    socket.data_received(upgrade + b"\r\n\r\n" + server_frame(b'431[{"success":false,"error":{}}]'))

    assert len(problems) == 1
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(socket.joined, 1)
