"""Frames into intentions, events into frames."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from folkmoot.contracts.conversations import codec
from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.frames import INBOUND, OUTBOUND
from folkmoot.core.conversations.events import Durable
from folkmoot.core.messages.events import EphemeralNotice
from folkmoot.kit.frame_reader import FrameMalformed, FrameUnknown
from folkmoot.kit.json_frame import json_frame
from tests.contracts.conversations.samples import ANA, BO, EVENTS, MESSAGE
from tests.events import others_than

REFUSED = (FrameMalformed, FrameUnknown)

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


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_is_shown_as_a_frame_that_the_documents_describe(event, own):
    shown = codec.WIRE_FORMAT.shown(event, own=own)
    if shown is None:
        assert own
        return
    assert type(shown) in OUTBOUND
    assert unpacked(json_frame(shown))["type"] == type(shown).__struct_config__.tag


def test_there_is_a_sample_of_every_durable_event():
    # By name, since a dataclass with slots is made of a class that is still about.
    assert {kind.__name__ for kind in Durable.__subclasses__()} <= {
        type(event).__name__ for event in EVENTS
    }


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "event", others_than(*EVENTS, EphemeralNotice), ids=lambda event: type(event).__name__
)
def test_a_kind_of_event_that_the_contract_has_no_words_for_is_not_shown(event, own):
    assert codec.WIRE_FORMAT.shown(event, own=own) is None


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "event",
    [event for event in EVENTS if isinstance(event, Durable)],
    ids=lambda event: type(event).__name__,
)
def test_what_has_a_seq_in_the_timeline_is_shown_with_it_to_everybody(event, own):
    assert unpacked(json_frame(codec.WIRE_FORMAT.shown(event, own=own)))["seq"] == event.seq


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        (
            "AgentAssigned",
            {"type": "agent_assigned", "agent_id": BO.id, "username": "bo"},
        ),
        ("AssistantSwitched", {"type": "assistant_switched", "is_on": False}),
        ("ConversationEnded", {"type": "conversation_closed"}),
    ],
)
def test_what_happens_to_a_session_says_who_did_it_where_and_when(name, frame):
    event = next(event for event in EVENTS if type(event).__name__ == name)
    known = {"by_user_id": ANA.id, "conversation_id": 1, "seq": 8}
    assert unpacked(json_frame(codec.WIRE_FORMAT.shown(event, own=False))) == frame | known


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    given = unpacked(json_frame(codec.message_out(MESSAGE, own=False)))
    assert given == {
        "type": "message",
        "id": 123,
        "content": "Zażółć 👩‍🚀",
        "sender_id": 1,
        "sender_name": "ana",
        "conversation_id": 1,
        "created_at": "2025-11-22 10:30:00Z",
        "seq": 7,
        "uid": MESSAGE.uid,
        "kind": "text",
        "reply_to_id": 5,
        "attachment": None,
        "edited_at": "2025-11-22 10:30:00Z",
        "is_deleted": False,
        "reactions": [{"emoji": "👍", "account_ids": [ANA.id, BO.id]}],
    }


def test_only_the_author_is_shown_the_client_id():
    assert codec.message_out(MESSAGE, own=True).client_id == "mine"
    assert b"client_id" not in json_frame(codec.message_out(MESSAGE, own=False))


def test_a_deletion_shows_no_content():
    deleted = next(event for event in EVENTS if type(event).__name__ == "MessageDeleted")
    assert b"content" not in json_frame(codec.WIRE_FORMAT.shown(deleted, own=False))


# -- frames ----------------------------------------------------------------------------------------


def test_a_frame_with_a_content_alone_is_a_message():
    assert codec.decode('{"content": "Hello"}') == wire.Say("Hello")


@pytest.mark.parametrize(
    ("text", "intention"),
    [
        ('{"type": "message", "content": "Hi", "client_id": "1"}', wire.Say("Hi", "1")),
        ('{"type": "typing"}', wire.SetTyping(True)),
        ('{"type": "typing", "is_typing": false}', wire.SetTyping(False)),
        ('{"type": "read", "up_to_seq": 7}', wire.Read(7)),
        ('{"type": "edit", "message_id": 1, "content": "x"}', wire.Edit(1, "x")),
        ('{"type": "delete", "message_id": 1}', wire.Delete(1)),
        ('{"type": "react", "message_id": 1, "emoji": "👍"}', wire.React(1, "👍")),
        (
            '{"type": "react", "message_id": 1, "emoji": "👍", "remove": true}',
            wire.React(1, "👍", True),
        ),
        ('{"type": "resume", "after_seq": 0}', wire.Resume(0)),
        ('{"type": "ping"}', wire.Ping()),
    ],
)
def test_every_frame_of_the_contract_is_understood(text, intention):
    assert codec.decode(text) == intention


def test_what_a_later_client_adds_to_a_frame_is_passed_over():
    assert codec.decode('{"content": "Hi", "mood": {"deep": [1]}}') == wire.Say("Hi")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "7",
        '"text"',
        "{",
        "{}",
        '{"content": null}',
        '{"content": 7}',
        '{"content": NaN}',
        '{"content": {"$ne": 1}}',
        '{"content": "x", "reply_to_id": true}',
        '{"content": "x", "reply_to_id": 0}',
        '{"content": "x", "reply_to_id": 1.5}',
        '{"content": "x", "if_last_seq": -1}',
        '{"content": "x", "if_last_seq": "1"}',
        '{"content": "x", "if_last_seq": 1' + "0" * 10_000 + "}",
        '{"type": null, "content": "x"}',
        '{"type": ["message"], "content": "x"}',
        '{"type": "read"}',
        '{"type": "read", "up_to_seq": 1e400}',
        '{"type": "typing", "is_typing": "yes"}',
        '{"type": "resume", "after_seq": 9223372036854775808}',
        '{"content": "\\ud83d"}',
        '{"content": "x"} {"content": "y"}',
        "[" * 100_000,
        '{"content": "x", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b'{"content": "binary"}',
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_cannot_be_read_is_refused_as_malformed(text):
    with pytest.raises(FrameMalformed) as refused:
        codec.decode(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["dance", "", "__proto__", "constructor", "MESSAGE", "x" * 60_000])
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
    [
        "content",
        "client_id",
        "reply_to_id",
        "up_to_seq",
        "message_id",
        "emoji",
        "after_seq",
        "is_typing",
        "if_last_seq",
        "remove",
        "attachment_id",
        "other",
    ]
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


@given(JSON)
def test_no_json_breaks_the_reading(value):
    refused_or_known(json.dumps(value))


@given(NEARLY, st.booleans())
def test_no_frame_that_is_nearly_right_breaks_the_reading(frame, ascii_only):
    refused_or_known(json.dumps(frame, ensure_ascii=ascii_only))
