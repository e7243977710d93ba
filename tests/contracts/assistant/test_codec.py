"""What frames of this contract say, field by field."""

import pytest

from folkmoot.contracts.assistant import codec
from folkmoot.contracts.assistant import frames as wire
from folkmoot.realtime.streaming_answers import StreamingAnswer
from tests.contracts.assistant.samples import CODEC
from tests.contracts.samples import (
    ANSWER,
    FILE_UID,
    LOBBY_UID,
    MESSAGE,
    NOTICE,
    RECEIPT,
    named,
    sample,
)
from tests.events import ANA, BO, REF

TIME = "2025-12-29T10:05:00.123456Z"


@pytest.mark.parametrize("event", CODEC.events, ids=named)
def test_every_frame_names_its_session(event):
    assert CODEC.read(event)["session_id"] == LOBBY_UID


def test_a_message_has_the_fields_of_the_contract():
    assert CODEC.read(sample("MessagePosted")) == {
        "type": "message",
        "id": REF.uid,
        "session_id": LOBBY_UID,
        "role": "user",
        "sender_id": ANA.uid,
        "content": "Zażółć 👩‍🚀",
        "seq": 7,
        "timestamp": TIME,
        "metadata": {
            "sender_name": "ana",
            "message_type": "text",
            "reply_to_id": MESSAGE.body.reply_to.uid,
            "mentions": [BO.uid],
            "is_deleted": False,
            "edited_at": TIME,
            "reactions": [{"emoji": "👍", "user_ids": [ANA.uid, BO.uid]}],
            "cut_short": None,
        },
    }


@pytest.mark.parametrize(
    ("message", "role", "sender"),
    [
        (MESSAGE, "user", ANA.uid),
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


def test_growth_says_which_message_it_will_be_and_where_the_piece_stands():
    assert CODEC.read(sample("AnswerExtended")) == {
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
    frame = CODEC.read(sample("LogsProgressed"))
    assert (frame["command"], frame["files"], frame["entries"]) == ("reload", 1, 2)
    assert (frame["unreadable"], frame["done"]) == (3, False)


def test_a_change_of_the_session_shows_only_what_changed():
    assert "assistant" not in CODEC.read(sample("ConversationRenamed"))
    assert CODEC.read(sample("AssistantSwitched"))["assistant"] is False
    assert "title" not in CODEC.read(sample("AssistantSwitched"))
