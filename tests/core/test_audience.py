"""Who hears of what: every kind of event, in the eyes of each who might.

Ana does it, or it is said of her; Bo is the other one. `Eyes` says who looks.
"""

from dataclasses import dataclass

import pytest

from folkmoot.core.audience import about, affected, hears, hidden_authors, speaker
from folkmoot.core.conversations.model import Conversation, Kind
from folkmoot.core.shared.ids import AccountId
from tests.events import ANA, AT, BO, EVENTS, KINDS, LOBBY, uid

CY = AccountId(3)
GROUP = Conversation(LOBBY, uid(10), Kind.GROUP, None, ANA.id, AT, 8, AT, 3)
PAIR = Conversation(LOBBY, uid(10), Kind.DIRECT, None, ANA.id, AT, 8, AT, 2)


@dataclass(frozen=True)
class Told:
    """What becomes of one kind: ``to_blocker`` whether a member who blocks Ana is told of it in a
    group, ``own`` whose own devices it is shown to as their own, ``affected`` whose connections
    reckon with it where it is of no conversation."""

    to_blocker: bool = True
    own: AccountId | None = None
    affected: tuple[AccountId, ...] = ()


SAID = Told(to_blocker=False, own=ANA.id)
DONE = Told(own=ANA.id)
NOBODYS = Told()
BOTH = (ANA.id, BO.id)

TABLE: dict[str, Told] = {
    "MessagePosted": SAID,
    "MessageEdited": SAID,
    "MessageDeleted": SAID,
    "ReactionAdded": SAID,
    "ReactionRemoved": SAID,
    "Typing": SAID,
    "FriendTyping": SAID,
    "DeskTyping": SAID,
    "MemberJoined": DONE,
    "MemberLeft": DONE,
    "ConversationRenamed": DONE,
    "AgentAssigned": DONE,
    "AssistantSwitched": DONE,
    "ConversationEnded": DONE,
    "ReadMoved": DONE,
    "DeliveredMoved": DONE,
    "Entered": DONE,
    "Exited": DONE,
    "ConversationStarted": NOBODYS,
    "TasksAdded": NOBODYS,
    "EphemeralNotice": NOBODYS,
    "AnswerExtended": NOBODYS,
    "AnswerDropped": NOBODYS,
    "LogsProgressed": NOBODYS,
    "CameOnline": NOBODYS,
    "WentOffline": NOBODYS,
    "LoginsEnded": NOBODYS,
    "AccountDeactivated": NOBODYS,
    "AccountChanged": NOBODYS,
    "BlockSet": Told(affected=BOTH),
    "BlockLifted": Told(affected=BOTH),
    "FriendRequested": Told(own=ANA.id, affected=BOTH),
    "FriendAccepted": Told(own=BO.id, affected=BOTH),
    "FriendDeclined": Told(own=BO.id, affected=BOTH),
    "FriendshipEnded": Told(own=ANA.id, affected=BOTH),
}
CASES = [pytest.param(event, TABLE.get(type(event).__name__), id=type(event).__name__)
         for event in EVENTS]  # fmt: skip


def test_the_table_has_every_kind_and_no_other():
    assert set(TABLE) == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize(("event", "told"), CASES)
def test_a_member_who_blocks_nobody_is_told_of_everything_in_a_conversation(event, told):
    assert hears(event, hidden_authors(GROUP, frozenset()))


@pytest.mark.parametrize(("event", "told"), CASES)
def test_a_member_of_a_group_is_told_nothing_that_somebody_says_whom_they_block(event, told):
    assert hears(event, hidden_authors(GROUP, {ANA.id})) is told.to_blocker


@pytest.mark.parametrize(("event", "told"), CASES)
def test_who_is_blocked_is_told_of_what_the_blocker_says_in_a_group(event, told):
    # Ana blocks Bo and Cy; what they are told of her is asked of their own blocks, not of hers.
    assert hears(event, hidden_authors(GROUP, frozenset()))
    assert hears(event, hidden_authors(GROUP, {BO.id, CY}))


@pytest.mark.parametrize(("event", "told"), CASES)
def test_where_only_two_speak_a_block_hides_nothing_that_is_there(event, told):
    assert hears(event, hidden_authors(PAIR, {ANA.id}))


@pytest.mark.parametrize(("event", "told"), CASES)
def test_what_is_said_is_hidden_and_what_happens_is_not(event, told):
    assert (speaker(event) is None) is told.to_blocker
    assert speaker(event) in (None, ANA.id)


@pytest.mark.parametrize(("event", "told"), CASES)
def test_the_own_devices_of_whoever_it_is_about_are_shown_it_as_their_own(event, told):
    assert about(event) == told.own


@pytest.mark.parametrize(
    ("event", "told"), [case for case in CASES if case.values[1] and case.values[1].affected]
)
def test_between_accounts_the_two_are_affected_and_no_outsider(event, told):
    assert affected(event) == told.affected
    assert CY not in affected(event)
