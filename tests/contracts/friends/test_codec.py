"""What frames of this contract say, field by field."""

import pytest

from folkmoot.contracts.friends import codec
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core.messages.direct_messages import DeliveryStatus, DirectReceipts, MemberReceipts
from tests.contracts.friends.samples import (
    CODEC,
    DIRECT_ID,
    DIRECT_UID,
    IN_DIRECT,
    OF_NOTHING,
    PAIR,
    POSTED,
    VOICE,
    alone,
    wire_format_of,
)
from tests.contracts.samples import AT, named
from tests.events import ANA, BO, REF, uid


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", IN_DIRECT, ids=named)
def test_every_event_between_two_is_shown_with_the_viewers_friend(event, own):
    shown = CODEC.shown(event, own=own)
    if shown is not None and named(event) != "Typing":
        assert shown.friend_id == (BO.uid if own else ANA.uid)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("event", OF_NOTHING, ids=named)
def test_a_receipt_that_covers_no_message_is_not_shown(event, own):
    assert CODEC.shown(event, own=own) is None


def test_nothing_is_shown_of_a_conversation_that_nobody_here_is_in():
    wire_format = FriendsWireFormat(alone())
    assert [wire_format.frame(event, own=False) for event in IN_DIRECT] == [None] * len(IN_DIRECT)


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    frame = CODEC.read(POSTED)
    assert frame == {
        "type": "new_message",
        "message": {
            "message_id": REF.uid,
            "sender_id": ANA.uid,
            "receiver_id": BO.uid,
            "content": "Zażółć 👩‍🚀",
            "status": "delivered",
            "is_deleted": False,
            "created_at": "2025-12-29T10:05:00Z",
            "updated_at": "2025-12-29T10:05:00Z",
            "read_at": None,
            "sender": {
                "account_id": ANA.uid,
                "username": "ana",
                "full_name": "Ana",
                "avatar": None,
            },
            "seq": 7,
            "kind": "text",
            "reply_to_id": uid(5),
            "reactions": [{"emoji": "👍", "account_ids": [ANA.uid, BO.uid]}],
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
    assert shown.reply_to_id == uid(5)


def test_a_live_message_is_delivered_to_whoever_is_there():
    presence = alone()
    wire_format = wire_format_of(presence)

    assert wire_format.shown(POSTED, own=True).message.status == "sent"
    presence.enter(DIRECT_ID, DIRECT_UID, BO)
    assert wire_format.shown(POSTED, own=True).message.status == "delivered"
    assert wire_format.shown(POSTED, own=False).message.status == "delivered"


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

    shown = codec.past(POSTED, PAIR, known, ANA.id if own else BO.id)

    assert shown.message.status == status
    assert (shown.message.read_at is not None) == (status == "read")
