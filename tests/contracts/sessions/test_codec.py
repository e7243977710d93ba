"""Frames into intentions, events into frames."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from folkmoot.contracts.sessions import codec
from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.frames import INBOUND, OUTBOUND
from folkmoot.core.conversations.events import Durable
from folkmoot.core.messages.events import EphemeralNotice
from folkmoot.kit.frame_reader import FrameMalformed, FrameUnknown
from folkmoot.kit.json_frame import json_frame
from tests.contracts.sessions.samples import (
    ANA,
    ANA_UID,
    BO,
    BO_UID,
    EVENTS,
    FILE_UID,
    LOBBY_UID,
    MESSAGE,
    RECEIPT,
    WIRE_FORMAT,
)
from tests.events import others_than

REFUSED = (FrameMalformed, FrameUnknown)
EVERYWHERE = {"message_type", "chat_session_id", "user_id", "timestamp", "metadata"}

# -- events ----------------------------------------------------------------------------------------


def unpacked(data: bytes) -> dict:
    """What a client reads in one unmasked text frame."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
    try:
        next(parsing)
    except StopIteration as end:
        frame = end.value
    assert frame.opcode is Opcode.TEXT
    assert reader.buffer == b""
    return json.loads(frame.data)


def read(event: object, *, own: bool = False) -> dict:
    return unpacked(json_frame(WIRE_FORMAT.shown(event, own=own)))


def sample(name: str) -> object:
    return next(event for event in EVENTS if type(event).__name__ == name)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_is_shown_with_what_every_frame_has(event, own):
    shown = WIRE_FORMAT.shown(event, own=own)
    if shown is None:
        assert own
        assert type(event).__name__ in {"Entered", "Exited", "Typing"}
        return
    assert type(shown) in OUTBOUND
    frame = unpacked(json_frame(shown))
    assert set(frame) >= EVERYWHERE
    assert frame["message_type"] == type(shown).__struct_config__.tag
    assert frame["chat_session_id"] == LOBBY_UID
    assert frame["timestamp"] in {"2025-12-29T10:05:00Z", "2025-12-29T11:00:00Z"}


def test_there_is_a_sample_of_every_durable_event():
    # By name, since a dataclass with slots is made of a class that is still about.
    assert {kind.__name__ for kind in Durable.__subclasses__()} <= {
        type(event).__name__ for event in EVENTS
    }


def test_every_durable_event_says_its_place():
    for event in EVENTS:
        if isinstance(event, Durable):
            assert read(event)["metadata"]["seq"] in {event.seq, MESSAGE.seq}


@pytest.mark.parametrize(
    "event", others_than(*EVENTS, EphemeralNotice), ids=lambda event: type(event).__name__
)
def test_a_kind_of_event_that_the_contract_has_no_words_for_is_not_shown(event):
    assert WIRE_FORMAT.shown(event, own=False) is None


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    assert read(sample("MessagePosted")) == {
        "message_type": "message",
        "chat_session_id": LOBBY_UID,
        "user_id": ANA_UID,
        "content": "Zażółć 👩‍🚀",
        "timestamp": "2025-12-29T10:05:00Z",
        "metadata": {
            "message_id": MESSAGE.uid,
            "seq": 7,
            "reply_to_id": MESSAGE.body.reply_to.uid,
            "mentions": [BO_UID],
            "message_type": "text",
            "file_url": None,
            "file_name": None,
            "file_size": None,
            "file_type": None,
            "sender_name": "ana",
            "edited_at": "2025-12-29T10:05:00Z",
            "is_deleted": False,
            "reactions": [{"emoji": "👍", "user_ids": [ANA.uid, BO.uid]}],
        },
    }


def test_a_file_is_shown_with_its_address_on_this_server():
    metadata = codec.message_frame(RECEIPT, own=False).metadata
    assert metadata.message_type == "file"
    assert metadata.file_url == f"/api/v1/chat/files/{FILE_UID}"
    assert (metadata.file_name, metadata.file_size) == ("Receipt.pdf", 245_000)
    assert metadata.file_type == "application/pdf"


def test_only_the_author_is_shown_the_client_id():
    assert codec.message_frame(MESSAGE, own=True).metadata.client_id == "mine"
    assert b"client_id" not in json_frame(codec.message_frame(MESSAGE, own=False))


def test_presence_counts_the_accounts_that_are_connected():
    joined, left = read(sample("Entered")), read(sample("Exited"))
    assert (joined["message_type"], joined["metadata"]["total_users"]) == ("user_joined", 2)
    assert (left["message_type"], left["metadata"]["total_users"]) == ("user_left", 1)


def test_typing_says_who_and_whether():
    frame = read(sample("Typing"))
    assert frame["message_type"] == "typing_indicator"
    assert (frame["user_id"], frame["metadata"]["is_typing"]) == (BO_UID, True)


def test_who_was_put_in_charge_is_told_apart_from_who_did_it():
    frame = read(sample("AgentAssigned"))
    assert (frame["user_id"], frame["metadata"]["assigned_agent_id"]) == (ANA_UID, BO_UID)


def test_a_change_of_the_session_shows_only_what_changed():
    assert read(sample("ConversationRenamed"))["metadata"] == {"seq": 8, "title": "New"}
    assert read(sample("AssistantSwitched"))["metadata"] == {"seq": 8, "assistant": False}


def test_a_deletion_shows_no_content():
    assert "content" not in read(sample("MessageDeleted"))


# -- frames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "intention"),
    [
        ({"message_type": "text", "content": "Hi"}, wire.SessionText("Hi")),
        (
            {"message_type": "text", "content": "Hi", "reply_to_id": None, "mentions": ["b"]},
            wire.SessionText("Hi", mentions=["b"]),
        ),
        (
            {"message_type": "file", "content": "A", "file_url": "u", "file_name": "n"},
            wire.SessionFile("u", "A", "n"),
        ),
        (
            {"message_type": "image", "content": "A", "file_url": "u", "file_size": 0},
            wire.SessionImage("u", "A", file_size=0),
        ),
        ({"message_type": "voice", "file_url": "u"}, wire.SessionVoice("u")),
        ({"message_type": "typing", "content": "true"}, wire.TypeInSession("true")),
        ({"message_type": "read", "up_to_message_id": "m"}, wire.ReadInSession("m")),
        ({"message_type": "edit", "message_id": "m", "content": "x"}, wire.EditInSession("m", "x")),
        ({"message_type": "delete", "message_id": "m"}, wire.DeleteInSession("m")),
        (
            {"message_type": "reaction", "message_id": "m", "emoji": "👍", "remove": True},
            wire.ReactInSession("m", "👍", True),
        ),
        ({"message_type": "ping"}, wire.PingSession()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_frame_of_the_contract_is_understood(frame, intention):
    understood = codec.decode(json.dumps(frame))
    assert understood == intention
    assert type(understood) is type(intention)


def test_what_a_later_client_adds_to_a_frame_is_passed_over():
    text = '{"message_type": "text", "content": "Hi", "mood": {"deep": [1]}}'
    assert codec.decode(text) == wire.SessionText("Hi")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        '{"content": "no type"}',
        '{"message_type": null, "content": "x"}',
        '{"message_type": ["text"], "content": "x"}',
        '{"message_type": "text"}',
        '{"message_type": "text", "content": null}',
        '{"message_type": "text", "content": {"$ne": 1}}',
        '{"message_type": "text", "content": NaN}',
        '{"message_type": "text", "content": "x", "reply_to_id": 5}',
        '{"message_type": "text", "content": "x", "mentions": "ana"}',
        '{"message_type": "text", "content": "x", "mentions": [1]}',
        '{"message_type": "text", "content": "x", "if_last_seq": -1}',
        '{"message_type": "text", "content": "x", "if_last_seq": 1' + "0" * 10_000 + "}",
        '{"message_type": "file", "content": "x"}',
        '{"message_type": "file", "content": "x", "file_url": 1}',
        '{"message_type": "file", "content": "x", "file_url": "u", "file_size": -1}',
        '{"message_type": "file", "content": "x", "file_url": "u", "file_size": 1e400}',
        '{"message_type": "typing"}',
        '{"message_type": "typing", "content": "yes"}',
        '{"message_type": "typing", "content": true}',
        '{"message_type": "read"}',
        '{"message_type": "read", "up_to_message_id": 7}',
        '{"message_type": "text", "content": "\\ud83d"}',
        '{"message_type": "ping"} {"message_type": "ping"}',
        "[" * 100_000,
        '{"message_type": "ping", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b'{"message_type": "ping"}',
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:60]),
)
def test_what_cannot_be_read_is_refused_as_malformed(text):
    with pytest.raises(FrameMalformed) as refused:
        codec.decode(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["dance", "", "__proto__", "message", "TEXT", "x" * 60_000])
def test_an_unknown_type_is_named_as_such_in_a_short_answer(name):
    with pytest.raises(FrameUnknown) as refused:
        codec.decode(json.dumps({"message_type": name}))
    assert len(str(refused.value)) < 300


def refused_or_known(data: str | bytes) -> None:
    try:
        intention = codec.decode(data)
    except REFUSED as refusal:
        str(refusal).encode()
    else:
        assert isinstance(intention, tuple(INBOUND.values()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    [
        "content",
        "client_id",
        "reply_to_id",
        "mentions",
        "if_last_seq",
        "file_url",
        "file_name",
        "file_size",
        "file_type",
        "up_to_message_id",
        "message_id",
        "emoji",
        "remove",
        "other",
    ]
)
NEARLY = st.builds(
    lambda name, fields: {"message_type": name, **fields},
    st.sampled_from(list(INBOUND)) | JSON,
    st.dictionaries(FIELDS, JSON),
)


@given(st.text() | st.text(alphabet='{}[]":,0123456789.eE+-\\u \n', max_size=60))
def test_no_text_breaks_the_reading(text):
    refused_or_known(text)


@given(st.binary())
def test_no_bytes_break_the_reading(data):
    refused_or_known(data)


@given(JSON)
def test_no_json_breaks_the_reading(value):
    refused_or_known(json.dumps(value))


@given(NEARLY, st.booleans())
def test_no_frame_that_is_nearly_right_breaks_the_reading(frame, ascii_only):
    refused_or_known(json.dumps(frame, ensure_ascii=ascii_only))
