import json
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from folkmoot.wire.engine import Engine, EngineEnd, Overflow, Probe, Transport
from folkmoot.wire.engine_packet import encode_message
from folkmoot.wire.refusals import (
    BadPacket,
    OutOfTurn,
    TooLarge,
    UnknownSid,
    WireRefusal,
)
from tests.deadlines import costs_less_than
from tests.wire.engine_stage import LIMITS, NOW, Wakes, open_engine, said, waiting_engine


class TestHandshake:
    @pytest.mark.parametrize(
        ("transport", "upgrades"), [(Transport.POLLING, ["websocket"]), (Transport.WEBSOCKET, [])]
    )
    def test_it_says_five_things_in_milliseconds(self, transport, upgrades):
        engine = Engine("sid-1", transport, LIMITS, NOW, wake=Wakes())

        (packet,) = said(engine)

        assert packet[:1] == b"0"
        assert json.loads(packet[1:]) == {
            "sid": "sid-1",
            "upgrades": upgrades,
            "pingInterval": 300,
            "pingTimeout": 200,
            "maxPayload": 1_000_000,
        }


class TestPolling:
    def test_a_poll_waits_while_there_is_nothing_to_say(self):
        engine = open_engine()

        assert engine.poll(NOW) is None
        assert engine.answer() is None

    def test_a_waiting_poll_is_answered_with_everything_said_in_a_turn(self):
        engine = waiting_engine()

        engine.send(encode_message("one"))
        engine.send(encode_message(b"\x01"))

        assert engine.answer() == b"4one\x1ebAQ=="
        assert engine.answer() is None

    def test_a_poll_takes_no_more_packets_than_python_clients_accept(self):
        engine = open_engine()
        for number in range(40):
            engine.send(encode_message(str(number)))

        answers = [said(engine) for _ in range(3)]

        assert [len(answer) for answer in answers] == [16, 16, 8]
        assert [packet for answer in answers for packet in answer] == [
            f"4{number}".encode() for number in range(40)
        ]
        assert engine.outbox_bytes == 0

    def test_a_post_brings_its_messages_in_order(self):
        engine = open_engine()
        engine.begin_post(NOW)

        assert engine.post(b"4one\x1ebAQ==\x1e3\x1e4two", NOW) == ["one", b"\x01", "two"]

    def test_a_second_poll_ends_the_first_with_a_close_and_the_connection(self):
        engine = waiting_engine()

        with pytest.raises(OutOfTurn):
            engine.poll(NOW)

        assert engine.answer() == b"1"
        with pytest.raises(UnknownSid):
            engine.poll(NOW)

    def test_a_second_post_while_one_is_read_ends_the_connection(self):
        engine = open_engine()
        engine.begin_post(NOW)

        with pytest.raises(OutOfTurn):
            engine.begin_post(NOW)

        with pytest.raises(UnknownSid):
            engine.post(b"4late", NOW)

    def test_a_client_that_hangs_up_on_its_poll_is_gone(self):
        engine = waiting_engine()

        engine.poll_lost()

        assert engine.end is EngineEnd.CLIENT_CLOSED
        assert engine.is_over

    @pytest.mark.parametrize(
        "body", [b"abc", b"", b"4ok\x1e", b"2", b"2probe", b"5", b"0", b"6", b"3x", b"1x", b"4\xff"]
    )
    def test_a_bad_packet_ends_the_connection(self, body):
        engine = waiting_engine()
        engine.begin_post(NOW)

        with pytest.raises(BadPacket):
            engine.post(body, NOW)

        assert engine.end is EngineEnd.BAD_PACKET
        assert engine.answer() == b"1"

    def test_too_much_in_one_post_ends_the_connection(self):
        engine = open_engine()
        engine.begin_post(NOW)

        with pytest.raises(TooLarge):
            engine.post(b"4" * (LIMITS.max_payload + 1), NOW)

        assert engine.end is EngineEnd.TOO_LARGE

    def test_a_close_by_post_answers_the_waiting_poll_with_a_noop(self):
        engine = waiting_engine()
        engine.begin_post(NOW)

        assert engine.post(b"4last\x1e1\x1e4never", NOW) == ["last"]

        assert engine.answer() == b"6"
        with pytest.raises(UnknownSid):
            engine.poll(NOW)


class TestWebSocket:
    def test_frames_bring_messages_and_nothing_else(self):
        engine = open_engine(Transport.WEBSOCKET)

        assert engine.frame("4hello", NOW) == "hello"
        assert engine.frame(b"\x01", NOW) == b"\x01"
        assert engine.frame("3", NOW) is None

    @pytest.mark.parametrize("data", ["abc", "", "2", "5", "2probe", "4\ud800"])
    def test_a_bad_frame_ends_the_connection(self, data):
        engine = open_engine(Transport.WEBSOCKET)

        with pytest.raises(BadPacket):
            engine.frame(data, NOW)

        assert engine.end is EngineEnd.BAD_PACKET

    def test_a_message_is_measured_in_bytes(self):
        engine = open_engine(Transport.WEBSOCKET, replace(LIMITS, max_payload=10))

        assert engine.frame("4" + "a" * 9, NOW) == "a" * 9
        with pytest.raises(TooLarge):
            engine.frame("4ééééé", NOW)

    def test_a_close_by_frame_ends_the_connection(self):
        engine = open_engine(Transport.WEBSOCKET)

        engine.frame("1", NOW)

        assert engine.end is EngineEnd.CLIENT_CLOSED

    def test_it_is_woken_once_for_all_that_is_said_in_a_turn(self):
        wakes = Wakes()
        engine = open_engine(Transport.WEBSOCKET, wake=wakes)
        before = wakes.count

        engine.send(encode_message("one"))
        engine.send(encode_message("two"))

        assert wakes.count == before + 1
        assert said(engine) == [b"4one", b"4two"]

    def test_polling_requests_are_refused_and_change_nothing(self):
        engine = open_engine(Transport.WEBSOCKET)

        with pytest.raises(UnknownSid):
            engine.poll(NOW)
        with pytest.raises(UnknownSid):
            engine.begin_post(NOW)

        assert engine.is_open


class TestHeartbeat:
    def test_it_pings_after_the_interval_and_again_after_each_pong(self):
        engine = open_engine(Transport.WEBSOCKET)
        times = [NOW]
        for _ in range(3):
            assert engine.deadline == pytest.approx(times[-1] + 0.3)
            times.append(engine.deadline)
            engine.tick(times[-1])
            assert said(engine) == [b"2"]
            engine.frame("3", times[-1])

    def test_no_pong_in_time_ends_it(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.tick(NOW + 0.3)

        engine.tick(NOW + 0.49)
        assert engine.is_open
        engine.tick(NOW + 0.5)

        assert engine.end is EngineEnd.PING_TIMEOUT

    def test_a_ping_that_is_late_by_us_does_not_put_off_the_end(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.tick(NOW + 0.35)

        engine.tick(NOW + 0.5)

        assert engine.end is EngineEnd.PING_TIMEOUT

    def test_but_half_of_the_time_to_answer_it_is_left_in_any_case(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.tick(NOW + 0.45)

        engine.tick(NOW + 0.54)
        assert engine.is_open
        engine.tick(NOW + 0.56)

        assert engine.end is EngineEnd.PING_TIMEOUT

    def test_a_poll_after_the_missed_pong_is_refused_even_before_the_timer_rings(self):
        engine = open_engine()
        engine.tick(NOW + 0.3)

        with pytest.raises(UnknownSid):
            engine.poll(NOW + 0.5)

    def test_messages_are_no_pong(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.tick(NOW + 0.3)

        engine.frame("4hello", NOW + 0.4)
        engine.tick(NOW + 0.5)

        assert engine.end is EngineEnd.PING_TIMEOUT

    def test_a_pong_that_nobody_asked_for_does_not_put_off_the_ping(self):
        engine = open_engine(Transport.WEBSOCKET)

        engine.frame("3", NOW + 0.2)

        assert engine.deadline == pytest.approx(NOW + 0.3)

    def test_a_client_that_we_did_not_read_from_gets_more_time(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.tick(NOW + 0.3)
        engine.excuse()

        engine.tick(NOW + 0.5)
        assert engine.is_open
        engine.tick(NOW + 0.7)

        assert engine.end is EngineEnd.PING_TIMEOUT

    def test_a_ping_goes_ahead_of_a_backlog(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.send(encode_message("waiting"))

        engine.tick(NOW + 0.3)

        assert said(engine) == [b"2", b"4waiting"]


class TestClose:
    def test_a_waiting_poll_gets_the_last_words_and_the_close(self):
        engine = waiting_engine()
        engine.send(encode_message("goodbye"))

        engine.close(NOW)

        assert engine.answer() == b"4goodbye\x1e1"
        assert engine.is_over

    def test_a_polling_client_gets_a_while_to_fetch_the_last_words(self):
        engine = open_engine()
        engine.send(encode_message("goodbye"))
        engine.close(NOW)

        assert not engine.is_over
        with pytest.raises(UnknownSid):
            engine.begin_post(NOW)
        assert said(engine) == [b"4goodbye", b"1"]
        assert engine.is_over

    def test_nobody_waits_for_ever_for_a_client_that_does_not_come(self):
        engine = open_engine()
        engine.close(NOW)

        engine.tick(NOW + LIMITS.linger)

        assert engine.is_over

    def test_a_websocket_gets_the_last_words_before_its_close(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.send(encode_message("goodbye"))

        engine.close(NOW)

        assert engine.is_over
        assert said(engine) == [b"4goodbye"]

    def test_after_the_end_nothing_is_taken_and_the_first_reason_stays(self):
        engine = open_engine(Transport.WEBSOCKET)
        engine.finish(EngineEnd.PING_TIMEOUT)

        engine.send(encode_message("late"))
        engine.close(NOW)
        engine.finish(EngineEnd.SHUTDOWN)

        assert said(engine) == []
        assert engine.end is EngineEnd.PING_TIMEOUT


class TestOutbox:
    LIMITS = replace(LIMITS, max_outbox=1000)

    def test_a_full_one_ends_the_connection(self):
        engine = open_engine(Transport.WEBSOCKET, self.LIMITS)

        for _ in range(9):
            engine.send(encode_message("x"))

        assert engine.end is EngineEnd.OUTBOX_FULL
        assert said(engine) == []

    def test_volatile_packets_do_not_fill_it(self):
        engine = open_engine(Transport.WEBSOCKET, self.LIMITS)

        for _ in range(50):
            engine.send(encode_message("typing", volatile=True))

        assert engine.is_open
        assert engine.outbox_bytes <= 1000

    def test_volatile_packets_make_way_for_others(self):
        engine = open_engine(Transport.WEBSOCKET, self.LIMITS)
        engine.send(encode_message("first"))
        for _ in range(50):
            engine.send(encode_message("typing", volatile=True))

        engine.send(encode_message("second"))

        assert said(engine) == [b"4first", b"4second"]

    def test_the_policy_may_drop_a_packet_instead(self):
        refused = []

        def drop(packet):
            refused.append(packet)
            return Overflow.DROP

        engine = open_engine(Transport.WEBSOCKET, self.LIMITS, full=drop)
        packet = encode_message("x" * 2000)

        engine.send(packet)

        assert refused == [packet]
        assert engine.is_open

    def test_many_small_packets_count_for_what_they_cost(self):
        engine = open_engine(Transport.WEBSOCKET, replace(LIMITS, max_outbox=1_000_000))

        count = 0
        while engine.is_open:
            engine.send(encode_message(""))
            count += 1

        assert count < 10_000

    def test_a_stopped_reader_does_not_make_sending_dear(self):
        engine = open_engine(
            Transport.WEBSOCKET,
            replace(LIMITS, max_outbox=2_000_000),
            full=lambda _packet: Overflow.DROP,
        )
        packet = encode_message("")

        with costs_less_than(1):
            for _ in range(100_000):
                engine.send(packet)


class EngineRules(RuleBasedStateMachine):
    """Whatever a client and the application do, only refusals escape, and the bounds hold."""

    def __init__(self):
        super().__init__()
        self.now = NOW
        limits = replace(LIMITS, max_outbox=5_000, max_payload=400, max_packets=10)
        self.engine = Engine("sid-1", Transport.POLLING, limits, NOW, wake=Wakes())

    def refusing(self, step, *arguments):
        try:
            return step(*arguments)
        except WireRefusal:
            return None

    @rule(seconds=st.floats(0, 0.4))
    def time_passes(self, seconds):
        self.now += seconds
        self.engine.tick(self.now)

    @rule(message=st.one_of(st.text(max_size=50), st.binary(max_size=300)), volatile=st.booleans())
    def we_say(self, message, volatile):
        self.engine.send(encode_message(message, volatile=volatile))

    @rule()
    def client_polls(self):
        self.refusing(self.engine.poll, self.now)

    @rule()
    def poll_is_answered(self):
        assert self.engine.answer() != b""

    @rule()
    def poll_is_lost(self):
        self.engine.poll_lost()

    @rule(body=st.one_of(st.binary(max_size=500), st.sampled_from([b"3", b"1", b"4a\x1e4b", b"2"])))
    def client_posts(self, body):
        if self.refusing(self.engine.begin_post, self.now) is None and self.engine.is_open:
            self.refusing(self.engine.post, body, self.now)

    @rule()
    def websocket_comes(self):
        self.refusing(self.engine.open_probe, self.now)

    @precondition(lambda self: self.engine.probe is not Probe.NONE)
    @rule(data=st.one_of(st.sampled_from(["2probe", "5"]), st.text(max_size=5), st.binary()))
    def client_probes(self, data):
        try:
            self.engine.probe_frame(data)
        except WireRefusal:
            self.engine.close_probe()

    @precondition(lambda self: self.engine.transport is Transport.WEBSOCKET)
    @rule(data=st.one_of(st.sampled_from(["3", "1", "4a"]), st.text(), st.binary(max_size=500)))
    def client_sends_a_frame(self, data):
        self.refusing(self.engine.frame, data, self.now)

    @precondition(lambda self: self.engine.transport is Transport.WEBSOCKET)
    @rule()
    def websocket_is_written(self):
        self.engine.take()

    @rule(end=st.sampled_from([EngineEnd.SHUTDOWN, EngineEnd.SERVER_CLOSED]))
    def we_close(self, end):
        self.engine.close(self.now, end)

    @invariant()
    def outbox_is_bounded(self):
        assert self.engine.outbox_bytes <= self.engine.limits.max_outbox + 1_000

    @invariant()
    def nothing_is_due_in_the_past_of_an_open_connection(self):
        if self.engine.is_open:
            assert self.engine.deadline >= self.now - 0.5


TestEngineRules = EngineRules.TestCase
