"""The lane under a real uvicorn, spoken to in raw bytes, on both event loops that we support.

The client is a blocking socket whose every wait has a deadline; the server runs in a thread.
"""

import asyncio
import logging
import socket
import struct
import threading

import pytest
import uvloop

from folkmoot.realtime.outbox import SlowReaders
from folkmoot.wire.lane_frames import binary_frame, text_frame
from folkmoot.wire.lane_uvicorn import WithoutQuery
from tests.deadlines import WITHIN_S
from tests.wire.lane_stage import (
    BINARY,
    CLOSE,
    CONT,
    FIN,
    LIMIT,
    PING,
    PONG,
    RSV1,
    TEXT,
    Client,
    Server,
    client_frame,
    handshake,
)

LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]


@pytest.fixture(params=LOOPS, scope="module")
def loop_factory(request):
    return request.param


@pytest.fixture(scope="module")
def server(loop_factory):
    with Server(loop_factory) as server:
        yield server


@pytest.fixture
def pair(server):
    client, here = server.connect()
    with client:
        yield client, here


@pytest.fixture
def client(pair):
    return pair[0]


# What RFC 6455 asks of a server


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, LIMIT])
def test_a_text_comes_back_whatever_its_length_encoding(client, size):
    client.send(FIN | TEXT, b"x" * size)
    assert client.frame() == (TEXT, b"x" * size)


def test_a_binary_message_reaches_the_application(client):
    client.send(FIN | BINARY, b"\xff\x00")
    assert client.frame() == (BINARY, b"\xff\x00")


def test_fragments_make_one_message_and_pings_between_them_are_answered(client):
    client.send(TEXT, b"na")
    client.send(FIN | PING, b"are you there")
    client.send(CONT, "ï".encode()[:1])
    client.send(FIN | PONG, b"unasked")
    client.send(FIN | CONT, "ï".encode()[1:] + b"ve")
    assert client.frame() == (PONG, b"are you there")
    assert client.frame() == (TEXT, "naïve".encode())


def test_a_frame_may_arrive_byte_by_byte(client):
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in client_frame(FIN | TEXT, b"slowly"):
        client.sock.sendall(bytes((byte,)))
    assert client.frame() == (TEXT, b"slowly")


VIOLATIONS = {
    "reserved bit": (client_frame(FIN | RSV1 | TEXT, b"x"), 1002),
    "reserved data opcode": (client_frame(FIN | 0x3, b"x"), 1002),
    "reserved control opcode": (client_frame(FIN | 0xB, b"x"), 1002),
    "unmasked": (client_frame(FIN | TEXT, b"x", masked=False), 1002),
    "control frame over 125 bytes": (client_frame(FIN | PING, b"x" * 126), 1002),
    "fragmented control frame": (client_frame(PING, b"x"), 1002),
    "continuation of nothing": (client_frame(FIN | CONT, b"x"), 1002),
    "text inside a message": (client_frame(TEXT, b"x") + client_frame(FIN | TEXT, b"y"), 1002),
    "close with one byte": (client_frame(FIN | CLOSE, b"\x03"), 1002),
    "a fragment of text that can never be UTF-8": (client_frame(TEXT, b"x\xc0"), 1007),
    "close reason that is not UTF-8": (client_frame(FIN | CLOSE, b"\x03\xe8\xff"), 1007),
    "text that is not UTF-8": (client_frame(FIN | TEXT, b"\xc3\x28"), 1007),
    "text with a surrogate": (client_frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
    "text that ends inside a character": (
        client_frame(TEXT, b"x") + client_frame(FIN | CONT, b"\xf0\x9f"),
        1007,
    ),
    "one byte over the limit": (client_frame(FIN | TEXT, b"x" * (LIMIT + 1)), 1009),
    "fragments over the limit": (
        client_frame(TEXT, b"x" * LIMIT) + client_frame(FIN | CONT, b"x"),
        1009,
    ),
    "declared length of 2 to the 62": (client_frame(FIN | TEXT, b"x", size=1 << 62), 1009),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_violation_is_answered_by_a_close_frame_and_no_traceback(pair, violation, caplog):
    client, here = pair
    wire, code = VIOLATIONS[violation]
    client.sock.sendall(wire)
    assert client.closing()[0] == code
    assert client.frame() is None
    assert here.next_event()["code"] == code
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_a_close_code_that_may_not_be_sent_is_refused(client, code):
    client.send(FIN | CLOSE, struct.pack("!H", code))
    assert client.closing()[0] == 1002


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 4999])
def test_a_close_is_answered_by_the_same_code(pair, code):
    client, here = pair
    client.send(FIN | CLOSE, struct.pack("!H", code) + b"so long")
    assert client.closing() == (code, "so long")
    assert client.frame() is None
    assert here.next_event()["code"] == code


def test_a_close_between_fragments_is_answered_like_any_other(pair):
    client, here = pair
    client.sock.sendall(client_frame(TEXT, b"x") + client_frame(FIN | CLOSE, b"\x03\xe8bye"))
    assert client.closing() == (1000, "bye")
    assert client.frame() is None
    assert here.next_event()["code"] == 1000


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (client_frame(FIN | CLOSE, b"\x03\xe8"), 1000),
        (client_frame(FIN | 0x3), 1002),
        (client_frame(FIN | TEXT, b"\xff"), 1007),
        (client_frame(FIN | PING, b"?") + client_frame(FIN | CLOSE, b"\x03\xe8"), 1000),
    ],
    ids=["a close", "a violation", "no text", "a ping and a close"],
)
def test_what_came_before_the_end_is_answered_before_it(client, end, code):
    client.sock.sendall(client_frame(FIN | TEXT, b"one") + client_frame(FIN | TEXT, b"two") + end)
    frames = list(iter(client.frame, None))
    assert [payload for opcode, payload in frames if opcode == TEXT] == [b"one", b"two"]
    assert frames[-1][0] == CLOSE
    assert frames[-1][1][:2] == struct.pack("!H", code)


def test_the_reason_of_a_refusal_survives_a_client_that_keeps_sending(client):
    client.send(FIN | TEXT, b"x" * (LIMIT + 1))
    client.sock.sendall(b"x" * 1_000_000)
    assert client.closing()[0] == 1009


def test_a_client_that_keeps_sending_after_its_refusal_is_dropped(loop_factory, monkeypatch):
    monkeypatch.setattr("folkmoot.wire.lane_uvicorn.CLOSE_DEADLINE", 0.05)
    with Server(loop_factory) as server, server.connect()[0] as client:
        client.send(FIN | 0x3)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            client.flood()


def test_empty_fragments_cost_no_memory(pair):
    client, here = pair
    client.send(TEXT, b"x")
    client.sock.sendall(client_frame(CONT) * 1000)
    client.send(FIN | PING)
    assert client.frame() == (PONG, b"")
    assert len(here.lane._protocol.frames) == 1


@pytest.mark.parametrize("opcode", [FIN | PING, FIN | PONG, CONT], ids=["ping", "pong", "empty"])
def test_frames_without_a_message_end_the_connection_where_they_go_on_and_on(client, opcode):
    client.send(TEXT, b"x")
    client.sock.sendall(client_frame(opcode) * 20_000)
    opcode, payload = PONG, b""
    while opcode == PONG:
        opcode, payload = client.frame()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 1008))


def test_a_thousand_pings_at_once_are_each_answered(client):
    client.sock.sendall(client_frame(FIN | PING, b"?") * 1000)
    assert [client.frame() for _ in range(1000)] == [(PONG, b"?")] * 1000


def test_many_messages_that_came_together_are_parsed_as_the_application_takes_them(server, pair):
    client, here = pair
    protocol = here.lane._protocol
    texts = [b"%d" % number for number in range(5000)]
    data = b"".join(client_frame(FIN | TEXT, text) for text in texts)

    def come() -> int:
        protocol.data_received(data)
        return len(protocol.inbox._arrived)

    assert server.do(come) < 100
    assert [client.frame() for _ in texts] == [(TEXT, text) for text in texts]


def test_what_one_client_has_sent_leaves_the_loop_to_others_in_between(server, pair):
    _, here = pair
    protocol = here.lane._protocol

    def come() -> tuple[int, bool]:
        protocol.data_received(client_frame(FIN | PONG) * 200_000)
        return len(protocol.unread), protocol.transport.is_reading()

    left, is_reading = server.do(come)
    assert left > 600_000
    assert not is_reading


def test_nothing_is_read_for_ever_of_a_client_that_was_told_to_go(server, pair):
    client, here = pair
    protocol = here.lane._protocol
    server.do(lambda: here.lane.close(1008, "enough"))
    server.do(lambda: protocol.data_received(client_frame(FIN | TEXT, b"x" * 100) * 3_000))
    assert client.closing() == (1008, "enough")
    turns = (server.do(lambda: bool(protocol.unread)) for _ in range(10_000))
    assert not all(turns)
    assert protocol.left_after_close < 0


def test_sixteen_mebibytes_come_back_where_the_limit_allows_them(loop_factory):
    size = 16 * 1024 * 1024
    with Server(loop_factory, ws_max_size=size) as server, server.connect()[0] as client:
        writer = threading.Thread(target=client.send, args=(FIN | BINARY, b"x" * size))
        writer.start()
        assert client.frame() == (BINARY, b"x" * size)
        writer.join(WITHIN_S)


def test_no_extension_is_agreed_to(client):
    assert "sec-websocket-extensions" not in client.headers


def test_a_client_that_speaks_before_it_is_accepted_is_heard_afterwards(server):
    with socket.create_connection(server.address, WITHIN_S) as sock:
        sock.sendall(handshake("/wait"))
        accept = server.waiting.get(timeout=WITHIN_S)
        sock.sendall(client_frame(FIN | CLOSE, b"\x03\xe8"))
        server.do(accept)
        assert server.arrivals.get(timeout=WITHIN_S).next_event()["code"] == 1000


# The application's side


def test_an_application_that_fails_says_1011(client, caplog):
    client.send(FIN | TEXT, b"fail")
    assert client.closing()[0] == 1011
    assert "the application failed" in caplog.text


def test_an_application_that_returns_says_1000(client):
    client.send(FIN | TEXT, b"return")
    assert client.closing()[0] == 1000


def test_a_refused_handshake_is_a_403(server):
    with Client(server.address, "/refuse") as client:
        assert client.status == 403


def test_no_token_is_logged_even_at_debug_level(server, caplog):
    caplog.set_level(logging.DEBUG)
    with server.connect("/live?token=hush")[0] as client:
        client.send(FIN | TEXT, b"hello")
        client.frame()
    with Client(server.address, "/refuse?token=hush"):
        pass
    assert '203.0.113.9:0 - "WebSocket /live" [accepted]' in caplog.text
    assert "hush" not in caplog.text


def test_the_access_log_filter_cuts_the_query():
    args = ("127.0.0.1:1", "GET", "/poll?token=hush", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "%s", args, None)
    assert WithoutQuery().filter(record)
    assert record.args == ("127.0.0.1:1", "GET", "/poll", "1.1", 200)


# The lane


def test_frames_written_on_the_lane_arrive_as_they_are(server, pair):
    client, here = pair
    server.do(lambda: here.lane.write(text_frame(b"one") + binary_frame(b"two")))
    assert client.frame() == (TEXT, b"one")
    assert client.frame() == (BINARY, b"two")


def test_frames_pushed_in_one_tick_leave_in_one_write(server, pair):
    client, here = pair
    writes = []

    def push():
        write = here.lane.write
        here.lane.write = lambda data: (writes.append(data), write(data))
        for text in (b"one", b"two", b"three"):
            here.outbox.push(text_frame(text))

    server.do(push)
    assert [client.frame()[1] for _ in range(3)] == [b"one", b"two", b"three"]
    assert len(writes) == 1


def test_a_ping_is_answered_and_moves_last_heard(server, pair):
    client, here = pair
    server.do(lambda: setattr(here.lane, "last_heard", 0.0))
    server.do(here.lane.ping)
    assert client.frame() == (PING, b"")
    client.send(FIN | PONG)
    client.send(FIN | TEXT, b"done")
    client.frame()
    assert here.lane.last_heard > 0.0


def test_a_close_goes_out_at_once_behind_what_was_pushed(server, pair):
    client, here = pair

    def leave():
        here.outbox.push(text_frame(b"last words"))
        here.lane.close(4003, "removed")

    server.do(leave)
    assert client.frame() == (TEXT, b"last words")
    assert client.closing() == (4003, "removed")
    client.send(FIN | CLOSE, struct.pack("!H", 4003))
    assert client.frame() is None
    assert here.next_event()["code"] == 4003


def test_a_close_that_is_not_answered_ends_in_a_reset(server, pair):
    client, here = pair
    server.do(lambda: here.lane.close(1008, "", 0.05))
    assert client.closing()[0] == 1008
    assert client.is_reset()


def test_an_abort_resets_the_connection(server, pair):
    client, here = pair
    server.do(here.lane.abort)
    assert client.is_reset()
    assert here.next_event()["type"] == "websocket.disconnect"


def test_every_call_is_harmless_once_the_connection_is_gone(server, pair):
    client, here = pair
    client.sock.close()
    client.file.close()
    here.next_event()
    assert server.do(lambda: here.lane._protocol.loop.create_future()) is not None

    def use():
        here.lane.write(text_frame(b"late"))
        here.lane.ping()
        here.lane.close(1000, "")
        here.lane.abort()
        here.outbox.push(text_frame(b"late"))
        return here.lane.buffered_bytes

    assert server.do(use) == 0


def test_a_plain_send_after_a_close_tells_the_application_that_the_client_left(server, pair):
    here = pair[1]
    server.do(lambda: here.lane.close(1000, ""))
    sending = asyncio.run_coroutine_threadsafe(
        here.send({"type": "websocket.send", "text": "late"}), server.loop
    )
    with pytest.raises(OSError):
        sending.result(WITHIN_S)


# Slow readers and restarts

CHUNK = text_frame(b"x" * 32_000)


def fill(server, here):
    """Push until the client's kernel buffers are full and the lane says that it is paused."""
    for _ in range(1000):
        server.do(lambda: here.outbox.push(CHUNK))
        if here.lane.paused:
            return
    raise AssertionError("the lane was never paused")


def test_what_a_slow_reader_missed_arrives_in_order_once_it_reads(server):
    client, here = server.connect(rcvbuf=4096)
    with client:
        fill(server, here)
        server.do(lambda: here.outbox.push(text_frame(b"one")))
        server.do(lambda: here.outbox.push(text_frame(b"two")))
        server.do(lambda: here.outbox.offer(text_frame(b"typing")))
        seen = []
        while seen[-1:] != [b"two"]:
            seen.append(client.frame()[1])
        assert seen[-3:] == [b"x" * 32_000, b"one", b"two"]
        assert server.tick.dropped_frames == 1


def test_a_client_that_stops_reading_is_given_up_and_freed(loop_factory):
    slow = SlowReaders(max_bytes=200_000, deadline=0.05)
    with Server(loop_factory, slow) as server:
        client, here = server.connect(rcvbuf=4096)
        with client:
            fill(server, here)
            for _ in range(10):
                server.do(lambda: here.outbox.push(CHUNK))
            event = here.next_event()
            assert (event["code"], event["reason"]) == (slow.code, slow.reason)
            assert server.tick.slow_closes == 1
            assert client.is_reset()


def test_a_slow_reader_that_wakes_up_in_time_reads_why_it_was_closed(loop_factory):
    with Server(loop_factory, SlowReaders(max_bytes=200_000)) as server:
        client, here = server.connect(rcvbuf=4096)
        with client:
            fill(server, here)
            for _ in range(10):
                server.do(lambda: here.outbox.push(CHUNK))
            here.next_event()
            while (frame := client.frame())[0] != CLOSE:
                assert frame == (TEXT, b"x" * 32_000)
            assert frame[1] == struct.pack("!H", 1013) + b"slow reader: come back and resume"


def test_pings_from_a_client_that_does_not_read_are_not_hoarded(server):
    client, here = server.connect(rcvbuf=4096)
    with client:
        fill(server, here)
        before = server.do(lambda: here.lane.buffered_bytes)
        client.sock.sendall(client_frame(FIN | PING, b"x" * 125) * 1000)
        client.send(FIN | TEXT, b"mark")
        here.next_event()
        assert server.do(lambda: here.lane.buffered_bytes) <= before


def test_a_restart_sends_what_is_pending_and_then_says_come_back(loop_factory):
    with Server(loop_factory) as server:
        client, here = server.connect()

        def stop():
            here.outbox.push(text_frame(b"last words"))
            here.lane._protocol.shutdown()

        server.do(stop)
        with client:
            assert client.frame() == (TEXT, b"last words")
            assert client.closing() == (1012, "server is restarting: come back and resume")


def test_a_restart_waits_for_no_client_longer_than_its_deadline(loop_factory, monkeypatch):
    monkeypatch.setattr("folkmoot.wire.lane_uvicorn.CLOSE_DEADLINE", 0.05)
    with Server(loop_factory) as server:
        client, here = server.connect(rcvbuf=4096)
        fill(server, here)
    with client:
        assert client.is_reset()
    assert here.next_event()["code"] == 1012
