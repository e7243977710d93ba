"""What events are published under: whoever is to be told of one listens to one of its topics."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings

from folkmoot.bus.topics import (
    ANSWERS,
    STAFF_ONLINE,
    account_topic,
    conversation_topic,
    online_topic,
    topics_of,
)
from folkmoot.core.accounts.model import Role
from folkmoot.core.audience import affected
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    MessagePosted,
)
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.social.events import SocialEvent
from folkmoot.core.tasks.events import TasksAdded
from tests.any_value import anything_of

IN_CHANNEL = (*get_args(TimelineEvent), ReadMoved, DeliveredMoved, Entered, Exited, Typing)
FOR_CONSUMERS = (TasksAdded,)
ONCE = settings(max_examples=5, deadline=None)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_is_published_for_somebody_unless_it_is_for_consumers_alone(kind):
    @ONCE
    @given(anything_of(kind))
    def hold(event):
        members = getattr(event, "members", "some")
        assert bool(topics_of(event)) == (kind not in FOR_CONSUMERS and bool(members))

    hold()


@pytest.mark.parametrize("kind", IN_CHANNEL, ids=lambda kind: kind.__name__)
def test_who_listens_to_a_conversation_is_told_of_what_happens_in_it(kind):
    @ONCE
    @given(anything_of(kind))
    def hold(event):
        assert conversation_topic(event.conversation_id) in topics_of(event)

    hold()


@pytest.mark.parametrize("kind", get_args(SocialEvent), ids=lambda kind: kind.__name__)
def test_both_accounts_are_told_of_what_happens_between_them(kind):
    @ONCE
    @given(anything_of(kind))
    def hold(event):
        assert topics_of(event) == tuple(map(account_topic, affected(event)))

    hold()


@ONCE
@given(anything_of(ConversationStarted), anything_of(MemberJoined), anything_of(MemberLeft))
def test_members_are_told_of_a_conversation_that_they_do_not_listen_to_yet(started, joined, left):
    assert set(topics_of(started)) == set(map(account_topic, started.members))
    assert account_topic(joined.member.id) in topics_of(joined)
    assert account_topic(left.member.id) in topics_of(left)


@ONCE
@given(anything_of(CameOnline), anything_of(WentOffline))
def test_who_comes_and_goes_is_told_to_who_watches_them_and_staff_to_who_waits_for_staff(
    came, went
):
    for event in (came, went):
        user, agent = (
            replace(event, person=replace(event.person, role=role))
            for role in (Role.USER, Role.AGENT)
        )
        assert topics_of(user) == (online_topic(user.person.id),)
        assert topics_of(agent) == (online_topic(agent.person.id), STAFF_ONLINE)


@ONCE
@given(anything_of(AnswerExtended), anything_of(AnswerDropped), anything_of(MessagePosted))
def test_an_answer_is_followed_from_its_first_word_to_the_message_that_it_becomes(
    extended, dropped, posted
):
    answer = replace(posted, message=replace(posted.message, author=None))

    assert [topics_of(event)[-1] for event in (extended, dropped, answer)] == [ANSWERS] * 3
