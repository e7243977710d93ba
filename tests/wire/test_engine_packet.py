from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.engine_packet import (
    BadPacket,
    Packet,
    TooLarge,
    decode_frame,
    decode_payload,
    encode_message,
    encode_text,
)
from folkmoot.wire.refusals import WireRefusal
from tests.deadlines import costs_less_than

MOST = 100


def test_a_text_frame_is_its_kind_and_what_follows():
    assert decode_frame("4hello") == Packet("4", "hello")
    assert decode_frame("2probe") == Packet("2", "probe")


def test_a_binary_frame_is_a_message():
    assert decode_frame(b"\x01\x02") == Packet("4", b"\x01\x02")


@pytest.mark.parametrize("text", ["", "abc", "7", "\x1e", "-1", "٤hello"])
def test_text_of_no_known_kind_is_refused(text):
    with pytest.raises(BadPacket):
        decode_frame(text)


def test_a_payload_holds_text_and_base64_packets_in_order():
    packets = decode_payload(b"4hello\x1ebAQIDBA==\x1e3", most_packets=MOST)

    assert packets == [Packet("4", "hello"), Packet("4", b"\x01\x02\x03\x04"), Packet("3", "")]


@pytest.mark.parametrize(
    "body",
    [b"", b"abc", b"4ok\x1e", b"\x1e", b"b!!!!", b"bAQI", b"bAQ==\n", b"4\xff", b"4\xed\xa0\x80"],
)
def test_a_payload_with_anything_else_is_refused(body):
    with pytest.raises(BadPacket):
        decode_payload(body, most_packets=MOST)


def test_a_payload_of_just_as_many_packets_as_allowed_is_taken():
    assert len(decode_payload(b"\x1e".join([b"4"] * MOST), most_packets=MOST)) == MOST


def test_a_million_packets_are_refused_without_decoding_them():
    body = b"\x1e".join([b"4"] * 1_000_000)

    with costs_less_than(0.05), pytest.raises(TooLarge) as refusal:
        decode_payload(body, most_packets=5_000)

    assert refusal.value.most == 5_000


def test_an_encoded_packet_keeps_one_copy_of_each_of_its_forms():
    packet = encode_text("4", "é")

    assert packet.payload == "4é".encode()
    assert packet.websocket == b"\x81\x03" + "4é".encode()
    assert packet.websocket is packet.websocket
    assert packet.payload is packet.payload


def test_a_binary_message_is_a_binary_frame_and_base64_in_a_poll():
    packet = encode_message(b"\x01\x02\x03\x04")

    assert packet.websocket == b"\x82\x04\x01\x02\x03\x04"
    assert packet.payload == b"bAQIDBA=="


@given(st.lists(st.one_of(st.text(), st.binary()), min_size=1, max_size=20))
def test_what_is_encoded_for_a_poll_decodes_to_the_same(messages):
    messages = [part.replace("\x1e", "") if isinstance(part, str) else part for part in messages]
    body = b"\x1e".join(encode_message(message).payload for message in messages)

    assert [packet.data for packet in decode_payload(body, most_packets=MOST)] == messages


@given(st.binary(max_size=300))
def test_any_body_is_decoded_or_refused(body):
    with suppress(WireRefusal):
        decode_payload(body, most_packets=MOST)


@given(st.one_of(st.binary(), st.text(st.characters())))
def test_any_frame_is_decoded_or_refused(data):
    with suppress(WireRefusal):
        decode_frame(data)
