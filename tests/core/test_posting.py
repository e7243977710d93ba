"""Rules of posting: many drafts decided at once, and none of them spoils another."""

import pytest

from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.messages.errors import (
    ClientIdInvalid,
    ClientIdReused,
    NoSuchMessage,
    NotUpToDate,
)
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import MessageRef, Posted
from folkmoot.core.messages.posting import MAX_MISSED
from folkmoot.core.shared.ids import ConversationId, MessageId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.shared.texts import TextEmpty, TextHasNul, TextNotUnicode, TextTooLong
from folkmoot.core.social.errors import Blocked
from tests.cast import NOON, Cast


async def test_a_draft_becomes_the_message_at_the_next_seq_and_is_announced(cast: Cast) -> None:
    first = await cast.say(cast.ana, "hello", client_id="c-1")
    second = await cast.say(cast.bo, "hi", reply_to=first.uid)

    assert (first.seq, second.seq) == (1, 2)
    assert (first.author, first.body.content, first.client_id) == (cast.ana.person, "hello", "c-1")
    assert second.body.reply_to == MessageRef(first.id, first.uid)
    assert cast.events == [
        MessagePosted(
            conversation_id=cast.lobby.id,
            conversation_uid=cast.lobby.uid,
            seq=message.seq,
            at=NOON,
            message=message,
        )
        for message in (first, second)
    ]
    assert (await cast.head()).last_seq == 2


async def test_who_posts_has_read_up_to_there(cast: Cast) -> None:
    await cast.say(cast.ana, "one")
    await cast.say(cast.bo, "two")

    members = (await cast.see(lambda work: work.conversations.members([cast.lobby.id])))[
        cast.lobby.id
    ]
    assert {each.person.username: each.read_seq for each in members} == {"ana": 1, "bo": 2}


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ("", TextEmpty),
        (" \n\t", TextEmpty),
        ("x" * 10_001, TextTooLong),
        ("a\0b", TextHasNul),
        ("a\ud800b", TextNotUnicode),
    ],
)
def test_a_content_that_cannot_be_kept_makes_no_draft(
    cast: Cast, content: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        cast.draft(cast.ana, content)


@pytest.mark.parametrize("client_id", ["", "x" * 65, "\0", "\udfff"])
def test_a_client_id_that_cannot_be_kept_makes_no_draft(cast: Cast, client_id: str) -> None:
    with pytest.raises(Refusal) as refused:
        cast.draft(cast.ana, "hello", client_id=client_id)

    assert isinstance(refused.value, ClientIdInvalid | TextHasNul | TextNotUnicode)


def test_a_draft_is_trimmed(cast: Cast) -> None:
    assert cast.draft(cast.ana, "  two words \n").body.content == "two words"


async def test_a_batch_answers_each_draft_in_its_place(cast: Cast) -> None:
    nowhere = cast.messages.draft(cast.ana.id, "lost").to(ConversationId(404))

    answers = await cast.post(
        cast.draft(cast.ana, "one"),
        cast.draft(cast.cy, "not mine"),
        nowhere,
        cast.draft(cast.bo, "no such reply", reply_to=MessageId(404)),
        cast.draft(cast.bo, "two"),
    )

    assert [type(answer) for answer in answers] == [
        Posted, NotAMember, NoSuchConversation, NoSuchMessage, Posted,
    ]  # fmt: skip
    assert [answer.message.seq for answer in answers if isinstance(answer, Posted)] == [1, 2]
    assert [event.seq for event in cast.events] == [1, 2]


async def test_a_batch_of_refusals_leaves_no_trace(cast: Cast) -> None:
    await cast.post(cast.draft(cast.cy, "not mine"))

    assert (await cast.head()) == cast.lobby
    assert cast.events == []


async def test_places_are_counted_in_each_conversation(cast: Cast) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])

    answers = await cast.post(
        cast.draft(cast.ana, "a"),
        cast.draft(cast.ana, "b", where=annex),
        cast.draft(cast.ana, "c"),
    )

    assert [answer.message.seq for answer in answers] == [1, 1, 2]


@pytest.mark.parametrize("retried", ["same batch", "later"])
async def test_a_retry_with_the_same_client_id_returns_the_first_message(
    cast: Cast, retried: str
) -> None:
    draft = cast.draft(cast.ana, "hello", client_id="c")

    if retried == "same batch":
        first, again = await cast.post(draft, draft)
    else:
        (first,), (again,) = await cast.post(draft), await cast.post(draft)

    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert again.message == first.message
    assert len(cast.events) == 1
    assert (await cast.head()).last_seq == 1


@pytest.mark.parametrize("retried", ["same batch", "later"])
async def test_a_client_id_stands_for_one_content_one_reply_and_one_conversation(
    cast: Cast, retried: str
) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    target = await cast.say(cast.bo, "answer me")
    cast.events.clear()
    first = cast.draft(cast.ana, "hello", client_id="c")
    others = [
        cast.draft(cast.ana, "goodbye", client_id="c"),
        cast.draft(cast.ana, "hello", client_id="c", reply_to=target.id),
        cast.draft(cast.ana, "hello", client_id="c", where=annex),
    ]

    if retried == "same batch":
        _, *answers = await cast.post(first, *others)
    else:
        await cast.post(first)
        answers = await cast.post(*others)

    assert [type(answer) for answer in answers] == [ClientIdReused] * 3
    assert len(cast.events) == 1


async def test_a_retry_may_name_what_it_replies_to_in_either_way(cast: Cast) -> None:
    target = await cast.say(cast.bo, "answer me")

    answers = await cast.post(
        cast.draft(cast.ana, "yes", client_id="c", reply_to=target.id),
        cast.draft(cast.ana, "yes", client_id="c", reply_to=target.uid),
    )

    assert [answer.is_repeat for answer in answers] == [False, True]


async def test_two_authors_may_choose_the_same_client_id(cast: Cast) -> None:
    answers = await cast.post(
        cast.draft(cast.ana, "hello", client_id="c"), cast.draft(cast.bo, "hello", client_id="c")
    )

    assert [answer.is_repeat for answer in answers] == [False, False]


async def test_a_reply_is_to_a_message_of_the_same_conversation(cast: Cast) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    there = await cast.say(cast.ana, "in the annex", where=annex)

    answers = await cast.post(
        cast.draft(cast.ana, "here", reply_to=there.id),
        cast.draft(cast.ana, "here", reply_to=there.uid),
        cast.draft(cast.ana, "here", reply_to=Uid("no such")),
    )

    assert [type(answer) for answer in answers] == [NoSuchMessage] * 3


@pytest.mark.parametrize("direction", ["ana blocks bo", "bo blocks ana"])
async def test_a_block_silences_both_of_two(cast: Cast, direction: str) -> None:
    pair = (cast.ana, cast.bo) if direction == "ana blocks bo" else (cast.bo, cast.ana)
    before = await cast.say(cast.ana, "hello", client_id="c")
    await cast.do(cast.social.block, pair[0].id, pair[1].id)

    answers = await cast.post(
        cast.draft(cast.ana, "still there?"),
        cast.draft(cast.bo, "yes"),
        cast.draft(cast.ana, "hello", client_id="c"),
    )

    assert [type(answer) for answer in answers] == [Blocked, Blocked, Posted]
    assert answers[2].message == before


async def test_a_block_silences_nobody_among_three(cast: Cast) -> None:
    await cast.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    await cast.do(cast.social.block, cast.ana.id, cast.bo.id)

    assert (await cast.say(cast.bo, "hello")).seq == 2


async def test_who_left_cannot_post(cast: Cast) -> None:
    await cast.do(cast.conversations.remove_member, cast.bo.id, cast.lobby.id, cast.bo.id)

    with pytest.raises(NotAMember):
        await cast.say(cast.bo, "one more thing")


async def test_a_draft_that_must_be_next_is_refused_with_what_was_missed(cast: Cast) -> None:
    await cast.say(cast.ana, "one")
    await cast.say(cast.bo, "two")

    late, next_, overtaken = await cast.post(
        cast.draft(cast.ana, "late", if_last_seq=1),
        cast.draft(cast.ana, "next", if_last_seq=2),
        cast.draft(cast.bo, "overtaken", if_last_seq=2),
    )

    assert isinstance(next_, Posted)
    assert isinstance(late, NotUpToDate)
    assert isinstance(overtaken, NotUpToDate)
    assert (late.facts["if_last_seq"], late.facts["last_seq"]) == (1, 2)
    assert [event.seq for event in late.facts["missed"]] == [2, 3]
    assert [event.seq for event in overtaken.facts["missed"]] == [3]


async def test_what_was_missed_has_a_bound(cast: Cast) -> None:
    await cast.post(*(cast.draft(cast.ana, f"{n}") for n in range(MAX_MISSED + 1)))

    with pytest.raises(NotUpToDate) as refused:
        await cast.say(cast.bo, "late", if_last_seq=0)

    assert len(refused.value.facts["missed"]) == MAX_MISSED


async def test_a_retry_is_answered_even_when_the_conversation_has_moved_on(cast: Cast) -> None:
    draft = cast.draft(cast.ana, "hello", client_id="c", if_last_seq=0)
    await cast.post(draft)

    (again,) = await cast.post(draft)

    assert isinstance(again, Posted)
