"""How far a message has come, and what an assistant would be given."""

from dataclasses import replace

import pytest

from folkmoot.contracts.sessions.names import membership_uid
from folkmoot.contracts.sessions.shapes import message_out, reach_of
from folkmoot.core.conversations.model import Member, MemberRole
from folkmoot.core.messages.context import BYTES_A_TOKEN, TOKENS_A_TURN, Turn, context_of
from folkmoot.core.messages.model import AuthorKind, Body
from folkmoot.core.shared.ids import uid_of
from tests.contracts.samples import AT, LOBBY_UID, MESSAGE
from tests.events import ANA, BO, LOBBY


def member(person, read_seq: int = 0, delivered_seq: int = 0) -> Member:
    return Member(LOBBY, person, MemberRole.MEMBER, AT, read_seq, AT, delivered_seq)


@pytest.mark.parametrize(
    ("bo", "reach"),
    [
        (member(BO), ("sent", 0)),
        (member(BO, delivered_seq=6), ("sent", 0)),
        (member(BO, delivered_seq=7), ("delivered", 0)),
        (member(BO, 7, 7), ("read", 1)),
        (member(BO, 8, 8), ("read", 1)),
    ],
)
def test_a_message_is_as_far_as_the_others_are(bo, reach):
    author = member(ANA, read_seq=99, delivered_seq=99)
    assert reach_of(MESSAGE, [author, bo]) == reach


def test_a_message_of_the_server_is_read_by_whoever_read_it():
    system = replace(MESSAGE, author=None, author_kind=AuthorKind.SYSTEM)
    assert reach_of(system, [member(ANA, 7), member(BO, 7)]) == ("read", 2)
    shown = message_out(system, [], own=False)
    assert (shown.sender_id, shown.sender_name) == (None, "system")


def test_a_seq_in_a_session_has_one_name_and_it_is_a_uuid():
    name = membership_uid(LOBBY_UID, ANA.uid)
    assert uid_of(name) == name == membership_uid(LOBBY_UID, ANA.uid)
    assert name not in {ANA.uid, membership_uid(LOBBY_UID, BO.uid)}


def said(*contents: str) -> list:
    return [replace(MESSAGE, body=Body(content=content)) for content in contents]


def test_a_context_is_the_newest_words_oldest_first_within_the_budget():
    cost = TOKENS_A_TURN + 1
    given = context_of(said("one", "two", "more", "four"), max_tokens=2 * cost)
    assert given.turns == (Turn("user", "more"), Turn("user", "four"))
    assert given.estimated_tokens == 2 * cost


def test_a_context_says_who_speaks_and_leaves_out_what_was_deleted():
    assistant = replace(
        MESSAGE, author=None, author_kind=AuthorKind.ASSISTANT, body=Body(content="Yes?")
    )
    deleted = replace(MESSAGE, body=Body(content=""), deleted_at=AT)
    roles = [turn.role for turn in context_of([*said("Hm"), deleted, assistant]).turns]
    assert roles == ["user", "assistant"]


def test_the_newest_message_is_cut_to_the_budget():
    given = context_of(said("é" * 1000), max_tokens=TOKENS_A_TURN + 1)
    assert given.turns == (Turn("user", "é" * (BYTES_A_TOKEN // 2)),)
    assert given.estimated_tokens == TOKENS_A_TURN + 1


def test_nothing_said_costs_nothing():
    assert context_of([]).estimated_tokens == 0
