import pytest

from folkmoot.wire.engine import EngineEnd, Probe, Transport
from folkmoot.wire.engine_packet import encode_message
from folkmoot.wire.refusals import OutOfTurn, UnknownSid, WireRefusal
from tests.wire.engine_stage import GRACE, NOW, open_engine, said, waiting_engine


class TestUpgrade:
    def test_probe_answer_noop_and_upgrade(self):
        engine = waiting_engine()
        engine.open_probe(NOW)

        answer = engine.probe_frame("2probe")

        assert answer.payload == b"3probe"
        assert engine.answer() == b"6"
        assert engine.probe_frame("5") is None
        assert engine.transport is Transport.WEBSOCKET

    def test_a_poll_that_waited_before_it_is_answered_though_all_of_it_comes_at_once(self):
        engine = waiting_engine()
        engine.open_probe(NOW)

        engine.probe_frame("2probe")
        engine.probe_frame("5")

        assert engine.answer() == b"6"

    @pytest.mark.parametrize("frames", [[], ["2probe"]])
    def test_a_poll_that_comes_meanwhile_waits_a_moment_for_its_end(self, frames):
        engine = open_engine()
        engine.open_probe(NOW)
        for frame in frames:
            engine.probe_frame(frame)

        assert engine.poll(NOW) is None
        assert engine.deadline == NOW + GRACE
        engine.tick(NOW + GRACE)
        assert engine.answer() == b"6"
        assert engine.deadline > NOW + GRACE

    @pytest.mark.parametrize("frames_before", [0, 1])
    def test_a_poll_sent_after_it_but_read_before_its_end_gets_no_answer(self, frames_before):
        engine = open_engine()
        engine.open_probe(NOW)
        frames = ["2probe", "5"]
        for frame in frames[:frames_before]:
            engine.probe_frame(frame)

        assert engine.poll(NOW) is None
        for frame in frames[frames_before:]:
            engine.probe_frame(frame)

        assert engine.transport is Transport.WEBSOCKET
        assert engine.answer() is None
        assert said(engine) == []

    def test_a_poll_that_came_meanwhile_waits_on_when_it_is_given_up(self):
        engine = open_engine()
        engine.open_probe(NOW)
        engine.probe_frame("2probe")
        assert engine.poll(NOW) is None

        engine.close_probe()
        engine.tick(NOW + GRACE)

        assert engine.answer() is None
        engine.send(encode_message("later"))
        assert engine.answer() == b"4later"

    def test_what_is_said_during_the_probe_is_not_lost(self):
        engine = open_engine()
        engine.open_probe(NOW)
        engine.probe_frame("2probe")

        engine.send(encode_message("between"))
        engine.probe_frame("5")

        assert said(engine) == [b"4between"]

    def test_after_it_polling_is_refused_and_the_connection_lives(self):
        engine = open_engine()
        engine.open_probe(NOW)
        engine.probe_frame("2probe")
        engine.probe_frame("5")

        with pytest.raises(UnknownSid):
            engine.poll(NOW)

        assert engine.frame("4hello", NOW) == "hello"

    def test_a_second_websocket_is_refused_during_it_and_after(self):
        engine = open_engine()
        engine.open_probe(NOW)

        with pytest.raises(OutOfTurn):
            engine.open_probe(NOW)
        engine.probe_frame("2probe")
        engine.probe_frame("5")
        with pytest.raises(OutOfTurn):
            engine.open_probe(NOW)

        assert engine.is_open

    @pytest.mark.parametrize("data", ["5", "2", "4hello", "1", "3probe", b"\x01", "", "abc"])
    def test_anything_else_ends_the_probe_and_polling_goes_on(self, data):
        engine = open_engine()
        engine.open_probe(NOW)

        with pytest.raises(WireRefusal):
            engine.probe_frame(data)
        engine.close_probe()

        assert engine.probe is Probe.NONE
        assert engine.poll(NOW) is None

    def test_probing_twice_is_refused(self):
        engine = open_engine()
        engine.open_probe(NOW)
        engine.probe_frame("2probe")

        with pytest.raises(OutOfTurn):
            engine.probe_frame("2probe")

    def test_it_does_not_complete_on_a_connection_that_is_over(self):
        engine = open_engine()
        engine.open_probe(NOW)
        engine.probe_frame("2probe")
        engine.finish(EngineEnd.SHUTDOWN)

        with pytest.raises(OutOfTurn):
            engine.probe_frame("5")
