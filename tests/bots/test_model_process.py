"""A model asked by a process of its own: what comes back, and what becomes of the process."""

import asyncio
import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest

from folkmoot.bots.answerer import AnswerFailed, Retraction
from folkmoot.bots.model.circuit_breaker import CircuitBreaker
from folkmoot.bots.model.faults import BROKEN
from folkmoot.bots.model.process import GONE, MAX_UNREAD_BYTES, ModelProcess
from folkmoot.bots.model.protocol import AnswerEnd, Ask, Piece, Ready, Setup, line, report_in
from folkmoot.bots.model.settings import ModelSettings
from folkmoot.server.programs import model_asker
from tests.bots.answerers import KEY, PATIENT, at_work, collect, sources
from tests.bots.model_server import (
    Act,
    Exchange,
    ModelServer,
    fails,
    says,
    sends,
    stalls_after,
    stalls_at_once,
)
from tests.deadlines import WITHIN_S

pytestmark = pytest.mark.program
LITTLE_PIECES = 2000


def setup_for(server: ModelServer) -> Setup:
    model = ModelSettings(base_url=server.url, model="test-model", key=KEY)
    return Setup(model=model, timeouts=replace(PATIENT, tries=2, backoff=0.01))


@asynccontextmanager
async def asked_apart(
    server: ModelServer, program: str = model_asker.__name__, breaker: CircuitBreaker | None = None
) -> AsyncIterator[ModelProcess]:
    answerer = ModelProcess(setup_for(server), program=program, rest=0.01, breaker=breaker)
    async with asyncio.timeout(WITHIN_S), at_work(answerer):
        yield answerer


def the_process() -> psutil.Process:
    (process,) = [
        child
        for child in psutil.Process().children()
        if model_asker.__name__ in " ".join(child.cmdline())
    ]
    return process


async def test_an_answer_comes_in_pieces_each_before_the_next_is_there(server: ModelServer) -> None:
    second = asyncio.Event()

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("The pump")
        await second.wait()
        await exchange.piece(" is dry.", "stop")

    server.will(act)
    async with asked_apart(server) as answerer:
        pieces = answerer.answer(sources())
        assert await anext(pieces) == "The pump"
        second.set()
        assert [piece async for piece in pieces] == [" is dry."]


async def test_a_thought_that_was_handed_on_is_retracted(server: ModelServer) -> None:
    second = asyncio.Event()

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("I wonder.")
        await second.wait()
        await exchange.piece("\n</think>\nBlue.", "stop")

    server.will(act)
    async with asked_apart(server) as answerer:
        pieces = answerer.answer(sources())
        assert await anext(pieces) == "I wonder."
        second.set()
        assert [piece async for piece in pieces] == [Retraction(), "Blue."]


def test_pieces_that_wait_are_forgotten_with_what_they_are_a_part_of() -> None:
    async def said() -> list[object]:
        target = io.BytesIO()
        speaker = model_asker.PieceWriter(target)
        for piece in ("I ", "wonder.", Retraction(), "Blue", "."):
            speaker.add(1, piece)
        speaker.say(AnswerEnd(1))
        return [report_in(each) for each in target.getvalue().splitlines()]

    assert asyncio.run(said()) == [Piece(1, "Blue.", retracts=True), AnswerEnd(1)]


async def test_many_questions_at_once_have_their_own_answers(server: ModelServer) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        asked = exchange.request.body["messages"][-1]["content"]
        for word in ("You asked: ", next(x for x in asked.split() if x.startswith("No."))):
            await exchange.piece(word)
        await exchange.piece("", "stop")

    server.will(act)
    async with asked_apart(server) as answerer:
        questions = [f"No.{number} please" for number in range(20)]
        collected = await asyncio.gather(*(collect(answerer, sources(each)) for each in questions))

    assert [each.text for each in collected] == [f"You asked: No.{number}" for number in range(20)]


async def test_why_there_is_no_answer_is_said_and_logged_here(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.will(fails(500))
    async with asked_apart(server) as answerer:
        collected = await collect(answerer)

    assert (collected.pieces, collected.failure) == ([], BROKEN)
    assert len(server.requests) == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "gave no whole answer" in caplog.text
    assert KEY not in caplog.text


async def test_a_model_that_is_down_for_many_is_not_asked_for_a_while(server: ModelServer) -> None:
    server.will(fails(503))
    async with asked_apart(
        server, breaker=CircuitBreaker(failures=2, rest=2 * WITHIN_S)
    ) as answerer:
        for _ in range(2):
            await answerer.ready()
            await collect(answerer)

        with pytest.raises(AnswerFailed, match=BROKEN):
            await answerer.ready()


@pytest.mark.parametrize("act", [says("Well."), fails(400), sends(b"Hello", form="text/html")])
async def test_one_that_answers_one_way_or_another_is_not_down(
    server: ModelServer, act: Act
) -> None:
    async with asked_apart(
        server, breaker=CircuitBreaker(failures=2, rest=2 * WITHIN_S)
    ) as answerer:
        for each in (fails(503), act, fails(503)):
            server.will(each)
            await answerer.ready()
            await collect(answerer)

        await answerer.ready()


def test_before_each_look_for_news_whoever_waits_for_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[int] = []
    monkeypatch.setattr(os, "sched_yield", lambda: given.append(1))
    with asyncio.Runner(loop_factory=model_asker.new_loop) as runner:
        runner.run(asyncio.sleep(0))

    assert given


def test_the_same_is_logged_once_a_minute_and_then_how_often_it_was() -> None:
    target, times = io.BytesIO(), [100.0, 110.0, 120.0, 130.0, 160.0]
    handler = model_asker.Forwarded(model_asker.PieceWriter(target), iter(times).__next__)
    for text in ("it is down", "it is down", "it is down", "it is busy", "it is down"):
        handler.emit(logging.makeLogRecord({"levelno": logging.WARNING, "msg": text}))

    said = [report_in(text).text for text in target.getvalue().splitlines()]

    again = "it is down (and 2 times more since this was last said)"
    assert said == ["it is down", "it is busy", again]


@pytest.mark.parametrize("act", [stalls_at_once, stalls_after("So")])
async def test_who_waits_no_longer_ends_the_request(server: ModelServer, act: object) -> None:
    server.will(act)
    async with asked_apart(server) as answerer:
        asking = asyncio.create_task(collect(answerer))
        exchange = await server.request_number(1)

        asking.cancel()

        await exchange.is_gone.wait()
        server.will(says("Well."))
        assert (await collect(answerer)).text == "Well."


async def test_a_flood_of_little_pieces_comes_in_few(server: ModelServer) -> None:
    server.will(says(*(f"{number} " for number in range(LITTLE_PIECES))))
    async with asked_apart(server) as answerer:
        collected = await collect(answerer)

    assert collected.text == "".join(f"{number} " for number in range(LITTLE_PIECES))
    assert len(collected.pieces) < LITTLE_PIECES / 10


async def test_a_process_that_is_killed_fails_its_answers_and_the_next_has_another(
    server: ModelServer,
) -> None:
    server.will(stalls_after("So"), says("Well."))
    async with asked_apart(server) as answerer:
        pieces = answerer.answer(sources())
        assert await anext(pieces) == "So"
        first = the_process()

        first.kill()

        with pytest.raises(AnswerFailed) as failure:
            await anext(pieces)
        assert str(failure.value) == GONE
        assert (await collect(answerer)).text == "Well."
        assert the_process().pid != first.pid


async def test_a_process_that_reads_nothing_more_holds_nobody_up_and_is_ended(
    server: ModelServer,
) -> None:
    async with asked_apart(server) as answerer:
        await collect(answerer)
        the_process().suspend()
        much = sources("why " * (MAX_UNREAD_BYTES // 8))
        asking = [asyncio.create_task(collect(answerer, much)) for _ in range(4)]

        failures = [(await each).failure for each in asking]

        assert failures == [GONE] * 4
        assert (await collect(answerer)).text == "All is well."


@pytest.mark.parametrize("program", ["this", "no_such_module"])
async def test_a_program_that_talks_nonsense_or_is_not_there_is_a_failure(
    server: ModelServer, caplog: pytest.LogCaptureFixture, program: str
) -> None:
    async with asked_apart(server, program) as answerer:
        collected = await collect(answerer)

    assert (collected.pieces, collected.failure) == ([], GONE)
    assert "the process that asks the model" in caplog.text


async def test_the_process_has_the_key_in_no_argument_or_variable_and_ends_with_the_server(
    server: ModelServer,
) -> None:
    async with asked_apart(server) as answerer:
        await collect(answerer)
        process = the_process()
        assert KEY not in " ".join([*process.cmdline(), *process.environ().values()])
        assert process.nice() == model_asker.NICENESS

    assert not process.is_running()


def test_it_ends_when_stdin_does_and_not_by_what_is_sent_to_all() -> None:
    command = [sys.executable, "-I", "-m", model_asker.__name__]
    model = ModelSettings(base_url="http://127.0.0.1:9/v1", model="m")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        setup = Setup(model=model, timeouts=replace(PATIENT, tries=1))
        process.stdin.write(line(setup) + line(Ask(1, sources())))
        process.stdin.flush()
        assert isinstance(report_in(process.stdout.readline()), Ready)
        while not isinstance(report_in(process.stdout.readline()), AnswerEnd):
            pass
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        output, errors = process.communicate(timeout=WITHIN_S)

    assert (process.returncode, output, errors) == (0, b"", b"")
