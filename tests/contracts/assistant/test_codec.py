"""Frames into intentions, events into frames."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from folkmoot.contracts.assistant import codec
from folkmoot.contracts.assistant import frames as wire
from folkmoot.contracts.assistant.frames import INBOUND, OUTBOUND
from folkmoot.core.conversations.events import Durable
from folkmoot.kit.frame_reader import FrameMalformed, FrameUnknown
from folkmoot.kit.json_frame import json_frame
from folkmoot.realtime.streaming_answers import StreamingAnswer
from tests.contracts.assistant.samples import (
    ANA,
    ANA_UID,
    ANSWER,
    BO,
    BO_UID,
    EVENTS,
    FILE_UID,
    LOBBY_UID,
    MESSAGE,
    NOTICE,
    RECEIPT,
    REF,
)
from tests.events import others_than

REFUSED = (FrameMalformed, FrameUnknown)
TIME = "2025-12-29T10:05:00.123456Z"

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
    return unpacked(json_frame(codec.WIRE_FORMAT.shown(event, own=own)))


def sample(name: str) -> object:
    return next(event for event in EVENTS if type(event).__name__ == name)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_is_shown_and_names_its_session(event, own):
    shown = codec.WIRE_FORMAT.shown(event, own=own)
    if shown is None:
        assert own
        assert type(event).__name__ in {"Entered", "Exited", "Typing"}
        return
    assert type(shown) in OUTBOUND
    frame = unpacked(json_frame(shown))
    assert frame["type"] == type(shown).__struct_config__.tag
    assert frame["session_id"] == LOBBY_UID


def test_there_is_a_sample_of_every_durable_event():
    # By name, since a dataclass with slots is made of a class that is still about.
    assert {kind.__name__ for kind in Durable.__subclasses__()} <= {
        type(event).__name__ for event in EVENTS
    }


def test_every_durable_event_says_its_place():
    for event in EVENTS:
        if isinstance(event, Durable):
            assert read(event)["seq"] in {event.seq, MESSAGE.seq}


@pytest.mark.parametrize("event", others_than(*EVENTS), ids=lambda event: type(event).__name__)
def test_a_kind_of_event_that_the_contract_has_no_words_for_is_not_shown(event):
    assert codec.WIRE_FORMAT.shown(event, own=False) is None


def test_a_message_has_the_fields_of_the_contract():
    assert read(sample("MessagePosted")) == {
        "type": "message",
        "id": REF.uid,
        "session_id": LOBBY_UID,
        "role": "user",
        "sender_id": ANA_UID,
        "content": "Zażółć 👩‍🚀",
        "seq": 7,
        "timestamp": TIME,
        "metadata": {
            "sender_name": "ana",
            "message_type": "text",
            "reply_to_id": MESSAGE.body.reply_to.uid,
            "mentions": [BO_UID],
            "is_deleted": False,
            "edited_at": TIME,
            "reactions": [{"emoji": "👍", "user_ids": [ANA.uid, BO.uid]}],
            "cut_short": None,
        },
    }


@pytest.mark.parametrize(
    ("message", "role", "sender"),
    [
        (MESSAGE, "user", ANA_UID),
        # What staff write is a person's too: the roles are those that models know.
        (ANSWER, "assistant", None),
        (NOTICE, "system", None),
    ],
    ids=["account", "assistant", "system"],
)
def test_who_speaks_is_one_of_three(message, role, sender):
    frame = codec.message_frame(message, own=False)
    assert (frame.role, frame.sender_id) == (role, sender)


def test_an_answer_that_was_cut_short_says_why_and_other_labels_stand_apart():
    metadata = codec.message_frame(ANSWER, own=False).metadata
    assert (metadata.cut_short, metadata.labels) == ("cancelled", {"service_id": "s"})


def test_a_file_is_shown_with_its_address_on_this_server():
    metadata = codec.message_frame(RECEIPT, own=False).metadata
    assert metadata.message_type == "file"
    assert metadata.file_url == f"/api/v1/chat/files/{FILE_UID}"
    assert (metadata.file_name, metadata.file_size) == ("Receipt.pdf", 245_000)


def test_only_the_author_is_shown_the_client_id():
    assert codec.message_frame(MESSAGE, own=True).metadata.client_id == "mine"
    assert b"client_id" not in json_frame(codec.message_frame(MESSAGE, own=False))


def test_growth_says_which_message_it_will_be_and_where_the_piece_stands():
    assert read(sample("AnswerExtended")) == {
        "type": "message_delta",
        "message_id": FILE_UID,
        "session_id": LOBBY_UID,
        "delta": "abc",
        "position": 3,
        "reply_to_id": REF.uid,
    }


def test_an_answer_so_far_is_none_where_none_is_written():
    assert codec.streamed_out(None) is None
    streamed = codec.streamed_out(StreamingAnswer(REF.uid, FILE_UID, "abc"))
    assert streamed == wire.ChatStreamingOut(FILE_UID, REF.uid, "abc")


def test_progress_counts():
    frame = read(sample("LogsProgressed"))
    assert (frame["command"], frame["files"], frame["entries"]) == ("reload", 1, 2)
    assert (frame["unreadable"], frame["done"]) == (3, False)


def test_a_change_of_the_session_shows_only_what_changed():
    assert "assistant" not in read(sample("ConversationRenamed"))
    assert read(sample("AssistantSwitched"))["assistant"] is False
    assert "title" not in read(sample("AssistantSwitched"))


def test_a_deletion_shows_no_content():
    assert "content" not in read(sample("MessageDeleted"))


# -- frames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "intention"),
    [
        ({"type": "join_session"}, wire.JoinSession()),
        (
            {"type": "join_session", "session_id": "s", "after_seq": 0, "stream": True},
            wire.JoinSession("s", 0, stream=True),
        ),
        ({"type": "leave_session", "session_id": "s"}, wire.LeaveSession("s")),
        ({"type": "chat_message", "content": "Hi"}, wire.SayInChat("Hi")),
        (
            {"type": "chat_message", "content": "Hi", "session_id": "s", "stream": True},
            wire.SayInChat("Hi", "s", stream=True),
        ),
        ({"type": "typing", "session_id": "s", "is_typing": True}, wire.TypeInChat("s", True)),
        ({"type": "cancel", "session_id": "s"}, wire.CancelAnswer("s")),
        ({"type": "mark_read", "session_id": "s", "message_id": "m"}, wire.ReadInChat("s", "m")),
        (
            {"type": "edit_message", "session_id": "s", "message_id": "m", "content": "x"},
            wire.EditInChat("s", "m", "x"),
        ),
        (
            {"type": "delete_message", "session_id": "s", "message_id": "m"},
            wire.DeleteInChat("s", "m"),
        ),
        (
            {"type": "react", "session_id": "s", "message_id": "m", "emoji": "👍"},
            wire.ReactInChat("s", "m", "👍"),
        ),
        ({"type": "ping"}, wire.PingChat()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_frame_of_the_contract_is_understood(frame, intention):
    understood = codec.decode(json.dumps(frame))
    assert understood == intention
    assert type(understood) is type(intention)


def test_what_a_later_client_adds_to_a_frame_is_passed_over():
    text = '{"type": "chat_message", "content": "Hi", "mood": {"deep": [1]}}'
    assert codec.decode(text) == wire.SayInChat("Hi")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        '{"content": "no type"}',
        '{"type": null, "content": "x"}',
        '{"type": ["chat_message"], "content": "x"}',
        '{"type": "chat_message"}',
        '{"type": "chat_message", "content": {"$ne": 1}}',
        '{"type": "chat_message", "content": NaN}',
        '{"type": "chat_message", "content": "x", "stream": "yes"}',
        '{"type": "chat_message", "content": "x", "session_id": 5}',
        '{"type": "chat_message", "content": "\\ud83d"}',
        '{"type": "join_session", "after_seq": -1}',
        '{"type": "join_session", "after_seq": "1"}',
        '{"type": "join_session", "after_seq": 1' + "0" * 10_000 + "}",
        '{"type": "leave_session"}',
        '{"type": "typing", "session_id": "s"}',
        '{"type": "typing", "session_id": "s", "is_typing": "true"}',
        '{"type": "cancel"}',
        '{"type": "ping"} {"type": "ping"}',
        "[" * 100_000,
        '{"type": "ping", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b'{"type": "ping"}',
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:60]),
)
def test_what_cannot_be_read_is_refused_as_malformed(text):
    with pytest.raises(FrameMalformed) as refused:
        codec.decode(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["dance", "", "__proto__", "message", "PING", "x" * 60_000])
def test_an_unknown_type_is_named_as_such_in_a_short_answer(name):
    with pytest.raises(FrameUnknown) as refused:
        codec.decode(json.dumps({"type": name}))
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
    sorted({name for shape in INBOUND.values() for name in shape.__struct_fields__} | {"other"})
)
NEARLY = st.builds(
    lambda name, fields: {"type": name, **fields},
    st.sampled_from(list(INBOUND)) | JSON,
    st.dictionaries(FIELDS, JSON),
)


@given(st.text() | st.text(alphabet='{}[]":,0123456789.eE+-\\u \n', max_size=60))
def test_no_text_breaks_the_reading(text):
    refused_or_known(text)


@given(st.binary())
def test_no_bytes_break_the_reading(data):
    refused_or_known(data)


@given(NEARLY, st.booleans())
def test_no_frame_that_is_nearly_right_breaks_the_reading(frame, ascii_only):
    refused_or_known(json.dumps(frame, ensure_ascii=ascii_only))
