import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.refusals import BadPacket, TooLarge, WireRefusal
from folkmoot.wire.socket_packet import (
    decode_packet,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    fill,
)
from tests.deadlines import costs_less_than

LIMITS = EngineLimits()
ONE = '{"_placeholder":true,"num":0}'
TWO = '{"_placeholder":true,"num":1}'

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def read(text):
    return decode_packet(text, LIMITS)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "namespace", "ack_id", "data"),
        [
            ("0", "/", None, None),
            ('0{"token":"123"}', "/", None, {"token": "123"}),
            ("0/custom", "/custom", None, None),
            ("0/custom,", "/custom", None, None),
            ('0/custom,{"a":1}', "/custom", None, {"a": 1}),
            ("1", "/", None, None),
            ("1/custom,", "/custom", None, None),
            ('2["message",1]', "/", None, ["message", 1]),
            ('2456["m"]', "/", 456, ["m"]),
            ('2/custom,0["m"]', "/custom", 0, ["m"]),
            ("37[]", "/", 7, []),
            # No text that anybody can store, but JSON: that is the application's to say.
            ('2["m","\\ud800"]', "/", None, ["m", "\ud800"]),
        ],
    )
    def test_each_kind_of_packet(self, text, namespace, ack_id, data):
        packet = read(text)

        assert (packet.namespace, packet.ack_id, packet.data) == (namespace, ack_id, data)
        assert packet.attachments == 0

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param("abc", id="no type"),
            pytest.param("7", id="unknown type"),
            pytest.param('4{"message":"x"}', id="a server's type"),
            pytest.param("2", id="event without data"),
            pytest.param("2{}", id="event that is no list"),
            pytest.param("2[]", id="event without a name"),
            pytest.param("2[1]", id="event with a number for a name"),
            pytest.param("2[null]", id="event with null for a name"),
            pytest.param('2["connect"]', id="reserved name"),
            pytest.param('2["disconnect"]', id="another reserved name"),
            pytest.param('2["newListener"]', id="a third reserved name"),
            pytest.param('2abc["m"]', id="ack id that is no number"),
            pytest.param('2-1["m"]', id="negative ack id"),
            pytest.param('2٤["m"]', id="digits of another script"),
            pytest.param(f'2{"9" * 10_000}["m"]', id="endless ack id"),
            pytest.param('0["a"]', id="auth that is no object"),
            pytest.param('0"a"', id="auth that is a string"),
            pytest.param("05{}", id="connect with an ack id"),
            pytest.param("1{}", id="disconnect with data"),
            pytest.param("3[1]", id="ack without an id"),
            pytest.param("37{}", id="ack that is no list"),
            pytest.param("37", id="ack without data"),
            pytest.param('2["m"] x', id="more after the data"),
            pytest.param('2["m",NaN]', id="not a number"),
            pytest.param('2["m",Infinity]', id="infinity"),
            pytest.param('2["m",1e999]', id="infinity in digits"),
            pytest.param(f'2["m",{"1" * 10_000}]', id="10,000 digits"),
            pytest.param('2["m\\ud800"]', id="lone surrogate in a name"),
            pytest.param('2["m","\\ud800",NaN]', id="lone surrogate beside no number"),
            pytest.param('2["m","\\ud800",1e999]', id="lone surrogate beside infinity"),
            pytest.param('2["m","\\ud800"', id="lone surrogate in what is no JSON"),
            pytest.param('2["m","\ud800"]', id="lone surrogate, raw"),
            pytest.param('2["m","\x01"]', id="control character"),
            pytest.param('2["m",' + "[" * 50, id="deep and broken"),
            pytest.param('5["m"]', id="binary without a count"),
            pytest.param('50-["m"]', id="no attachments"),
            pytest.param(f'5-["m",{ONE}]', id="empty count"),
            pytest.param('5٢-["m"]', id="count in another script"),
            pytest.param('51-["m"]', id="no placeholder"),
            pytest.param(f'51-["m",{ONE},{ONE}]', id="placeholder used twice"),
            pytest.param(f'51-["m",{TWO}]', id="placeholder beyond the last"),
            pytest.param('51-["m",{"_placeholder":true,"num":-1}]', id="negative placeholder"),
            pytest.param('51-["m",{"_placeholder":true,"num":2147483648}]', id="huge placeholder"),
            pytest.param('51-["m",{"_placeholder":true,"num":"0"}]', id="text placeholder"),
            pytest.param('51-["m",{"_placeholder":true,"num":0.0}]', id="float placeholder"),
            pytest.param('51-["m",{"_placeholder":true,"num":false}]', id="boolean placeholder"),
            pytest.param('51-["m",{"_placeholder":true}]', id="placeholder without a number"),
            pytest.param(f"51-[{ONE}]", id="placeholder for a name"),
        ],
    )
    def test_what_is_no_packet_of_a_client_is_refused(self, text):
        with pytest.raises(BadPacket):
            read(text)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(f'511-["m",{ONE}]', id="11 attachments"),
            pytest.param(f'510000000000-["m",{ONE}]', id="10^10 attachments"),
            pytest.param('2["m",' + "[" * 64 + "]" * 64 + "]", id="65 levels"),
            pytest.param('2["m",' + "[" * 900 + "]" * 900 + "]", id="901 levels"),
            pytest.param('2["m",' + "[" * 100_000, id="very deep and broken"),
            pytest.param('2["m",' + "[]," * 5_000 + "[]]", id="10,000 values"),
            pytest.param("0/" + "x" * 200, id="long namespace"),
        ],
    )
    def test_more_than_the_limits_allow_is_refused(self, text):
        with pytest.raises(TooLarge):
            read(text)

    def test_as_deep_as_allowed_is_taken(self):
        assert read('2["m",' + "[" * 63 + "]" * 63 + "]").data[0] == "m"

    def test_brackets_in_text_are_not_depth(self):
        assert read(f'2["m","{"[{" * 1000}"]').data == ["m", "[{" * 1000]

    def test_names_from_other_languages_prototypes_are_names(self):
        packet = read('2["__proto__",{"__proto__":{"admin":true},"constructor":1}]')

        assert packet.data == ["__proto__", {"__proto__": {"admin": True}, "constructor": 1}]

    def test_a_placeholder_in_an_event_without_attachments_is_data(self):
        assert read(f'2["m",{ONE}]').data == ["m", {"_placeholder": True, "num": 0}]

    def test_attachments_go_where_their_placeholders_stand(self):
        packet = read(f'52-/custom,9["m",{{"b":[{TWO}]}},{ONE}]')

        fill(packet, [b"first", b"second"])

        assert packet.data == ["m", {"b": [b"second"]}, b"first"]
        assert (packet.namespace, packet.ack_id) == ("/custom", 9)

    def test_a_megabyte_of_brackets_is_refused_cheaply(self):
        with costs_less_than(0.1), pytest.raises(WireRefusal):
            read('2["m",' + "[" * 1_000_000)


class TestWriting:
    @pytest.mark.parametrize(
        ("packet", "texts"),
        [
            (encode_event("m", 1, "é"), ['42["m",1,"é"]']),
            (encode_event("m", namespace="/custom"), ['42/custom,["m"]']),
            (encode_event("m", ack_id=0), ['420["m"]']),
            (encode_ack(456, [1, "2", {"3": [False]}]), ['43456[1,"2",{"3":[false]}]']),
            (encode_ack(7, [], namespace="/custom"), ["43/custom,7[]"]),
            (encode_connect("s1", {}), ['40{"sid":"s1"}']),
            (encode_connect("s1", {"pid": "p"}, namespace="/c"), ['40/c,{"sid":"s1","pid":"p"}']),
            (encode_connect_error("no", None, namespace="/x"), ['44/x,{"message":"no"}']),
            (
                encode_connect_error("no", {"code": 1}, namespace="/"),
                ['44{"message":"no","data":{"code":1}}'],
            ),
            (encode_disconnect(), ["41"]),
            (encode_disconnect(namespace="/c"), ["41/c,"]),
            (
                encode_event("m", b"\x01", {"x": bytearray(b"\x02")}),
                [f'452-["m",{ONE},{{"x":{TWO}}}]', b"\x01", b"\x02"],
            ),
            (encode_ack(9, (memoryview(b"\x01"),)), [f"461-9[{ONE}]", b"\x01"]),
        ],
    )
    def test_each_kind_of_packet(self, packet, texts):
        assert [
            part.data if part.is_binary else part.data.decode() for part in packet.parts
        ] == texts

    def test_the_caller_keeps_its_arguments_as_they_were(self):
        argument = {"x": [b"\x01"]}

        encode_event("m", argument)

        assert argument == {"x": [b"\x01"]}


@given(st.lists(json_values, max_size=3), st.none() | st.integers(0, 10**14), st.booleans())
def test_what_is_encoded_decodes_to_the_same(args, ack_id, in_custom):
    namespace = "/custom" if in_custom else "/"
    (part,) = encode_event("m", *args, namespace=namespace, ack_id=ack_id).parts

    packet = read(part.data.decode()[1:])

    assert packet.data == ["m", *args]
    assert (packet.namespace, packet.ack_id) == (namespace, ack_id)


@given(st.text(st.characters()))
def test_any_text_is_decoded_or_refused(text):
    with suppress(WireRefusal):
        read(text)


@given(
    st.sampled_from("0123456"),
    st.sampled_from(["", "1-", "2-", "/custom,", "1-/custom,", "12", "1-12"]),
    json_values | st.lists(st.sampled_from([json.loads(ONE), json.loads(TWO), "m", 1])),
)
def test_anything_that_looks_like_a_packet_is_decoded_or_refused(kind, head, data):
    with suppress(WireRefusal):
        packet = read(f"{kind}{head}{json.dumps(data)}")
        if packet.attachments:
            fill(packet, [b""] * packet.attachments)
