"""What the assistant owes: from the question's own transaction on, once, and void in time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.accounts.errors import RoleNeeded
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.events import AssistantSwitched
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.answers import CUT_SHORT, Answer, Answers
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import AuthorKind, Message, MessageKind
from folkmoot.core.messages.owed_answers import ANSWER, OwedAnswer
from folkmoot.core.messages.views import Totals
from folkmoot.core.shared.ids import Uid
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.tasks.model import Taken, Task
from folkmoot.core.work import UnitOfWork
from tests.cast import MAX_CHARS, Cast

UID = Uid("0194d7a0-0000-7000-8000-00000000abcd")


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
def answers(cast: Cast) -> Answers:
    return Answers(cast.clock, cast.ids, max_chars=MAX_CHARS)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


@pytest.fixture
async def session(cast: Cast, desks: Desks, agent: Account) -> Conversation:
    """Cy's, with the agent in it and the assistant on."""
    opened: Conversation = await cast.do(desks.open, cast.cy, agent=agent, assistant_on=True)
    return opened


class _LeaveAsIs(Exception):
    """Undoes what only looked."""


async def owed(cast: Cast) -> list[OwedAnswer]:
    """What is to be answered, in the order in which it would be."""
    found: list[OwedAnswer] = []

    async def look(work: UnitOfWork) -> None:
        now = cast.clock.now()
        while tasks := (await work.tasks.take(ANSWER, "look", at=now, until=now, limit=1)).tasks:
            found.append(OwedAnswer.of(tasks[0].payload))
            await work.tasks.complete(tasks[0])
        raise _LeaveAsIs

    with pytest.raises(_LeaveAsIs):
        await cast.storage.write(look)
    return found


async def task_of(cast: Cast, holder: str = "one") -> Task:
    """The task of the next question, leased for a minute."""
    now = cast.clock.now()
    until = now + timedelta(minutes=1)
    taken: Taken = await cast.do(
        lambda work: work.tasks.take(ANSWER, holder, at=now, until=until, limit=1)
    )
    return taken.tasks[0]


async def test_each_message_to_the_assistant_is_owed_an_answer(
    cast: Cast, session: Conversation
) -> None:
    first = await cast.say(cast.cy, "why?", where=session)
    second = await cast.say(cast.cy, "and when?", where=session)

    expected = [
        OwedAnswer(question_id=message.id, conversation_id=session.id, ownership=0)
        for message in (first, second)
    ]
    assert await owed(cast) == expected
    added = [event for event in cast.events if isinstance(event, TasksAdded)]
    assert added == [TasksAdded(ANSWER)] * 2


async def test_where_the_assistant_is_off_nothing_is_owed(cast: Cast, desks: Desks) -> None:
    quiet = await cast.do(desks.open, cast.cy)
    await cast.say(cast.cy, "why?", where=quiet)
    await cast.say(cast.ana, "why?")

    assert await owed(cast) == []


async def test_a_retry_owes_nothing_more(cast: Cast, session: Conversation) -> None:
    for _ in range(2):
        await cast.say(cast.cy, "why?", where=session, client_id="c-1")

    assert len(await owed(cast)) == 1


async def test_one_of_staff_who_writes_takes_over_from_there_on(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    drafts = [
        cast.draft(cast.cy, "why?", where=session),
        cast.draft(agent, "let me see", where=session),
        cast.draft(cast.cy, "thanks", where=session),
    ]
    await cast.post(*drafts)

    head = await cast.head(session.id)
    assert head.desk is not None
    assert (head.desk.assistant_on, head.desk.ownership, head.desk.taken_over) == (False, 1, True)
    assert [each.ownership for each in await owed(cast)] == [0]
    told = [event for event in cast.events if isinstance(event, MessagePosted | AssistantSwitched)]
    assert [(type(event), event.seq) for event in told] == [
        (MessagePosted, 1),
        (MessagePosted, 2),
        (AssistantSwitched, 3),
        (MessagePosted, 4),
    ]
    assert head.last_seq == 4
    kept = await cast.see(lambda work: work.timeline.after(session.id, 0, limit=9))
    assert [event.seq for event in kept] == [1, 2, 3, 4]
    assert kept[2] == told[2]


async def test_staff_with_a_question_of_their_own_are_answered(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    mine = await cast.do(desks.open, agent, assistant_on=True)
    await cast.say(agent, "why?", where=mine)

    assert len(await owed(cast)) == 1


async def test_only_staff_give_back_what_staff_took_over(
    cast: Cast, desks: Desks, session: Conversation, agent: Account
) -> None:
    await cast.say(agent, "mine now", where=session)

    with pytest.raises(RoleNeeded):
        await cast.do(desks.switch_assistant, cast.cy, session.id, is_on=True)
    back = await cast.do(desks.switch_assistant, agent, session.id, is_on=True)

    assert (back.desk.assistant_on, back.desk.ownership, back.desk.taken_over) == (True, 2, False)


async def test_an_answer_is_posted_once_in_reply_to_its_question(
    cast: Cast, answers: Answers, session: Conversation
) -> None:
    question = await cast.say(cast.cy, "why?", where=session)
    answer = Answer(text=" because ", cut_short="cancelled", notice="that is all")
    task = await task_of(cast)

    said = await cast.do(answers.give, task, UID, answer)
    again = await cast.do(answers.give, task, UID, answer)

    spoken, notice = said
    assert (spoken.uid, spoken.body.content, spoken.seq) == (UID, "because", 2)
    assert (spoken.author, spoken.author_kind) == (None, AuthorKind.ASSISTANT)
    assert spoken.body.labels == {CUT_SHORT: "cancelled"}
    assert spoken.body.reply_to is not None
    assert spoken.body.reply_to.uid == question.uid
    assert (notice.body.content, notice.seq, notice.body.kind) == (
        "that is all",
        3,
        MessageKind.SYSTEM,
    )
    assert again == []
    assert await owed(cast) == []
    assert (await cast.head(session.id)).last_seq == 3
    assert cast.events[-2:] == [
        MessagePosted(
            conversation_id=session.id,
            conversation_uid=session.uid,
            seq=message.seq,
            at=message.created_at,
            message=message,
        )
        for message in said
    ]


async def _agent(cast: Cast) -> Account:
    found: dict[str, Account] = await cast.see(lambda work: work.accounts.by_usernames(["agent"]))
    return found["agent"]


async def _human_writes(cast: Cast, desks: Desks, question: Message) -> None:
    agent = await _agent(cast)
    conversation = await cast.head(question.conversation_id)
    await cast.say(agent, "mine now", where=conversation)


async def _human_writes_and_gives_back(cast: Cast, desks: Desks, question: Message) -> None:
    await _human_writes(cast, desks, question)
    agent = await _agent(cast)
    await cast.do(desks.switch_assistant, agent, question.conversation_id, is_on=True)


async def _switched_off(cast: Cast, desks: Desks, question: Message) -> None:
    await cast.do(desks.switch_assistant, cast.cy, question.conversation_id, is_on=False)


async def _closed(cast: Cast, desks: Desks, question: Message) -> None:
    await cast.do(desks.close, cast.cy, question.conversation_id)


async def _deleted(cast: Cast, desks: Desks, question: Message) -> None:
    await cast.do(cast.messages.delete, cast.cy.id, question.conversation_id, question.id)


@pytest.mark.parametrize(
    "happen", [_human_writes, _human_writes_and_gives_back, _switched_off, _closed, _deleted]
)
async def test_a_late_answer_is_dropped(
    cast: Cast,
    desks: Desks,
    answers: Answers,
    session: Conversation,
    happen: Callable[[Cast, Desks, Message], Awaitable[None]],
) -> None:
    question = await cast.say(cast.cy, "why?", where=session)
    task = await task_of(cast)
    await happen(cast, desks, question)
    before = (await cast.head(session.id)).last_seq

    said = await cast.do(answers.give, task, UID, Answer(text="because"))

    assert said == []
    assert (await cast.head(session.id)).last_seq == before
    assert await owed(cast) == []


async def test_what_there_is_of_an_answer_is_kept_while_it_is_owed(
    cast: Cast, answers: Answers, session: Conversation
) -> None:
    await cast.say(cast.cy, "why?", where=session)
    task = await task_of(cast)
    await cast.do(answers.save, task, UID, "beca")
    cast.clock.pass_by(timedelta(minutes=1))

    (known,) = await owed(cast)
    assert (known.uid, known.text) == (UID, "beca")


async def test_who_has_lost_a_question_to_another_gives_no_answer(
    cast: Cast, answers: Answers, session: Conversation
) -> None:
    await cast.say(cast.cy, "why?", where=session)
    lost = await task_of(cast, "one")
    cast.clock.pass_by(timedelta(minutes=1))
    held = await task_of(cast, "two")

    await cast.do(answers.save, lost, UID, "too l")
    assert await cast.do(answers.give, lost, UID, Answer(text="too late")) == []
    (said,) = await cast.do(answers.give, held, UID, Answer(text="in time"))

    assert said.body.content == "in time"
    assert await owed(cast) == []


async def test_an_answer_may_be_as_long_as_a_message_and_no_longer(
    cast: Cast, answers: Answers, session: Conversation
) -> None:
    await cast.say(cast.cy, "why?", where=session)
    task = await task_of(cast)

    (said,) = await cast.do(answers.give, task, UID, Answer(text="x" * (MAX_CHARS + 5)))

    assert len(said.body.content) == MAX_CHARS


async def test_answers_are_unread_until_they_are_read(
    cast: Cast, answers: Answers, session: Conversation
) -> None:
    await cast.say(cast.cy, "why?", where=session)
    await cast.do(answers.give, await task_of(cast), UID, Answer(text="because"))

    counts: Any = await cast.see(lambda work: work.views.unread_among(cast.cy.id, [session.id]))

    assert counts == {session.id: 1}


async def test_totals_count_everything(cast: Cast, session: Conversation) -> None:
    await cast.say(cast.ana, "hello")
    await cast.say(cast.cy, "why?", where=session)

    totals = await cast.see(lambda work: work.views.totals())

    assert totals == Totals(accounts=4, sessions=1, messages=2)
