"""Streams as servers in use send them (`streams/`), sent by a real one in pieces of any size."""

import asyncio
import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from folkmoot.bots.answerer import Retraction
from folkmoot.bots.model import faults
from tests.bots.answerers import PATIENT, ModelSetup, collect, sources
from tests.bots.model_server import Exchange, ModelServer, chunk, frames, says
from tests.deadlines import WITHIN_S

STREAMS = Path(__file__).parent / "streams"
PIECES = (1, 7, 1024 * 1024)


def streams() -> Iterator[object]:
    for path in sorted(STREAMS.glob("*.toml")):
        for stream in tomllib.loads(path.read_text())["stream"]:
            yield pytest.param(stream, id=f"{path.stem}: {stream['name']}")


@pytest.mark.parametrize("stream", list(streams()))
async def test_every_stream_is_the_answer_that_its_server_means(
    stream: dict[str, str], server: ModelServer
) -> None:
    body = stream["body"].encode()
    form, framing = stream.get("form", "text/event-stream"), stream.get("framing", "chunked")
    failure = getattr(faults, stream["failure"]) if "failure" in stream else None

    for size in PIECES:
        server.will(frames(body, size, framing=framing, form=form))
        collected = await ModelSetup().ask(server, model=stream.get("model", "test-model"))

        assert (collected.text, collected.failure) == (stream.get("text", ""), failure)
        assert collected.retracted == []


def test_there_are_streams_of_many_servers() -> None:
    files = list(STREAMS.glob("*.toml"))

    assert len(files) >= 15
    assert len(list(streams())) >= 60


async def test_a_model_that_began_with_a_thought_is_retracted_and_held_back_from_then_on(
    server: ModelServer,
) -> None:
    go_on = asyncio.Event()

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("I wonder.")
        await go_on.wait()
        await exchange.piece("\n</think>\n\nBlue.", "stop")

    server.will(act)
    setup = ModelSetup(timeouts=replace(PATIENT, held=0.01))
    async with setup.answerer(server.url) as answerer, asyncio.timeout(WITHIN_S):
        pieces = answerer.answer(sources())
        assert await anext(pieces) == "I wonder."
        go_on.set()
        assert [piece async for piece in pieces] == [Retraction(), "Blue."]

        collected = await collect(answerer)
        assert (collected.pieces, collected.retracted) == (["Blue."], [])


async def test_a_model_that_has_once_begun_with_its_answer_is_not_held_back(
    server: ModelServer,
) -> None:
    go_on = asyncio.Event()

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("It is")
        await go_on.wait()
        await exchange.piece(" blue.", "stop")

    server.will(says("Blue."), act)
    setup = ModelSetup(timeouts=replace(PATIENT, held=2 * WITHIN_S))
    async with setup.answerer(server.url) as answerer, asyncio.timeout(WITHIN_S):
        assert (await collect(answerer)).text == "Blue."

        pieces = answerer.answer(sources())
        assert await anext(pieces) == "It is"
        go_on.set()
        assert [piece async for piece in pieces] == [" blue."]


async def test_after_the_finish_reason_nothing_is_waited_for_long(server: ModelServer) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("Blue.", "stop")
        await exchange.stall()

    server.will(act)
    collected = await ModelSetup(timeouts=replace(PATIENT, after_end=0.01)).ask(server)

    assert (collected.text, collected.failure) == ("Blue.", None)


async def test_a_connection_whose_stream_came_to_its_end_is_used_again(setup: ModelSetup) -> None:
    event = f"data: {json.dumps(chunk('Blue.', 'stop'))}\n\ndata: [DONE]\n\n".encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
    connections: list[object] = []
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while heading := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", heading, re.IGNORECASE)
                assert length is not None
                await reader.readexactly(int(length[1]))
                writer.write(head % len(event) + event)
        writer.close()
        closed.set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        async with setup.answerer(url) as answerer:
            answers = [(await collect(answerer)).text for _ in range(3)]
        await asyncio.wait_for(closed.wait(), WITHIN_S)

    assert answers == ["Blue."] * 3
    assert len(connections) == 1
