"""What frames of this contract say, field by field."""

import pytest

from folkmoot.contracts.sessions import codec
from tests.contracts.samples import (
    FILE_UID,
    LOBBY_UID,
    MESSAGE,
    OF_A_CONVERSATION,
    RECEIPT,
    named,
    sample,
)
from tests.contracts.sessions.samples import CODEC
from tests.events import ANA, BO

EVERYWHERE = {"message_type", "chat_session_id", "user_id", "timestamp", "metadata"}


@pytest.mark.parametrize("event", OF_A_CONVERSATION, ids=named)
def test_every_event_is_shown_with_what_every_frame_has(event):
    frame = CODEC.read(event)
    assert set(frame) >= EVERYWHERE
    assert frame["chat_session_id"] == LOBBY_UID
    assert frame["timestamp"] in {"2025-12-29T10:05:00Z", "2025-12-29T11:00:00Z"}


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    assert CODEC.read(sample("MessagePosted")) == {
        "message_type": "message",
        "chat_session_id": LOBBY_UID,
        "user_id": ANA.uid,
        "content": "Zażółć 👩‍🚀",
        "timestamp": "2025-12-29T10:05:00Z",
        "metadata": {
            "message_id": MESSAGE.uid,
            "seq": 7,
            "reply_to_id": MESSAGE.body.reply_to.uid,
            "mentions": [BO.uid],
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


def test_presence_counts_the_accounts_that_are_connected():
    joined, left = CODEC.read(sample("Entered")), CODEC.read(sample("Exited"))
    assert (joined["message_type"], joined["metadata"]["total_users"]) == ("user_joined", 2)
    assert (left["message_type"], left["metadata"]["total_users"]) == ("user_left", 1)


def test_typing_says_who_and_whether():
    frame = CODEC.read(sample("Typing"))
    assert frame["message_type"] == "typing_indicator"
    assert (frame["user_id"], frame["metadata"]["is_typing"]) == (BO.uid, True)


def test_who_was_put_in_charge_is_told_apart_from_who_did_it():
    frame = CODEC.read(sample("AgentAssigned"))
    assert (frame["user_id"], frame["metadata"]["assigned_agent_id"]) == (ANA.uid, BO.uid)


def test_a_change_of_the_session_shows_only_what_changed():
    assert CODEC.read(sample("ConversationRenamed"))["metadata"] == {"seq": 8, "title": "New"}
    assert CODEC.read(sample("AssistantSwitched"))["metadata"] == {"seq": 8, "assistant": False}
