"""The Socket.IO server with an application on it, called as an ASGI server calls it: no network."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.engine import EngineEnd
from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.socket_packet import encode_event
from tests.deadlines import WITHIN_S
from tests.wire.asgi_stage import (
    POLLING,
    WEBSOCKET,
    Desk,
    Request,
    WebSocket,
    by_token,
    get,
    open_polling,
    open_websocket,
    post,
    serving,
)


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
            ('40{"token":"' + "x" * 20_000 + '"}', ()),
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
            await desk.told("left", "/", EngineEnd.CLIENT_CLOSED)

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

    async def test_a_poll_sent_after_an_upgrade_is_refused_though_it_is_read_before(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            websocket = WebSocket(server, query.replace("polling", "websocket"))
            await websocket.accepted()

            websocket.send("2probe")
            websocket.send("5")

            assert (await get(server, query))[0] == 400
            assert await websocket.said() == "3probe"
            await websocket.join()
            await websocket.done()

    async def test_a_poll_during_an_upgrade_is_released_soon(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            websocket = WebSocket(server, query.replace("polling", "websocket"))
            websocket.send("2probe")
            assert await websocket.said() == "3probe"

            assert await get(server, query) == (200, "6")
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
            asking = asyncio.ensure_future(desk.sockets[0].call("question", deadline=WITHIN_S))

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
        async with serving(desk, EngineLimits(connect_timeout=0.01)) as server:
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
