from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.refusals import ConnectRefused, OutOfTurn, TooLarge, WireRefusal
from folkmoot.wire.socket import ConnectAsked, Left, Namespaces, SocketEvent

NOW = 1000.0
LIMITS = EngineLimits(connect_timeout=1.0, max_payload=1000, max_pending_acks=3)
KNOWN = frozenset(("/", "/custom"))
ONE_ATTACHMENT = '51-["m",{"_placeholder":true,"num":0}]'
TWO_ATTACHMENTS = '52-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'


def text_of(packet):
    return packet.parts[0].data.decode()


def fresh(limits=LIMITS):
    return Namespaces(KNOWN, limits, NOW)


def joined(*names, limits=LIMITS):
    namespaces = fresh(limits)
    for name in names or ("/",):
        asked = namespaces.receive(f"0{name},")
        assert namespaces.join(asked, "s1", {}) is not None
    return namespaces


class TestConnect:
    def test_a_connect_asks_with_its_auth(self):
        asked = fresh().receive('0{"token":"t"}')

        assert isinstance(asked, ConnectAsked)
        assert (asked.namespace, asked.auth) == ("/", {"token": "t"})

    def test_a_connect_without_auth_asks_with_nothing(self):
        assert fresh().receive("0").auth == {}

    def test_who_is_let_in_is_told_its_sid(self):
        namespaces = fresh()
        asked = namespaces.receive("0/custom,")

        assert text_of(namespaces.join(asked, "s1", {})) == '40/custom,{"sid":"s1"}'

    def test_who_is_not_let_in_is_told_why_and_may_ask_again(self):
        namespaces = fresh()
        asked = namespaces.receive("0")

        answer = namespaces.refuse(asked, ConnectRefused("authentication required", {"code": 1}))

        assert text_of(answer) == '44{"message":"authentication required","data":{"code":1}}'
        assert isinstance(namespaces.receive("0"), ConnectAsked)

    def test_an_unknown_namespace_is_answered_without_asking_anybody(self):
        answer = fresh().receive("0/random")

        assert text_of(answer) == '44/random,{"message":"Invalid namespace"}'

    def test_a_second_connect_is_refused_before_and_after_the_answer(self):
        namespaces = fresh()
        asked = namespaces.receive("0")

        with pytest.raises(OutOfTurn):
            namespaces.receive("0")
        namespaces.join(asked, "s1", {})
        with pytest.raises(OutOfTurn):
            namespaces.receive("0")

    @pytest.mark.parametrize("packets", [("0/nowhere,",), ("0", "1")], ids=["unknown", "left"])
    def test_who_asks_to_join_again_and_again_is_refused_in_the_end(self, packets):
        namespaces = fresh(replace(LIMITS, max_connects=10))
        for _ in range(10):
            for packet in packets:
                namespaces.receive(packet)

        with pytest.raises(OutOfTurn):
            namespaces.receive(packets[0])

    def test_an_answer_that_comes_after_the_client_left_is_not_sent(self):
        namespaces = fresh()
        asked = namespaces.receive("0")
        namespaces.receive("1")
        again = namespaces.receive("0")

        assert namespaces.join(asked, "s1", {}) is None
        assert namespaces.refuse(asked, ConnectRefused("no")) is None
        assert text_of(namespaces.join(again, "s2", {})) == '40{"sid":"s2"}'

    def test_who_joins_nothing_in_time_is_late(self):
        namespaces = fresh()

        assert not namespaces.is_late(NOW + 0.99)
        assert namespaces.is_late(NOW + 1.0)

    def test_who_was_refused_gets_no_more_time(self):
        namespaces = fresh()
        namespaces.refuse(namespaces.receive("0"), ConnectRefused("no"))

        assert namespaces.is_late(NOW + 1.0)

    def test_who_waits_for_our_answer_is_not_late(self):
        namespaces = fresh()
        namespaces.receive("0")

        assert not namespaces.is_late(NOW + 1.0)
        assert namespaces.deadline > NOW + 1.0

    def test_who_has_joined_once_is_never_late(self):
        namespaces = joined()
        namespaces.receive("1")

        assert not namespaces.is_late(NOW + 1_000_000)


class TestEvents:
    def test_an_event_is_its_name_and_arguments(self):
        assert joined().receive('2["message",1,"2",{"3":[true]}]') == SocketEvent(
            "/", "message", [1, "2", {"3": [True]}], None
        )

    def test_an_event_that_wants_an_answer_carries_the_id(self):
        assert joined("/custom").receive('2/custom,456["m"]') == SocketEvent(
            "/custom", "m", [], 456
        )

    def test_an_event_for_a_namespace_that_was_never_asked_for_is_refused(self):
        with pytest.raises(OutOfTurn):
            joined().receive('2/custom,["m"]')

    def test_an_event_after_leaving_is_dropped(self):
        namespaces = joined("/", "/custom")

        assert namespaces.receive("1/custom,") == Left("/custom")

        assert namespaces.receive('2/custom,["m"]') is None
        assert namespaces.receive('2["m"]') == SocketEvent("/", "m", [], None)

    def test_an_event_that_crosses_our_goodbye_is_dropped(self):
        namespaces = joined()

        assert text_of(namespaces.leave("/")) == "41"

        assert namespaces.leave("/") is None
        assert namespaces.receive('2["m"]') is None


class TestAttachments:
    def test_an_event_comes_when_its_last_attachment_has(self):
        namespaces = joined()

        assert namespaces.receive(TWO_ATTACHMENTS) is None
        assert namespaces.receive(b"\x01") is None
        assert namespaces.receive(b"\x02") == SocketEvent("/", "m", [b"\x01", b"\x02"], None)

    def test_text_between_them_is_refused(self):
        namespaces = joined()
        namespaces.receive(TWO_ATTACHMENTS)
        namespaces.receive(b"\x01")

        with pytest.raises(OutOfTurn):
            namespaces.receive('2["m"]')

    def test_one_without_an_event_is_refused(self):
        with pytest.raises(OutOfTurn):
            joined().receive(b"\x01")

    def test_one_more_than_announced_is_refused(self):
        namespaces = joined()
        namespaces.receive(ONE_ATTACHMENT)
        namespaces.receive(b"\x01")

        with pytest.raises(OutOfTurn):
            namespaces.receive(b"\x02")

    def test_together_with_their_event_they_stay_within_one_payload(self):
        namespaces = joined()
        namespaces.receive(TWO_ATTACHMENTS)
        namespaces.receive(b"x" * 500)

        with pytest.raises(TooLarge):
            namespaces.receive(b"x" * 500)


class TestAcks:
    def test_an_answer_reaches_who_asked_once(self):
        namespaces = joined()
        answers = []
        ack_id, packet = namespaces.ask("/", "question", [1], answers.append)

        assert text_of(packet) == f'42{ack_id}["question",1]'
        namespaces.receive(f'3{ack_id}["yes"]')
        namespaces.receive(f'3{ack_id}["again"]')

        assert answers == [["yes"]]

    def test_an_answer_may_be_binary(self):
        namespaces = joined()
        answers = []
        ack_id, _ = namespaces.ask("/", "question", [], answers.append)

        namespaces.receive(f'61-{ack_id}[{{"_placeholder":true,"num":0}}]')
        namespaces.receive(b"\x01")

        assert answers == [[b"\x01"]]

    @pytest.mark.parametrize("forged", ["3999[]", "3/custom,1[]", "30[]"])
    def test_a_forged_answer_is_nothing(self, forged):
        namespaces = joined("/", "/custom")
        answers = []
        namespaces.ask("/", "question", [], answers.append)

        assert namespaces.receive(forged) is None

        assert answers == []

    def test_an_answer_that_nobody_waits_for_any_longer_is_nothing(self):
        namespaces = joined()
        answers = []
        ack_id, _ = namespaces.ask("/", "question", [], answers.append)

        namespaces.stop_asking("/", ack_id)
        namespaces.receive(f"3{ack_id}[]")

        assert answers == []

    def test_who_leaves_owes_no_answers(self):
        namespaces = joined()
        answers = []
        ack_id, _ = namespaces.ask("/", "question", [], answers.append)
        namespaces.receive("1")
        namespaces.join(namespaces.receive("0"), "s2", {})

        namespaces.receive(f"3{ack_id}[]")

        assert answers == []

    def test_a_client_can_owe_only_so_many(self):
        namespaces = joined()
        for _ in range(3):
            namespaces.ask("/", "question", [], lambda _: None)

        with pytest.raises(TooLarge):
            namespaces.ask("/", "question", [], lambda _: None)


class NamespacesRules(RuleBasedStateMachine):
    """Whatever a client says in whatever order, only refusals escape and little is kept."""

    def __init__(self):
        super().__init__()
        self.namespaces = fresh(replace(LIMITS, max_payload=100))
        self.asked = []

    @rule(
        message=st.one_of(
            st.sampled_from(
                ["0", "1", "0/custom,", "1/custom,", '2["m"]', '2/custom,1["m"]', "31[]"]
            ),
            st.sampled_from([ONE_ATTACHMENT, TWO_ATTACHMENTS, "0/random", b"\x01" * 60]),
            st.text(max_size=20),
            st.binary(max_size=200),
        )
    )
    def client_says(self, message):
        try:
            incoming = self.namespaces.receive(message)
        except WireRefusal:
            # The connection would be closed for it: the next client begins afresh.
            self.__init__()
        else:
            if isinstance(incoming, ConnectAsked):
                self.asked.append(incoming)

    @rule(data=st.data(), lets_in=st.booleans())
    def application_decides(self, data, lets_in):
        if self.asked:
            asked = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
            if lets_in:
                self.namespaces.join(asked, "s1", {})
            else:
                self.namespaces.refuse(asked, ConnectRefused("no"))

    @rule(namespace=st.sampled_from(["/", "/custom"]))
    def application_puts_out(self, namespace):
        self.namespaces.leave(namespace)

    @rule()
    def application_asks(self):
        with suppress(TooLarge):
            self.namespaces.ask("/", "question", [], lambda _: None)

    @invariant()
    def little_is_kept(self):
        assert sum(map(len, self.namespaces._parts)) <= 100
        assert len(self.namespaces._acks) <= 3
        assert len(self.namespaces._states) <= 2


TestNamespacesRules = NamespacesRules.TestCase
