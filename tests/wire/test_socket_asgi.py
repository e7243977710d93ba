"""The Socket.IO server with an application on it, called as an ASGI server calls it: no network."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.realtime.wire.engine import End
from folkmoot.realtime.wire.limits import Limits
from folkmoot.realtime.wire.refusals import ConnectRefused, NotAdmitted
from folkmoot.realtime.wire.socket_asgi import SocketServer
from folkmoot.realtime.wire.socket_packet import encode_event

DEADLINE = 10
POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"


class Desk:
    """An application that writes down what it is told, and answers as it is told to."""

    namespaces = frozenset(("/", "/custom"))

    def __init__(self):
        self.log = []
        self.sockets = []
        self.news = asyncio.Condition()
        self.is_hearing = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, *entry):
        async with self.news:
            self.log.append(entry)
            self.news.notify_all()

    async def told(self, *entry):
        async with self.news:
            await self.news.wait_for(lambda: entry in self.log)

    async def connect(self, socket, auth):
        if auth.get("token") == "bad":
            raise ConnectRefused("authentication required", {"code": "unauthorized"})
        if auth.get("token") == "crash":
            raise RuntimeError("a bug of the application")
        socket.account = auth.get("token")
        return {"pid": "p1"} if auth.get("recover") else None

    async def joined(self, socket):
        self.sockets.append(socket)
        await self.write("joined", socket.namespace, socket.account)

    async def receive(self, socket, event):
        if event.name == "crash":
            raise RuntimeError("a bug of the application")
        self.is_hearing.set()
        await self.gate.wait()
        await self.write(event.name, *event.args)
        return event.args

    async def left(self, socket, end):
        await self.write("left", socket.namespace, end)


async def by_token(handshake):
    """Identify by the query's token; the token `stranger` may not come in."""
    if handshake.parameter("token") == "stranger":
        raise NotAdmitted
    return handshake.parameter("token")


@asynccontextmanager
async def serving(desk, limits=None, **options):
    async with asyncio.timeout(DEADLINE):
        count = iter(range(1, 1000))
        server = SocketServer(
            desk, limits or Limits(), new_sid=lambda: f"sid-{next(count)}", **options
        )
        async with server.running():
            yield server


class Request:
    """One HTTP request, from the client's side."""

    def __init__(self, server, method, query, body=b"", headers=()):
        self.status = None
        self.body = b""
        self.hangs_up = asyncio.Event()
        self._incoming = [{"type": "http.request", "body": body}]
        scope = {
            "type": "http",
            "method": method,
            "path": "/socket.io/",
            "query_string": query.encode(),
            "headers": list(headers),
        }
        self._call = server(scope, self._receive, self._send)

    async def answer(self):
        await self._call
        return self.status, self.body.decode()

    async def _receive(self):
        if not self._incoming:
            await self.hangs_up.wait()
            return {"type": "http.disconnect"}
        return self._incoming.pop()

    async def _send(self, message):
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


async def get(server, query):
    return await Request(server, "GET", query).answer()


async def post(server, query, body, **options):
    return await Request(server, "POST", query, body.encode(), **options).answer()


async def open_polling(server, extra=""):
    status, body = await get(server, POLLING + extra)
    assert status == 200
    return f"{POLLING}{extra}&sid={json.loads(body[1:])['sid']}"


class WebSocket:
    """One WebSocket, from the client's side; what the server says comes one message at a time."""

    def __init__(self, server, query):
        self._to_server = asyncio.Queue()
        self._from_server = asyncio.Queue()
        scope = {
            "type": "websocket",
            "path": "/socket.io/",
            "query_string": query.encode(),
            "headers": [],
        }
        self._to_server.put_nowait({"type": "websocket.connect"})
        self._serving = asyncio.ensure_future(
            server(scope, self._to_server.get, self._from_server.put)
        )

    def send(self, data):
        kind = "text" if isinstance(data, str) else "bytes"
        self._to_server.put_nowait({"type": "websocket.receive", kind: data})

    async def said(self):
        message = await self._from_server.get()
        if message["type"] == "websocket.close":
            self.hang_up()
            return message["code"]
        if message["type"] == "websocket.accept":
            return await self.said()
        return message.get("text") or message["bytes"]

    async def join(self, auth=""):
        self.send(f"40{auth}")
        assert (await self.said()).startswith('40{"sid"')

    def hang_up(self):
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})

    async def done(self):
        self.hang_up()
        await self._serving


async def open_websocket(server, extra=""):
    websocket = WebSocket(server, WEBSOCKET + extra)
    assert (await websocket.said()).startswith("0{")
    return websocket


@pytest.fixture
def desk():
    return Desk()


class TestRequests:
    @pytest.mark.parametrize(
        ("method", "query", "status", "number"),
        [
            ("GET", "transport=polling", 400, 5),
            ("GET", "EIO=abc&transport=polling", 400, 5),
            ("GET", "EIO=3&transport=polling", 400, 5),
            ("GET", "EIO=4&EIO=4&transport=polling", 400, 5),
            ("GET", "EIO=4", 400, 0),
            ("GET", "EIO=4&transport=abc", 400, 0),
            ("GET", "EIO=4&transport=websocket", 400, 0),
            ("GET", f"{POLLING}&sid=unknown", 400, 1),
            ("GET", f"{POLLING}&sid=__proto__", 400, 1),
            ("GET", f"{POLLING}&token=stranger", 403, 4),
            ("POST", POLLING, 400, 2),
            ("PUT", POLLING, 400, 2),
            ("OPTIONS", POLLING, 400, 2),
            ("GET", "&".join(["a=1"] * 1000), 400, 3),
        ],
    )
    async def test_one_that_is_wrong_is_refused_with_a_number(
        self, desk, method, query, status, number
    ):
        async with serving(desk, identify=by_token) as server:
            got, body = await Request(server, method, query).answer()

        assert got == status
        assert json.loads(body)["code"] == number

    @pytest.mark.parametrize(
        "query", ["transport=websocket", "EIO=4", f"{WEBSOCKET}&sid=unknown", POLLING]
    )
    async def test_a_websocket_that_is_wrong_is_closed(self, desk, query):
        async with serving(desk) as server:
            assert await WebSocket(server, query).said() == 1008

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            ("abc", ()),
            ("4" * 1_000_001, ()),
            ("\x1e".join(["4"] * 100_000), ()),
            ("42{}", ()),
            ("4hello", ()),
            ('42["m"]', ()),
            ("bAQ==", ()),
            ("4hello", ((b"content-type", b"application/octet-stream"),)),
        ],
    )
    async def test_a_bad_post_is_refused_and_the_connection_gone(self, desk, body, headers):
        async with serving(desk) as server:
            query = await open_polling(server)

            status, _ = await post(server, query, body, headers=headers)

            assert status == 400
            assert len(server) == 0
            assert (await get(server, query))[0] == 400

    async def test_a_poll_that_is_hung_up_on_ends_the_connection(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            poll = Request(server, "GET", query)
            poll.hangs_up.set()

            await poll.answer()

            assert len(server) == 0

    async def test_a_post_that_is_hung_up_on_ends_the_connection(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            request = Request(server, "POST", query)
            request._incoming = [{"type": "http.request", "body": b"4", "more_body": True}]
            request.hangs_up.set()

            assert (await request.answer())[0] == 400
            assert len(server) == 0


class TestOwner:
    async def test_a_connection_is_there_only_for_who_opened_it(self, desk):
        async with serving(desk, identify=by_token) as server:
            query = await open_polling(server, "&token=ana")
            others = query.replace("token=ana", "token=bo")
            nobodys = query.replace("&token=ana", "")

            for stolen in (others, nobodys):
                assert (await get(server, stolen))[0] == 400
                assert (await post(server, stolen, "40"))[0] == 400
                upgrade = stolen.replace("polling", "websocket")
                assert await WebSocket(server, upgrade).said() == 1008

            assert await post(server, query, "40") == (200, "ok")
            assert (await get(server, query))[1].startswith("40{")


class TestConversation:
    async def test_a_polling_client_joins_speaks_and_is_answered(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            poll = asyncio.ensure_future(get(server, query))

            assert await post(server, query, '40{"token":"ana"}\x1e427["hello",1]') == (200, "ok")
            await desk.told("hello", 1)

            heard = (await poll)[1].split("\x1e")
            if len(heard) == 1:
                heard += (await get(server, query))[1].split("\x1e")
            assert heard == ['40{"sid":"sid-2"}', "437[1]"]
            assert desk.log == [("joined", "/", "ana"), ("hello", 1)]

    async def test_a_websocket_client_joins_speaks_and_is_answered(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join('{"token":"ana"}')

            websocket.send('427["hello",1]')

            assert await websocket.said() == "437[1]"
            assert desk.sockets[0].transport == "websocket"
            await websocket.done()
            await desk.told("left", "/", End.CLIENT_CLOSED)

    async def test_an_upgrade_keeps_the_socket(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            await get(server, query)
            poll = asyncio.ensure_future(get(server, query))
            websocket = WebSocket(server, query.replace("polling", "websocket"))

            websocket.send("2probe")
            assert await websocket.said() == "3probe"
            assert await poll == (200, "6")
            websocket.send("5")
            websocket.send('421["hello"]')

            assert await websocket.said() == "431[]"
            assert (await get(server, query))[0] == 400
            second = WebSocket(server, query.replace("polling", "websocket"))
            assert await second.said() == 1008
            assert desk.sockets[0].transport == "websocket"
            await websocket.done()

    async def test_a_failed_upgrade_leaves_polling_as_it_was(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            websocket = WebSocket(server, query.replace("polling", "websocket"))

            websocket.send("5")

            assert await websocket.said() == 1002
            assert await post(server, query, "40") == (200, "ok")
            assert (await get(server, query))[1].startswith("40{")

    async def test_binary_goes_both_ways(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()

            websocket.send('451-7["hello",{"_placeholder":true,"num":0}]')
            websocket.send(b"\x01\x02")

            assert await websocket.said() == '461-7[{"_placeholder":true,"num":0}]'
            assert await websocket.said() == b"\x01\x02"
            await websocket.done()

    async def test_one_encoding_serves_many_sockets(self, desk):
        async with serving(desk) as server:
            websockets = [await open_websocket(server) for _ in range(5)]
            for websocket in websockets:
                await websocket.join()
            packet = encode_event("news", 1)

            for socket in desk.sockets:
                socket.send(packet)

            assert [await websocket.said() for websocket in websockets] == ['42["news",1]'] * 5
            for websocket in websockets:
                await websocket.done()

    async def test_the_application_may_ask_and_wait_for_the_answer(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)
            asking = asyncio.ensure_future(desk.sockets[0].call("question", deadline=DEADLINE))

            assert await websocket.said() == '421["question"]'
            websocket.send('431["yes"]')

            assert await asking == ["yes"]
            await websocket.done()

    async def test_no_answer_in_time_is_said_so(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)

            with pytest.raises(TimeoutError):
                await desk.sockets[0].call("question", deadline=0)
            await websocket.done()


class TestConnect:
    async def test_who_is_refused_is_told_and_keeps_the_connection(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)

            websocket.send('40{"token":"bad"}')

            assert json.loads((await websocket.said())[2:]) == {
                "message": "authentication required",
                "data": {"code": "unauthorized"},
            }
            await websocket.join()
            await websocket.done()

    async def test_the_application_may_add_to_the_answer(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)

            websocket.send('40{"recover":true}')

            assert await websocket.said() == '40{"sid":"sid-2","pid":"p1"}'
            await websocket.done()

    async def test_a_bug_in_it_refuses_and_is_logged(self, desk, caplog):
        async with serving(desk) as server:
            websocket = await open_websocket(server)

            websocket.send('40{"token":"crash"}')

            assert await websocket.said() == '44{"message":"server error"}'
            assert "a bug of the application" in caplog.text
            await websocket.done()

    async def test_who_never_connects_is_closed(self, desk):
        async with serving(desk, Limits(connect_timeout=0.01)) as server:
            websocket = await open_websocket(server)

            assert await websocket.said() == 1008
            await websocket.done()


class TestAnything:
    """Whatever comes over HTTP or a WebSocket is answered, and leaves nothing behind."""

    PIECES = st.one_of(
        st.sampled_from(["40", '40{"token":"bad"}', '42["m"]', '421["m",{}]', "41", "3", "1", "2"]),
        st.sampled_from(["2probe", "5", '451-["m",{"_placeholder":true,"num":0}]', "bAQ==", "4"]),
        st.sampled_from(['450-["m"]', "40/random", "40/custom,", "43999[]", "4" + "[" * 2000]),
        st.text(max_size=20),
    )

    @given(bodies=st.lists(st.lists(PIECES, max_size=4), max_size=4))
    def test_by_post(self, bodies):
        async def visit():
            async with serving(Desk()) as server:
                query = await open_polling(server)
                for body in bodies:
                    status, _ = await post(server, query, "\x1e".join(body))
                    assert status in (200, 400)
                await post(server, query, "1")
                assert len(server) == 0

        asyncio.run(visit())

    @given(frames=st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=6))
    def test_by_websocket(self, frames):
        async def visit():
            async with serving(Desk()) as server:
                websocket = await open_websocket(server)
                for frame in frames:
                    websocket.send(frame)
                await websocket.done()
                assert len(server) == 0

        asyncio.run(visit())

    @given(frames=st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=6))
    def test_by_a_websocket_that_would_upgrade(self, frames):
        async def visit():
            async with serving(Desk()) as server:
                query = await open_polling(server)
                websocket = WebSocket(server, query.replace("polling", "websocket"))
                for frame in ["2probe", *frames]:
                    websocket.send(frame)
                await websocket.done()
                assert len(server) <= 1

        asyncio.run(visit())


class TestEnd:
    async def test_leaving_a_namespace_leaves_the_other(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            websocket.send("40/custom,")
            await websocket.said()

            websocket.send("41/custom,")
            websocket.send('421["hello"]')

            assert await websocket.said() == "431[]"
            assert ("left", "/custom", End.CLIENT_LEFT) in desk.log
            await websocket.done()

    async def test_what_was_said_before_leaving_is_heard(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)

            await post(server, query, "40")
            await desk.told("joined", "/", None)

            await post(server, query, '42["last words"]\x1e41\x1e1')
            await desk.told("left", "/", End.CLIENT_LEFT)

            assert ("last words",) in desk.log

    async def test_the_server_may_put_a_client_out(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)

            desk.sockets[0].leave()
            desk.sockets[0].emit("late")

            assert await websocket.said() == "41"
            await desk.told("left", "/", End.SERVER_LEFT)
            await websocket.done()

    async def test_the_server_may_close_after_its_last_words(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)

            desk.sockets[0].emit("goodbye")
            desk.sockets[0].close()

            assert await websocket.said() == '42["goodbye"]'
            assert await websocket.said() == 1000
            await desk.told("left", "/", End.SERVER_CLOSED)
            await websocket.done()

    async def test_every_socket_hears_of_the_end_once(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            websocket.send("40/custom,")
            await websocket.said()

            await websocket.done()
            await desk.told("left", "/custom", End.CLIENT_CLOSED)

            assert [entry for entry in desk.log if entry[0] == "left"] == [
                ("left", "/", End.CLIENT_CLOSED),
                ("left", "/custom", End.CLIENT_CLOSED),
            ]

    async def test_shutting_down_releases_polls_and_opens_nothing_more(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            await get(server, query)
            poll = asyncio.ensure_future(get(server, query))
            websocket = await open_websocket(server)

            server.shut_down()

            assert await poll == (200, "1")
            assert await websocket.said() == 1012
            assert (await get(server, POLLING))[0] == 503
            await desk.told("left", "/", End.SHUTDOWN)
            await websocket.done()


class TestLoad:
    async def test_a_bug_in_an_event_costs_only_its_answer(self, desk, caplog):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()

            websocket.send('421["crash"]')
            websocket.send('422["hello"]')

            assert await websocket.said() == "432[]"
            assert "a bug of the application" in caplog.text
            await websocket.done()

    async def test_events_are_heard_in_order(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()

            for number in range(300):
                websocket.send(f'42["n",{number}]')
            await desk.told("n", 299)

            assert desk.log[1:] == [("n", number) for number in range(300)]
            await websocket.done()

    async def test_a_post_waits_while_the_application_is_behind(self, desk):
        async with serving(desk, Limits(max_inbox=2)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            desk.gate.clear()

            posting = asyncio.ensure_future(post(server, query, '42["a"]\x1e42["b"]\x1e42["c"]'))
            await desk.is_hearing.wait()
            assert not posting.done()
            desk.gate.set()

            assert await posting == (200, "ok")
            await desk.told("c")

    async def test_the_end_does_not_wait_for_an_application_that_is_behind(self, desk):
        async with serving(desk, Limits(max_inbox=1)) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            desk.gate.clear()
            for _ in range(5):
                websocket.send('42["a"]')
            await desk.is_hearing.wait()

            server.shut_down()
            await websocket.done()
            desk.gate.set()

            await desk.told("left", "/", End.SHUTDOWN)

    async def test_the_server_does_not_wait_for_ever_for_an_application_that_hangs(self, desk):
        desk.gate.clear()
        async with serving(desk, Limits(linger=0.01)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await post(server, query, '42["m"]')
            await desk.is_hearing.wait()

        assert desk.log == [("joined", "/", None)]

    async def test_a_slow_reader_is_closed_and_told_to_come_back(self, desk):
        async with serving(desk, Limits(max_outbox=10_000)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)

            for _ in range(100):
                desk.sockets[0].emit("news", "x" * 100)

            await desk.told("left", "/", End.OUTBOX_FULL)
            assert len(server) == 0
