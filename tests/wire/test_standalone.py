"""What the public protocol suites assert, against ``python -m folkmoot.wire`` itself."""

import asyncio
import json
import os
import selectors
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.deadlines import WITHIN_S

pytestmark = pytest.mark.program
SOURCES = Path(__file__).parents[2] / "src"
EIO = "EIO=4&transport="


class Server:
    def __init__(self, process, address):
        self.process = process
        self.host, _, port = address.rpartition(":")
        self.port = int(port)

    def url(self, path):
        return f"ws://{self.host}:{self.port}{path}"

    async def ask(self, method, path, body=b""):
        """One request on a connection of its own: status and body."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            answer = await reader.read()
        finally:
            writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), content.decode()

    async def get(self, path):
        return await self.ask("GET", path)

    async def open_polling(self, path="/engine.io/"):
        status, body = await self.get(f"{path}?{EIO}polling")
        assert status == 200
        return f"{path}?{EIO}polling&sid={json.loads(body[1:])['sid']}"

    @asynccontextmanager
    async def open_websocket(self, path="/engine.io/"):
        async with self.dial(f"{path}?{EIO}websocket") as websocket:
            assert (await websocket.recv()).startswith("0{")
            yield websocket

    def dial(self, path):
        return connect(
            self.url(path), max_size=2**25, ping_interval=None, compression=None, proxy=None
        )

    @asynccontextmanager
    async def join(self):
        async with self.open_websocket("/socket.io/") as websocket:
            await websocket.send("40")
            assert (await websocket.recv()).startswith('40{"sid":"')
            assert await websocket.recv() == '42["auth",{}]'
            yield websocket


def start(*options, stderr=None):
    process = subprocess.Popen(
        [sys.executable, "-m", "folkmoot.wire", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(WITHIN_S) else ""
    if not line.startswith("listening on http://"):
        process.kill()
        raise RuntimeError(f"the server did not start: {line!r}")
    return Server(process, line.removeprefix("listening on http://").strip())


def stop(server):
    server.process.send_signal(signal.SIGTERM)
    try:
        return server.process.wait(WITHIN_S)
    finally:
        server.process.kill()
        server.process.stdout.close()


@pytest.fixture(scope="module")
def server():
    """A server that neither pings nor waits for pongs while a test lasts, however slow it is."""
    server = start("--ping-interval", "600000", "--ping-timeout", "600000")
    yield server
    stop(server)


@pytest.fixture(scope="module")
def pinging():
    """A server that pings, and waits for pongs, for two seconds each."""
    server = start("--ping-interval", "2000", "--ping-timeout", "2000")
    yield server
    stop(server)


@pytest.fixture(autouse=True)
async def deadline():
    async with asyncio.timeout(WITHIN_S):
        yield


async def closed(websocket):
    """Read on until the server closes."""
    try:
        while True:
            await websocket.recv()
    except ConnectionClosed as closing:
        return closing.rcvd.code


class TestEngineHandshake:
    async def test_it_says_five_things(self, server):
        status, body = await server.get(f"/engine.io/?{EIO}polling")

        said = json.loads(body.removeprefix("0"))
        assert status == 200
        assert len(said.pop("sid")) >= 20
        assert said == {
            "upgrades": ["websocket"],
            "pingInterval": 600_000,
            "pingTimeout": 600_000,
            "maxPayload": 1_000_000,
        }

    @pytest.mark.parametrize(
        ("method", "query"),
        [
            ("GET", "transport=polling"),
            ("GET", "EIO=abc&transport=polling"),
            ("GET", "EIO=4"),
            ("GET", "EIO=4&transport=abc"),
            ("POST", f"{EIO}polling"),
            ("PUT", f"{EIO}polling"),
        ],
    )
    async def test_a_wrong_one_is_400(self, server, method, query):
        assert (await server.ask(method, f"/engine.io/?{query}"))[0] == 400

    @pytest.mark.parametrize(
        "query", ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", f"{EIO}abc"]
    )
    async def test_a_wrong_websocket_is_not_opened(self, server, query):
        with pytest.raises(InvalidStatus) as refusal:
            async with server.dial(f"/engine.io/?{query}"):
                pass
        assert refusal.value.response.status_code == 400


class TestEngineMessages:
    @pytest.mark.parametrize("body", ["4hello", "4one\x1e4two\x1e4three", "4hello\x1ebAQIDBA=="])
    async def test_polling_brings_back_what_was_posted(self, server, body):
        path = await server.open_polling()

        assert await server.ask("POST", path, body.encode()) == (200, "ok")

        assert await server.get(path) == (200, body)

    async def test_a_bad_post_is_400_and_the_connection_gone(self, server):
        path = await server.open_polling()

        assert (await server.ask("POST", path, b"abc"))[0] == 400
        assert (await server.get(path))[0] == 400

    async def test_a_post_beyond_the_limit_is_400_and_the_connection_gone(self, server):
        path = await server.open_polling()

        assert (await server.ask("POST", path, b"4" * 1_000_001))[0] == 400
        assert (await server.get(path))[0] == 400

    async def test_a_second_poll_ends_the_first_and_the_connection(self, server):
        path = await server.open_polling()

        answers = await asyncio.gather(server.get(path), server.get(path))

        assert sorted(status for status, _ in answers) == [200, 400]
        assert (200, "1") in answers
        assert (await server.get(path))[0] == 400

    async def test_a_poll_that_is_hung_up_on_ends_the_connection(self, server):
        path = await server.open_polling()
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await writer.drain()

        writer.close()
        await writer.wait_closed()

        assert (await server.get(path))[0] == 400

    async def test_websocket_brings_back_text_and_bytes(self, server):
        async with server.open_websocket() as websocket:
            await websocket.send("4hello")
            assert await websocket.recv() == "4hello"
            await websocket.send(b"\x01\x02")
            assert await websocket.recv() == b"\x01\x02"

    @pytest.mark.parametrize(("data", "code"), [("abc", 1002), ("4" * 1_000_001, 1009)])
    async def test_a_bad_frame_closes(self, server, data, code):
        async with server.open_websocket() as websocket:
            await websocket.send(data)

            assert await closed(websocket) == code


class TestEngineHeartbeat:
    async def test_polling_pings_again_and_again(self, pinging):
        path = await pinging.open_polling()
        for _ in range(2):
            assert await pinging.get(path) == (200, "2")
            assert await pinging.ask("POST", path, b"3") == (200, "ok")

    async def test_websocket_pings_again_and_again(self, pinging):
        async with pinging.open_websocket() as websocket:
            for _ in range(2):
                assert await websocket.recv() == "2"
                await websocket.send("3")

    async def test_no_pong_closes(self, pinging):
        async with pinging.open_websocket() as websocket:
            assert await websocket.recv() == "2"
            await closed(websocket)

    async def test_no_pong_ends_polling_too(self, pinging):
        path = await pinging.open_polling()
        assert await pinging.get(path) == (200, "2")

        await pinging.get(path)  # Waits for as long as the pong is waited for.

        assert (await pinging.get(path))[0] == 400


class TestEngineClose:
    async def test_a_close_by_post_releases_the_poll(self, server):
        path = await server.open_polling()

        poll, _ = await asyncio.gather(server.get(path), server.ask("POST", path, b"1"))

        assert poll == (200, "6")
        assert (await server.get(path))[0] == 400

    async def test_a_close_by_frame_closes(self, server):
        async with server.open_websocket() as websocket:
            await websocket.send("1")

            assert await closed(websocket) == 1000


class TestEngineUpgrade:
    async def test_polling_becomes_a_websocket_and_stays_one(self, server):
        path = await server.open_polling()
        upgrade = path.replace("polling", "websocket")
        async with server.dial(upgrade) as websocket:
            await websocket.send("2probe")
            assert await websocket.recv() == "3probe"
            assert await server.get(path) == (200, "6")
            await websocket.send("5")
            await websocket.send("4hello")
            assert await websocket.recv() == "4hello"

            assert (await server.get(path))[0] == 400
            async with server.dial(upgrade) as second:
                assert await closed(second) == 1008

            await websocket.send("4still here")
            assert await websocket.recv() == "4still here"

    async def test_nothing_is_polled_after_an_upgrade_in_one_go(self, server):
        for _ in range(10):
            path = await server.open_polling()
            async with server.dial(path.replace("polling", "websocket")) as websocket:
                await websocket.send("2probe")
                await websocket.send("5")

                assert (await server.get(path))[0] == 400
                assert await websocket.recv() == "3probe"


class TestSockets:
    async def test_a_connect_is_answered_with_a_sid_and_its_auth(self, server):
        async with server.open_websocket("/socket.io/") as websocket:
            await websocket.send('40/custom,{"token":"abc"}')

            answer = await websocket.recv()
            assert list(json.loads(answer.removeprefix("40/custom,"))) == ["sid"]
            assert await websocket.recv() == '42/custom,["auth",{"token":"abc"}]'

    async def test_an_unknown_namespace_is_refused(self, server):
        async with server.open_websocket("/socket.io/") as websocket:
            await websocket.send("40/random")

            assert await websocket.recv() == '44/random,{"message":"Invalid namespace"}'

    async def test_leaving_custom_leaves_the_main_namespace_working(self, server):
        async with server.join() as websocket:
            await websocket.send("40/custom")
            assert (await websocket.recv()).startswith("40/custom,")
            assert (await websocket.recv()).startswith("42/custom,")

            await websocket.send("41/custom")
            await websocket.send('42["message","to the main namespace"]')

            assert await websocket.recv() == '42["message-back","to the main namespace"]'

    async def test_leaving_the_main_namespace_leaves_the_transport_open(self, pinging):
        async with pinging.join() as websocket:
            await websocket.send("41")

            assert await websocket.recv() == "2"

    async def test_an_event_with_attachments_comes_back_with_them(self, server):
        async with server.join() as websocket:
            one, two = '{"_placeholder":true,"num":0}', '{"_placeholder":true,"num":1}'
            await websocket.send(f'452-789["message-with-ack",{one},{two}]')
            await websocket.send(b"\x01\x02\x03")
            await websocket.send(b"\x04")

            assert await websocket.recv() == f"462-789[{one},{two}]"
            assert await websocket.recv() == b"\x01\x02\x03"
            assert await websocket.recv() == b"\x04"

    @pytest.mark.parametrize(
        "text", ["4abc", "42{}", '42abc["m"]', '42["m",NaN]', "4" + '2["m",' + "[" * 50]
    )
    async def test_what_is_no_packet_closes(self, server, text):
        async with server.join() as websocket:
            await websocket.send(text)

            assert await closed(websocket) == 1002

    async def test_attachments_beyond_the_limit_close(self, server):
        async with server.join() as websocket:
            await websocket.send('4510000000000-["m",{"_placeholder":true,"num":0}]')

            assert await closed(websocket) == 1009


class TestPlainEcho:
    async def test_text_and_bytes_come_back_up_to_the_limit(self, server):
        async with server.dial("/ws") as websocket:
            for message in ("", "héllo", b"\x00" * 70_000, b"x" * 2**24):
                await websocket.send(message)
                assert await websocket.recv() == message


class TestProcess:
    async def test_options_are_honoured_below_a_second_and_a_connect_in_time_is_asked_for(self):
        server = start(
            "--ping-interval", "5000", "--ping-timeout", "4000",
            "--max-payload", "5000", "--connect-timeout", "50",
        )  # fmt: skip
        try:
            async with server.dial(f"/socket.io/?{EIO}websocket") as websocket:
                said = json.loads((await websocket.recv())[1:])
                assert (said["pingInterval"], said["pingTimeout"]) == (5000, 4000)
                assert said["maxPayload"] == 5000

                assert await closed(websocket) == 1008
        finally:
            stop(server)

    async def test_told_to_stop_it_goes_soon_and_silently_whoever_is_deaf(self):
        server = start("--ping-interval", "600000", stderr=subprocess.PIPE)
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        writers = []
        for path in ("/ws", f"/socket.io/?{EIO}websocket", f"/engine.io/?{EIO}websocket"):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writers.append(writer)

        code = await asyncio.to_thread(stop, server)

        for writer in writers:
            writer.close()
        with server.process.stderr as stderr:
            assert stderr.read() == ""
        assert code in (0, -signal.SIGTERM)

    async def test_told_to_stop_it_releases_polls_and_goes(self):
        server = start("--ping-interval", "600000", "--ping-timeout", "600000")
        path = await server.open_polling()
        async with server.open_websocket() as websocket:
            poll = asyncio.ensure_future(server.get(path))
            await websocket.send("4hello")
            assert await websocket.recv() == "4hello"

            server.process.send_signal(signal.SIGTERM)

            assert await poll == (200, "6")
            assert await closed(websocket) == 1012
        assert await asyncio.to_thread(stop, server) in (0, -signal.SIGTERM)
