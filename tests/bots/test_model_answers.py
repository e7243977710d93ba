"""What a model's server may do, and what whoever asked gets of it. The server is a real one."""

import asyncio
import json
import logging
import re
import socket
import traceback
from dataclasses import replace
from datetime import timedelta

import psutil
import pytest

from folkmoot.bots.answerer import AnswerFailed
from folkmoot.bots.model import faults
from folkmoot.bots.model.connection import ResponseBounds
from folkmoot.bots.model.settings import ModelTimeouts
from tests.bots.answerers import KEY, PATIENT, ModelSetup, collect, sources
from tests.bots.model_server import (
    Act,
    Exchange,
    ModelServer,
    chunk,
    fails,
    hangs_up,
    pours,
    says,
    sends,
    stalls_after,
    stalls_at_once,
    streams,
)
from tests.deadlines import WITHIN_S
from tests.loop_clock import LoopClock

MIB = 1024 * 1024
IMPATIENT = replace(PATIENT, first=0.3, pause=0.3)


async def test_an_answer_comes_in_the_pieces_that_the_model_sends(
    server: ModelServer, setup: ModelSetup
) -> None:
    server.will(says("The disk ", "is full", "."))

    collected = await setup.ask(server)

    assert collected.pieces == ["The disk ", "is full", "."]
    assert collected.failure is None


async def test_a_piece_is_handed_on_before_the_next_one_comes(
    server: ModelServer, setup: ModelSetup
) -> None:
    go_on = asyncio.Event()

    async def act(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("first")
        await go_on.wait()
        await exchange.piece(" second", "stop")

    server.will(act)
    async with setup.answerer(server.url) as answerer, asyncio.timeout(WITHIN_S):
        pieces = answerer.answer(sources())

        assert await anext(pieces) == "first"
        go_on.set()
        assert [piece async for piece in pieces] == [" second"]


async def test_a_request_has_the_model_the_key_and_the_bound_and_nothing_of_the_machine(
    server: ModelServer, setup: ModelSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: yes")

    await setup.ask(server, max_answer_tokens=77)

    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert {name: request.body[name] for name in ("model", "stream", "max_tokens")} == {
        "model": "test-model",
        "stream": True,
        "max_tokens": 77,
    }
    assert set(request.body) == {"model", "stream", "max_tokens", "messages"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert set(request.headers) == {
        "host",
        "content-type",
        "content-length",
        "connection",
        "accept",
        "accept-encoding",
        "user-agent",
        "authorization",
    }


async def test_without_a_key_none_is_sent_though_the_environment_has_one(
    server: ModelServer, setup: ModelSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-program")

    await setup.ask(server, key=None)

    assert "authorization" not in server.requests[0].headers


async def test_the_bound_goes_by_the_name_that_the_model_knows(
    server: ModelServer, setup: ModelSetup
) -> None:
    await setup.ask(server, max_tokens_field="max_completion_tokens")

    assert server.requests[0].body["max_completion_tokens"] == 1000
    assert "max_tokens" not in server.requests[0].body


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 429, 408])
async def test_a_passing_fault_is_tried_again_and_the_answer_comes_once(
    server: ModelServer, setup: ModelSetup, status: int
) -> None:
    server.will(fails(status), fails(status), says("Now."))

    collected = await setup.ask(server)

    assert collected.pieces == ["Now."]
    assert setup.waits == [0.5, 1.0]


async def test_tries_are_bounded(server: ModelServer, setup: ModelSetup) -> None:
    server.will(fails(500))

    collected = await setup.ask(server)

    assert (collected.pieces, collected.failure) == ([], faults.BROKEN)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 413, 422])
async def test_what_will_not_pass_is_not_tried_again(
    server: ModelServer, setup: ModelSetup, status: int
) -> None:
    server.will(fails(status, location="http://127.0.0.1:1/elsewhere"))

    collected = await setup.ask(server)

    assert collected.failure == faults.REFUSED
    assert len(server.requests) == 1


async def test_the_key_does_not_follow_a_redirect(server: ModelServer, setup: ModelSetup) -> None:
    async with ModelServer() as elsewhere:
        server.will(fails(307, location=f"{elsewhere.url}/chat/completions"))

        await setup.ask(server)

        assert elsewhere.requests == []


async def test_retry_after_is_waited_for(server: ModelServer, setup: ModelSetup) -> None:
    in_3_s = (setup.clock.now() + timedelta(seconds=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.will(fails(429, retry_after="2"), fails(503, retry_after=in_3_s), says("Now."))

    collected = await setup.ask(server)

    assert collected.text == "Now."
    assert setup.waits == [2.0, 3.0]


@pytest.mark.parametrize("wait", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_longer_wait_than_there_is_time_fails_at_once(
    server: ModelServer, setup: ModelSetup, wait: str
) -> None:
    server.will(fails(429, retry_after=wait), says("Never."))

    collected = await setup.ask(server)

    assert collected.failure == faults.BUSY
    assert (len(server.requests), setup.waits) == (1, [])


@pytest.mark.parametrize("wait", ["soon", "-5", "nan", "inf", "1e999", "", "9" * 400, "Fri, 99"])
async def test_a_nonsensical_wait_is_none(
    server: ModelServer, setup: ModelSetup, wait: str
) -> None:
    server.will(fails(429, retry_after=wait), says("Now."))

    collected = await setup.ask(server)

    assert collected.text == "Now."
    assert setup.waits == [0.5]


async def test_nobody_listening_is_tried_again_and_then_said(setup: ModelSetup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with setup.answerer(f"http://127.0.0.1:{port}/v1") as answerer:
        collected = await collect(answerer)

    assert collected.failure == faults.OUT_OF_REACH
    assert setup.waits == [0.5, 1.0]


async def test_a_connection_lost_before_the_first_piece_is_tried_again(
    server: ModelServer, setup: ModelSetup
) -> None:
    server.will(hangs_up, sends(b""), says("Now."))

    collected = await setup.ask(server)

    assert collected.pieces == ["Now."]


LYING = sends(b"data: " + json.dumps(chunk("So")).encode() + b"\n\n", content_length=5000)
CHUNKED = sends(
    b"%x\r\ndata: %s\n\n\r\nff\r\ndata:"
    % (len(json.dumps(chunk("So"))) + 8, json.dumps(chunk("So")).encode()),
    transfer_encoding="chunked",
)
HALF_AN_EVENT = sends(b"data: %s\n\ndata: {" % json.dumps(chunk("So")).encode())
ERROR = {"error": {"message": f"overloaded at http://10.0.0.1 {KEY}", "code": 1}}


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        pytest.param(says("So", end=None, done=False), faults.CUT_OFF, id="cut"),
        pytest.param(HALF_AN_EVENT, faults.CUT_OFF, id="cut in an event"),
        pytest.param(LYING, faults.CUT_OFF, id="lying content length"),
        pytest.param(CHUNKED, faults.CUT_OFF, id="cut in a chunk"),
        pytest.param(streams(chunk("So"), ERROR), faults.BROKEN, id="error in the stream"),
        pytest.param(streams(chunk("So"), "{not json"), faults.UNREADABLE, id="broken JSON"),
        pytest.param(streams(chunk("So"), "[" * 100_000), faults.UNREADABLE, id="deep JSON"),
        pytest.param(streams(chunk("So"), chunk(5)), faults.UNREADABLE, id="a number as text"),
        pytest.param(streams(chunk("So", "length")), faults.TOO_LONG, id="length"),
        pytest.param(says("So", end="content_filter"), faults.WITHHELD, id="filter"),
        pytest.param(stalls_after("So"), faults.TOO_SLOW, id="stalled"),
    ],
)
async def test_nothing_is_tried_again_after_the_first_piece(
    server: ModelServer, act: Act, failure: str
) -> None:
    server.will(act, says("Twice."))

    collected = await ModelSetup(timeouts=patience_for(failure)).ask(server)

    assert (collected.text, collected.failure) == ("So", failure)
    assert len(server.requests) == 1


def patience_for(failure: str) -> ModelTimeouts:
    """Only what is to take too long is given little time."""
    return IMPATIENT if failure == faults.TOO_SLOW else PATIENT


HTML = b"<!doctype html><title>502</title>" + b"x" * MIB
BAD_UTF8 = b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n'


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        pytest.param(sends(HTML, form="text/html"), faults.UNREADABLE, id="HTML"),
        pytest.param(sends(HTML, form="text/html", status=502), faults.BROKEN, id="HTML error"),
        pytest.param(sends(HTML), faults.UNREADABLE, id="HTML that claims to be events"),
        pytest.param(sends(b"{}", form="application/json"), faults.UNREADABLE, id="JSON"),
        pytest.param(sends(b"", content_encoding="gzip"), faults.UNREADABLE, id="gzip"),
        pytest.param(streams("{not json"), faults.UNREADABLE, id="broken JSON"),
        pytest.param(streams("[" * 100_000), faults.UNREADABLE, id="deep JSON"),
        pytest.param(streams("5"), faults.UNREADABLE, id="a number"),
        pytest.param(streams("null"), faults.UNREADABLE, id="null"),
        pytest.param(streams('"text"'), faults.UNREADABLE, id="a text"),
        pytest.param(streams({"choices": "none"}), faults.UNREADABLE, id="choices of another type"),
        pytest.param(streams(chunk({"a": 1})), faults.UNREADABLE, id="an object as text"),
        pytest.param(streams(chunk("x", 5)), faults.UNREADABLE, id="a number as end"),
        pytest.param(sends(BAD_UTF8), faults.UNREADABLE, id="bad UTF-8"),
        pytest.param(says(), faults.NOTHING, id="empty"),
        pytest.param(says("", " ", "\n\n", "\0"), faults.NOTHING, id="white space"),
        pytest.param(says(end="tool_calls"), faults.NOTHING, id="a call of a tool"),
        pytest.param(says(end="content_filter"), faults.WITHHELD, id="filter"),
        pytest.param(streams({"choices": []}, ERROR), faults.BROKEN, id="error in the stream"),
        pytest.param(hangs_up, faults.CUT_OFF, id="cut at once"),
        pytest.param(sends(b""), faults.CUT_OFF, id="no events"),
        pytest.param(sends(b": still here\n\n" * 9), faults.CUT_OFF, id="comments only"),
        pytest.param(stalls_at_once, faults.TOO_SLOW, id="no response"),
        pytest.param(stalls_after(), faults.TOO_SLOW, id="no event"),
    ],
)
async def test_an_answer_that_never_begins_is_one_sentence(
    server: ModelServer, act: Act, failure: str
) -> None:
    server.will(act)

    collected = await ModelSetup(timeouts=patience_for(failure)).ask(server)

    assert (collected.pieces, collected.failure) == ([], failure)


async def test_a_drip_of_bytes_ends_with_the_time_for_an_event(server: ModelServer) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        for byte in json.dumps(chunk("slow" * 1000)).encode():
            await exchange.send(bytes([byte]))
            if await gone_within(exchange, 0.02):
                return

    server.will(act)
    collected = await ModelSetup(timeouts=IMPATIENT).ask(server)

    assert collected.failure == faults.TOO_SLOW
    assert server.exchanges[0].bytes_sent < 300


async def test_a_drip_of_pieces_ends_with_the_time_for_all(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.head()
        while not await gone_within(exchange, 0.02):
            await exchange.piece("x")

    server.will(act)
    clock = LoopClock(monkeypatch)
    async with ModelSetup(timeouts=replace(PATIENT, whole=30)).answerer(server.url) as answerer:
        pieces = answerer.answer(sources())
        assert [await anext(pieces) for _ in range(3)]
        clock.put_forward(30)
        with pytest.raises(AnswerFailed, match=re.escape(faults.TOO_SLOW)):
            _ = [piece async for piece in pieces]


async def gone_within(exchange: Exchange, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await exchange.is_gone.wait()
    except TimeoutError:
        return False
    return True


BIG_EVENT = b"data: " + json.dumps(chunk("x" * 60_000)).encode() + b"\n\n"
EMPTY_EVENTS = (b"data: " + json.dumps(chunk("")).encode() + b"\n\n") * 100


@pytest.mark.parametrize(
    ("blob", "failure"),
    [
        pytest.param(BIG_EVENT, faults.TOO_LONG, id="an answer without end"),
        pytest.param(b"x" * 60_000, faults.UNREADABLE, id="a line without end"),
        pytest.param(b"data: x\n" * 8000, faults.UNREADABLE, id="an event without end"),
        pytest.param(b"data: x\r\n" * 8000, faults.UNREADABLE, id="the same with CRLF"),
        pytest.param(EMPTY_EVENTS, faults.UNREADABLE, id="empty pieces without end"),
        pytest.param(
            (b": here" + b"e" * 100 + b"\n\n") * 500, faults.UNREADABLE, id="comments without end"
        ),
    ],
)
async def test_of_a_hundred_megabytes_little_is_read_and_less_is_kept(
    server: ModelServer, blob: bytes, failure: str
) -> None:
    setup = ModelSetup(timeouts=PATIENT)
    process = psutil.Process()
    await setup.ask(server)
    server.will(pours(blob, 100 * MIB))
    before = process.memory_info().rss

    collected = await setup.ask(server)

    assert collected.failure == failure
    assert len(collected.text) <= 10_000
    assert server.exchanges[-1].bytes_sent < 16 * MIB
    assert process.memory_info().rss - before < 24 * MIB


@pytest.mark.parametrize("form", ["text/html", "text/event-stream"])
async def test_a_huge_error_page_is_not_read(
    server: ModelServer, setup: ModelSetup, form: str
) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.head(404, form)
        while exchange.bytes_sent < 100 * MIB:
            await exchange.send(b"x" * 60_000)

    server.will(act)
    collected = await setup.ask(server)

    assert collected.failure == faults.REFUSED
    assert server.exchanges[0].bytes_sent < 16 * MIB


async def test_events_of_a_bounded_size_pass_whatever_ends_their_lines(setup: ModelSetup) -> None:
    async with ModelServer() as server:
        for end in (b"\n", b"\r\n", b"\r"):
            text = json.dumps(chunk("y" * 600)).encode()
            events = (b"data: " + text + end + end) * 20
            last = b"data: " + json.dumps(chunk(".", "stop")).encode() + end + end
            server.will(sends(events + last))
            small = ModelSetup(bounds=ResponseBounds(event_bytes=70_000, response_bytes=100_000))

            collected = await small.ask(server, max_answer_chars=20_000)

            assert (len(collected.text), collected.failure) == (12_001, None)


async def test_an_answer_is_cut_at_its_bound_to_the_character(
    server: ModelServer, setup: ModelSetup
) -> None:
    server.will(says("é" * 30, "é" * 30))

    collected = await setup.ask(server, max_answer_chars=50)

    assert (collected.text, collected.failure) == ("é" * 50, faults.TOO_LONG)


async def test_pieces_are_valid_text(server: ModelServer, setup: ModelSetup) -> None:
    server.will(says("\ud83d", "\ude00 a\0b \udc00c", "\ud800", "d\ud800"))

    collected = await setup.ask(server)

    assert collected.text == "\U0001f600 ab \ufffdc\ufffdd"
    assert collected.failure is None


async def test_half_a_pair_at_the_end_of_an_answer_is_dropped(
    server: ModelServer, setup: ModelSetup
) -> None:
    server.will(says("ok", "\ud83d"))

    assert (await setup.ask(server)).text == "ok"


async def test_what_a_model_thinks_is_not_handed_on(server: ModelServer, setup: ModelSetup) -> None:
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}
    usage = {"choices": [], "usage": {"total_tokens": 5}}
    server.will(streams(usage, thought, chunk("So."), chunk(None, "stop"), usage, "[DONE]"))

    collected = await setup.ask(server)

    assert (collected.pieces, collected.failure) == (["So."], None)


async def test_closing_the_iterator_ends_the_request(
    server: ModelServer, setup: ModelSetup
) -> None:
    server.will(stalls_after("So"))
    async with setup.answerer(server.url) as answerer, asyncio.timeout(WITHIN_S):
        pieces = answerer.answer(sources())
        assert await anext(pieces) == "So"

        await pieces.aclose()

        await server.exchanges[0].is_gone.wait()


@pytest.mark.parametrize("act", [stalls_at_once, stalls_after()])
async def test_cancelling_whoever_waits_ends_the_request(
    server: ModelServer, setup: ModelSetup, act: Act
) -> None:
    server.will(act)
    async with setup.answerer(server.url) as answerer, asyncio.timeout(WITHIN_S):
        asking = asyncio.create_task(collect(answerer))
        exchange = await server.request_number(1)

        asking.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asking
        await exchange.is_gone.wait()


async def test_an_iterator_closed_before_it_began_asks_nothing(
    server: ModelServer, setup: ModelSetup
) -> None:
    async with setup.answerer(server.url) as answerer:
        await answerer.answer(sources()).aclose()

    assert server.requests == []


async def test_the_key_and_the_address_are_in_no_failure_log_or_repr(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    setup = ModelSetup(timeouts=replace(IMPATIENT, tries=1))
    acts = (fails(401), streams(ERROR), hangs_up, sends(b"{}", form="text/html"), stalls_at_once)
    shown: list[str] = []
    async with setup.answerer(server.url) as answerer:
        for act in acts:
            server.will(act)
            with pytest.raises(AnswerFailed) as failed:
                _ = [piece async for piece in answerer.answer(sources())]
            shown += traceback.format_exception(failed.value)
            shown.append(repr(failed.value))
        shown += [repr(answerer), answerer.name, repr(answerer._settings)]
        shown += [repr(value) for value in vars(answerer).values()]
        shown.append(repr(answerer._client._client._transport))

    whole = "\n".join([*shown, *(str(record.__dict__) for record in caplog.records)])
    assert KEY not in whole
    assert "10.0.0.1" not in whole
    assert len([r for r in caplog.records if r.name.startswith("folkmoot")]) == len(acts)


async def test_neither_question_nor_answer_is_logged(
    server: ModelServer, setup: ModelSetup, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.will(streams(chunk("a private answer"), "{private"))

    await setup.ask(server, sources("a private question"))

    assert caplog.records
    assert "private" not in "\n".join(str(record.__dict__) for record in caplog.records)


async def test_many_questions_at_once_have_their_own_answers(
    server: ModelServer, setup: ModelSetup
) -> None:
    async def act(exchange: Exchange) -> None:
        word = exchange.request.prompt.rsplit("number ", 1)[1].split()[0]
        await says("It is ", word)(exchange)

    server.will(act)
    async with setup.answerer(server.url) as answerer:
        collected = await asyncio.gather(
            *(collect(answerer, sources(f"Which is number {n} ?")) for n in range(20))
        )

    assert [one.text for one in collected] == [f"It is {n}" for n in range(20)]
