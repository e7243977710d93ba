"""Frames into intentions, events into frames."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.bus.memory_presence import MemoryPresence
from folkmoot.contracts.friends import codec
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.frames import INBOUND, OUTBOUND
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core.messages.direct_messages import DeliveryStatus, DirectReceipts, MemberReceipts
from folkmoot.core.messages.events import MessagePosted
from folkmoot.kit.frame_reader import FrameMalformed, FrameUnknown
from folkmoot.kit.json_frame import json_frame
from folkmoot.wire.lane_frames import messages_in
from tests.contracts.friends.samples import (
    ANA,
    AT,
    BO,
    DIRECT_ID,
    DIRECT_UID,
    IN_PLACE,
    MESSAGE,
    OF_ACCOUNTS,
    PAIR,
    REF,
    UNSHOWN,
    VOICE,
)
from tests.events import others_than

# -- events ----------------------------------------------------------------------------------------


def alone() -> MemoryPresence:
    """Where nobody is yet."""
    return MemoryPresence(lambda events: None, lambda: 0.0)


def unpacked(data: bytes) -> dict:
    """What a client reads in one text frame."""
    (text,) = messages_in(data)
    return json.loads(text)


@pytest.fixture
def wire_format():
    wire_format = FriendsWireFormat(alone())
    wire_format.pairs[DIRECT_ID] = PAIR
    return wire_format


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", IN_PLACE, ids=lambda event: type(event).__name__)
def test_every_event_between_two_is_shown_with_the_viewers_friend(wire_format, event, own):
    shown = wire_format.shown(event, own=own)
    if shown is None:
        assert own
        assert type(event).__name__ in {"DeliveredMoved", "Typing"}
        return
    assert type(shown) in OUTBOUND
    frame = unpacked(json_frame(shown))
    assert frame["type"] == type(shown).__struct_config__.tag
    if frame["type"] != "typing_indicator":
        assert frame["friend_id"] == (BO.uid if own else ANA.uid)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", OF_ACCOUNTS, ids=lambda event: type(event).__name__)
def test_every_event_between_accounts_is_told(wire_format, event, own):
    shown = wire_format.shown(event, own=own)
    assert type(shown) in OUTBOUND


@pytest.mark.parametrize(
    "event",
    [*UNSHOWN, *others_than(*IN_PLACE, *OF_ACCOUNTS)],
    ids=lambda event: type(event).__name__,
)
def test_what_the_contract_does_not_show_is_not_shown(wire_format, event):
    assert wire_format.frame(event, own=False) is None
    assert wire_format.frame(event, own=True) is None


def test_nothing_is_shown_of_a_conversation_that_nobody_here_is_in():
    wire_format = FriendsWireFormat(alone())
    assert [wire_format.frame(event, own=False) for event in IN_PLACE] == [None] * len(IN_PLACE)


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    frame = unpacked(
        json_frame(codec.new_message(MESSAGE, PAIR, DeliveryStatus.DELIVERED, own=False))
    )
    assert frame == {
        "type": "new_message",
        "message": {
            "message_id": REF.uid,
            "sender_id": ANA.uid,
            "receiver_id": BO.uid,
            "content": "Zażółć 👩‍🚀",
            "status": "delivered",
            "is_deleted": False,
            "created_at": "2025-11-22T10:30:00Z",
            "updated_at": "2025-11-22T10:30:00Z",
            "read_at": None,
            "sender": {
                "account_id": ANA.uid,
                "username": "ana",
                "full_name": "Ana",
                "avatar": None,
            },
            "seq": 7,
            "kind": "text",
            "reply_to_id": None,
            "reactions": [{"emoji": "👍", "account_ids": [BO.uid]}],
            "attachment": None,
        },
        "friend_id": ANA.uid,
        "seq": 7,
    }


def test_what_another_contract_hung_on_a_message_can_be_fetched():
    shown = codec.message_out(VOICE, BO.uid, DeliveryStatus.SENT, own=False)
    assert shown.kind == "voice"
    assert shown.attachment.file_name == "voice.ogg"
    assert shown.attachment.file_url.endswith(shown.attachment.attachment_id)
    assert shown.reply_to_id == REF.uid


def test_only_the_sender_is_shown_the_client_id():
    assert codec.message_out(MESSAGE, BO.uid, DeliveryStatus.SENT, own=True).client_id == "mine"
    assert b"client_id" not in json_frame(
        codec.message_out(MESSAGE, BO.uid, DeliveryStatus.SENT, own=False)
    )


def test_a_live_message_is_delivered_to_whoever_is_there():
    presence = alone()
    wire_format = FriendsWireFormat(presence)
    wire_format.pairs[DIRECT_ID] = PAIR
    (posted,) = [event for event in IN_PLACE if isinstance(event, MessagePosted)]

    assert wire_format.shown(posted, own=True).message.status == "sent"
    presence.enter(DIRECT_ID, DIRECT_UID, BO)
    assert wire_format.shown(posted, own=True).message.status == "delivered"
    assert wire_format.shown(posted, own=False).message.status == "delivered"


@pytest.mark.parametrize(
    ("delivered", "read", "own", "status"),
    [
        (0, 0, True, "sent"),
        (7, 0, True, "delivered"),
        (9, 7, True, "read"),
        (0, 0, False, "delivered"),
        (9, 9, False, "read"),
    ],
)
def test_a_missed_message_shows_what_became_of_it(delivered, read, own, status):
    reads = ((read, AT),) if read else ()
    known = DirectReceipts(
        DIRECT_ID, (MemberReceipts(ANA, 0, 0), MemberReceipts(BO, delivered, read, AT, reads))
    )
    (posted,) = [event for event in IN_PLACE if isinstance(event, MessagePosted)]
    event = MessagePosted(
        conversation_id=DIRECT_ID,
        conversation_uid=posted.conversation_uid,
        seq=7,
        at=AT,
        message=MESSAGE,
    )

    shown = codec.past(event, PAIR, known, ANA.id if own else BO.id)

    assert shown.message.status == status
    assert (shown.message.read_at is not None) == (status == "read")


# -- frames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intention"),
    [
        (
            '{"type": "send_message", "receiver_id": "bo", "content": "Hi", "client_id": "1"}',
            wire.SendDirect("bo", "Hi", "1"),
        ),
        ('{"type": "mark_read", "message_id": "x"}', wire.MarkDirectRead("x")),
        ('{"type": "typing", "receiver_id": "bo"}', wire.SetFriendTyping("bo", True)),
        (
            '{"type": "typing", "receiver_id": "bo", "is_typing": false}',
            wire.SetFriendTyping("bo", False),
        ),
        (
            '{"type": "edit_message", "message_id": "x", "content": "y"}',
            wire.EditDirect("x", "y"),
        ),
        ('{"type": "delete_message", "message_id": "x"}', wire.DeleteDirect("x")),
        (
            '{"type": "react", "message_id": "x", "emoji": "👍", "remove": true}',
            wire.ReactToDirect("x", "👍", True),
        ),
        ('{"type": "resume", "after": {"bo": 3}}', wire.ResumeDirects({"bo": 3})),
        ('{"type": "resume"}', wire.ResumeDirects({})),
        ('{"type": "ping", "mood": {"deep": [1]}}', wire.FriendsPing()),
    ],
)
def test_every_frame_of_the_contract_is_understood(text, intention):
    assert codec.decode(text) == intention


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        '{"content": "without a type"}',
        '{"type": null}',
        '{"type": ["ping"]}',
        '{"type": "send_message", "receiver_id": "bo"}',
        '{"type": "send_message", "receiver_id": 1, "content": "x"}',
        '{"type": "send_message", "receiver_id": "bo", "content": {"$ne": 1}}',
        '{"type": "send_message", "receiver_id": "bo", "content": "\\ud83d"}',
        '{"type": "typing", "receiver_id": "bo", "is_typing": "yes"}',
        '{"type": "resume", "after": {"bo": -1}}',
        '{"type": "resume", "after": {"bo": 1e400}}',
        '{"type": "resume", "after": {"bo": 1' + "0" * 10_000 + "}}",
        '{"type": "resume", "after": [1]}',
        '{"type": "ping"} {"type": "ping"}',
        "[" * 100_000,
        b'{"type": "ping"}',
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_cannot_be_read_is_refused_as_malformed(text):
    with pytest.raises(FrameMalformed) as refused:
        codec.decode(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["dance", "", "__proto__", "PING", "x" * 60_000])
def test_an_unknown_type_is_named_as_such_in_a_short_answer(name):
    with pytest.raises(FrameUnknown) as refused:
        codec.decode(json.dumps({"type": name}))
    assert len(str(refused.value)) < 300


def refused_or_known(data: str | bytes) -> None:
    try:
        intention = codec.decode(data)
    except (FrameMalformed, FrameUnknown) as refusal:
        str(refusal).encode()
    else:
        assert isinstance(intention, tuple(INBOUND.values()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["receiver_id", "content", "client_id", "message_id", "emoji", "after", "is_typing", "remove"]
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


@given(NEARLY | JSON, st.booleans())
def test_no_frame_that_is_nearly_right_breaks_the_reading(frame, ascii_only):
    refused_or_known(json.dumps(frame, ensure_ascii=ascii_only))
