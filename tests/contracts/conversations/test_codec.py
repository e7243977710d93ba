"""What frames of this contract say, field by field."""

from dataclasses import replace

import pytest

from tests.contracts.conversations.samples import CODEC
from tests.contracts.samples import MESSAGE, sample
from tests.events import ANA, BO


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        (
            "AgentAssigned",
            {"type": "agent_assigned", "agent_id": BO.id, "username": "bo"},
        ),
        ("AssistantSwitched", {"type": "assistant_switched", "is_on": False}),
        ("ConversationEnded", {"type": "conversation_closed", "closed_at": "2025-12-29 10:05:00Z"}),
    ],
)
def test_what_happens_to_a_session_says_who_did_it_where_and_when(name, frame):
    known = {"by_user_id": ANA.id, "conversation_id": 1, "seq": 8}
    assert CODEC.read(sample(name)) == frame | known


def test_a_title_may_be_taken_away():
    renamed = replace(sample("ConversationRenamed"), title=None)
    assert CODEC.read(renamed)["title"] is None


def test_a_message_has_the_fields_and_the_time_of_the_contract():
    assert CODEC.read(sample("MessagePosted")) == {
        "type": "message",
        "id": 7,
        "content": "Zażółć 👩‍🚀",
        "sender_id": 1,
        "sender_name": "ana",
        "conversation_id": 1,
        "created_at": "2025-12-29 10:05:00Z",
        "seq": 7,
        "uid": MESSAGE.uid,
        "kind": "text",
        "reply_to_id": 5,
        "attachment": None,
        "edited_at": "2025-12-29 10:05:00Z",
        "is_deleted": False,
        "reactions": [{"emoji": "👍", "account_ids": [ANA.id, BO.id]}],
    }
