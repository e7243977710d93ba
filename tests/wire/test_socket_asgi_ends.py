"""How Socket.IO connections over ASGI end, and what they stand before that."""

import asyncio

from folkmoot.wire.engine import EngineEnd
from folkmoot.wire.engine_limits import EngineLimits
from tests.wire.asgi_stage import (
    POLLING,
    get,
    open_polling,
    open_websocket,
    post,
    serving,
)


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
            assert ("left", "/custom", EngineEnd.CLIENT_LEFT) in desk.log
            await websocket.done()

    async def test_what_was_said_before_leaving_is_heard(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)

            await post(server, query, "40")
            await desk.told("joined", "/", None)

            await post(server, query, '42["last words"]\x1e41\x1e1')
            await desk.told("left", "/", EngineEnd.CLIENT_LEFT)

            assert ("last words",) in desk.log

    async def test_the_server_may_put_a_client_out(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)

            desk.sockets[0].leave()
            desk.sockets[0].emit("late")

            assert await websocket.said() == "41"
            await desk.told("left", "/", EngineEnd.SERVER_LEFT)
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
            await desk.told("left", "/", EngineEnd.SERVER_CLOSED)
            await websocket.done()

    async def test_every_socket_hears_of_the_end_once(self, desk):
        async with serving(desk) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            websocket.send("40/custom,")
            await websocket.said()

            await websocket.done()
            await desk.told("left", "/custom", EngineEnd.CLIENT_CLOSED)

            assert [entry for entry in desk.log if entry[0] == "left"] == [
                ("left", "/", EngineEnd.CLIENT_CLOSED),
                ("left", "/custom", EngineEnd.CLIENT_CLOSED),
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

            # Not the packet that closes: python-engineio's client would not come back after it.
            assert await poll == (200, "6")
            assert await websocket.said() == 1012
            assert (await get(server, POLLING))[0] == 503
            await desk.told("left", "/", EngineEnd.SHUTDOWN)
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
        async with serving(desk, EngineLimits(max_inbox=2)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            desk.authenticator.clear()

            posting = asyncio.ensure_future(post(server, query, '42["a"]\x1e42["b"]\x1e42["c"]'))
            await desk.is_hearing.wait()
            assert not posting.done()
            desk.authenticator.set()

            assert await posting == (200, "ok")
            await desk.told("c")

    async def test_the_end_does_not_wait_for_an_application_that_is_behind(self, desk):
        async with serving(desk, EngineLimits(max_inbox=1)) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            desk.authenticator.clear()
            for _ in range(5):
                websocket.send('42["a"]')
            await desk.is_hearing.wait()

            server.shut_down()
            await websocket.done()
            desk.authenticator.set()

            await desk.told("left", "/", EngineEnd.SHUTDOWN)

    async def test_the_server_does_not_wait_for_ever_for_an_application_that_hangs(self, desk):
        desk.authenticator.clear()
        async with serving(desk, EngineLimits(linger=0.01)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await post(server, query, '42["m"]')
            await desk.is_hearing.wait()

        assert desk.log == [("joined", "/", None)]

    async def test_a_slow_reader_is_closed_and_told_to_come_back(self, desk):
        async with serving(desk, EngineLimits(max_outbox=10_000)) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)

            for _ in range(100):
                desk.sockets[0].emit("news", "x" * 100)

            await desk.told("left", "/", EngineEnd.OUTBOX_FULL)
            assert len(server) == 0

    async def test_a_burst_within_one_turn_closes_no_client_that_reads(self, desk):
        async with serving(desk, EngineLimits(max_outbox=5_000)) as server:
            websocket = await open_websocket(server)
            await websocket.join()
            await desk.told("joined", "/", None)

            for number in range(20):
                desk.sockets[0].emit("news", number, "x" * 1_000)

            for number in range(20):
                assert (await websocket.said()).startswith(f'42["news",{number},')
            await websocket.done()

    async def test_room_is_there_once_a_client_has_fetched_what_was_said(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            await get(server, query)
            socket = desk.sockets[0]
            assert await socket.room() is True

            socket.emit("news", "x" * 1_000)
            waiting = asyncio.ensure_future(socket.room())
            await asyncio.sleep(0)
            assert not waiting.done()
            await get(server, query)

            assert await waiting is True

    async def test_nobody_waits_for_room_beyond_the_end(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            desk.sockets[0].emit("news", "x")
            waiting = asyncio.ensure_future(desk.sockets[0].room())

            await post(server, query, "1")

            assert await waiting is False

    async def test_a_client_that_is_to_come_back_is_not_told_to_close(self, desk):
        async with serving(desk) as server:
            query = await open_polling(server)
            await post(server, query, "40")
            await desk.told("joined", "/", None)
            await get(server, query)

            desk.sockets[0].emit("last words")
            desk.sockets[0].close(EngineEnd.SHUTDOWN)

            assert await get(server, query) == (200, '42["last words"]\x1e6')
