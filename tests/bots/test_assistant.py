"""The assistant answers what it owes: in order, once, and never what is not wanted any more."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from folkmoot.bots.answerer import Retraction
from folkmoot.bots.assistant import (
    CANCELLED,
    FAULT,
    NOTHING_CAME,
    NOTHING_WANTED,
    RESTARTED,
    AssistantBounds,
)
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.logs.model import Excerpt
from folkmoot.core.messages.answers import CUT_SHORT
from folkmoot.core.messages.events import AnswerDropped, AnswerExtended, MessagePosted
from folkmoot.core.messages.model import AuthorKind, Message
from folkmoot.core.messages.owed_answers import ANSWER
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.tasks.events import TasksAdded
from tests.bots.scene import FAILURE, Scene, Watcher, scened
from tests.cast import NOON
from tests.deadlines import WITHIN_S


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with scened() as scene:
        yield scene


def by(kind: AuthorKind, content: str | None = None) -> Any:
    """Fits the event of a message of this kind of author."""
    return lambda event: (
        isinstance(event, MessagePosted)
        and event.message.author_kind is kind
        and content in (None, event.message.body.content)
    )


async def answered(watcher: Watcher, kind: AuthorKind = AuthorKind.ASSISTANT) -> Message:
    message: Message = (await watcher.until(by(kind))).message
    return message


async def test_a_question_is_answered_in_reply_to_it(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = ["be", "cause"]

    question = await scene.say(scene.cy, "why?")
    answer = await answered(watcher)

    assert (answer.body.content, answer.seq) == ("because", question.seq + 1)
    assert answer.body.reply_to is not None
    assert answer.body.reply_to.uid == question.uid
    assert CUT_SHORT not in answer.body.labels
    assert [message.body.content for message in await scene.history()] == ["why?", "because"]


async def test_it_is_shown_typing_while_it_works_and_not_after(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, "because"]

    await scene.say(scene.cy, "why?")
    await watcher.until(lambda event: isinstance(event, Typing) and event.is_typing)
    go_on.set()
    await answered(watcher)

    typing = watcher.of(Typing)
    assert [(each.person.username, each.is_typing) for each in typing] == [
        ("assistant", True),
        ("assistant", False),
    ]


async def test_questions_are_answered_in_their_order_one_at_a_time(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, "because"]

    questions = [await scene.say(scene.cy, f"why {n}?") for n in range(3)]
    assert len(scene.answerer.asked) <= 1
    go_on.set()
    await watcher.until(
        lambda _: len([e for e in watcher.events if by(AuthorKind.ASSISTANT)(e)]) == 3
    )

    replies = [event.message for event in watcher.events if by(AuthorKind.ASSISTANT)(event)]
    assert [reply.body.reply_to.uid for reply in replies] == [
        question.uid for question in questions
    ]
    assert [sources.question for sources in scene.answerer.asked] == ["why 0?", "why 1?", "why 2?"]


async def test_no_more_are_written_at_once_than_may_be() -> None:
    async with scened(bounds=AssistantBounds(at_once=1)) as scene:
        cast = scene.server.cast
        other = await scene.server.do(Desks(cast.clock, cast.ids).open, cast.bo, assistant_on=True)
        watcher, second = await scene.watch(scene.cy), await scene.watch(cast.bo, other)
        go_on = asyncio.Event()
        scene.answerer.script = ["be", go_on, "cause"]
        await scene.say(scene.cy, "why?")
        await scene.server.say(cast.bo, "and me?", where=other)
        await asyncio.wait_for(scene.answerer.stuck.wait(), WITHIN_S)

        assert len(scene.answerer.asked) == 1
        go_on.set()
        await answered(watcher)
        await answered(second)


async def test_what_it_is_given_is_what_was_said_before_and_what_logs_say(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.logs.passages = [Excerpt(source="app.log:3", at=NOON, text="pump failed")]
    await scene.say(scene.cy, "the gearbox squeaks")
    await answered(watcher)
    for number in range(25):
        await scene.say(scene.cy, f"{number}")
        await watcher.until(
            lambda event, n=number: (
                by(AuthorKind.ASSISTANT)(event) and event.message.seq == 2 * n + 4
            )
        )

    await scene.say(scene.cy, "why has the pump failed near the gearbox")
    await watcher.until(lambda event: by(AuthorKind.ASSISTANT)(event) and event.message.seq == 54)

    sources = scene.answerer.asked[-1]
    assert sources.turns[-1].content == sources.question
    assert {turn.role for turn in sources.turns} == {"user", "assistant"}
    assert [passage.text for passage in sources.logs] == ["pump failed"]
    assert [(each.source, each.text) for each in sources.said] == [("cy", "the gearbox squeaks")]


async def test_what_is_written_is_streamed_to_those_who_watch_and_nobody_else(scene: Scene) -> None:
    connection, watcher = await scene.connect(scene.cy)
    other = await scene.watch(scene.cy)
    go_on = asyncio.Event()
    scene.answerer.script = ["be", go_on, "cause"]

    question = await scene.say(scene.cy, "why?")
    scene.server.hub.streaming.watch(connection, scene.session.id, question.uid)
    await watcher.until(lambda event: isinstance(event, AnswerExtended))
    streamed = scene.server.hub.streaming.so_far(scene.session.id)
    go_on.set()
    answer = await answered(other)

    assert streamed is not None
    assert (streamed.text, streamed.question, streamed.message) == ("be", question.uid, answer.uid)
    extended = watcher.of(AnswerExtended)
    assert [(each.position, each.delta) for each in extended] == [(0, "be"), (2, "cause")]
    assert {each.message for each in extended} == {answer.uid}
    assert other.of(AnswerExtended) == []
    assert scene.server.hub.streaming.so_far(scene.session.id) is None


async def test_what_is_streamed_is_what_the_message_will_be_without_the_space_around_it(
    scene: Scene,
) -> None:
    connection, watcher = await scene.connect(scene.cy)
    scene.server.hub.streaming.watch(connection, scene.session.id)
    scene.answerer.script = ["\n", " it is", " ", "\n\n", "because", ". ", "\n"]

    await scene.say(scene.cy, "why?")
    answer = await answered(watcher)

    extended = watcher.of(AnswerExtended)
    assert answer.body.content == "".join(each.delta for each in extended) == "it is \n\nbecause."
    assert [each.position for each in extended] == [0, 5, 15]


async def test_what_is_retracted_is_in_no_message_and_what_follows_begins_at_its_place(
    scene: Scene,
) -> None:
    connection, watcher = await scene.connect(scene.cy)
    scene.server.hub.streaming.watch(connection, scene.session.id)
    scene.answerer.script = ["I wonder", " why.", Retraction(), "be", "cause"]

    await scene.say(scene.cy, "why?")
    answer = await answered(watcher)

    assert answer.body.content == "because"
    assert [(each.position, each.delta) for each in watcher.of(AnswerExtended)] == [
        (0, "I wonder"),
        (8, " why."),
        (0, "be"),
        (2, "cause"),
    ]


async def test_a_model_that_says_nothing_but_spaces_is_cut_off_like_any_other(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = ["so", *[" " * 1000] * 11]

    await scene.say(scene.cy, "why?")

    assert (await answered(watcher)).body.content == "so"
    told = await answered(watcher, AuthorKind.SYSTEM)
    assert "longer than a message" in told.body.content


async def test_a_failure_is_told_by_the_server_and_the_question_stays(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = [FAILURE]

    question = await scene.say(scene.cy, "why?")
    told = await answered(watcher, AuthorKind.SYSTEM)

    assert told.body.content == str(FAILURE)
    assert [message.uid for message in await scene.history()] == [question.uid, told.uid]


async def test_what_nobody_could_answer_now_is_not_even_asked(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.refuses = FAILURE

    await scene.say(scene.cy, "why?")
    told = await answered(watcher, AuthorKind.SYSTEM)

    assert (told.body.content, scene.answerer.asked) == (str(FAILURE), [])


async def test_what_had_come_before_a_failure_is_kept_and_marked(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = ["it is be", FAILURE]

    await scene.say(scene.cy, "why?")
    answer, told = await answered(watcher), await answered(watcher, AuthorKind.SYSTEM)

    assert (answer.body.content, answer.body.labels) == ("it is be", {CUT_SHORT: str(FAILURE)})
    assert told.body.content == str(FAILURE)


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async with scened(bounds=AssistantBounds(seconds=0.05)) as scene:
        watcher = await scene.watch(scene.cy)
        scene.answerer.script = [asyncio.Event()]

        await scene.say(scene.cy, "why?")
        told = await answered(watcher, AuthorKind.SYSTEM)

    assert "longer than 0.05 seconds" in told.body.content
    assert scene.answerer.closed == 1


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([], NOTHING_CAME),
        ([" ", "\n"], NOTHING_CAME),
        ([ZeroDivisionError("a bug")], FAULT),
        ([Unavailable()], "Something went wrong"),
        (["x" * 10_001], "longer than a message"),
    ],
)
async def test_whatever_an_answerer_does_the_asker_is_told(
    scene: Scene, script: list[Any], told: str
) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = script

    await scene.say(scene.cy, "why?")

    assert told in (await answered(watcher, AuthorKind.SYSTEM)).body.content
    scene.answerer.script = ["because"]
    await scene.say(scene.cy, "and now?")
    assert (await answered(watcher)).body.content == "because"


async def test_a_human_who_writes_ends_the_answer_that_is_being_written(scene: Scene) -> None:
    connection, watcher = await scene.connect(scene.cy)
    scene.server.hub.streaming.watch(connection, scene.session.id)
    scene.answerer.script = ["be", asyncio.Event()]
    question = await scene.say(scene.cy, "why?")
    extended = await watcher.until(lambda event: isinstance(event, AnswerExtended))

    await scene.say(scene.agent, "let me see")
    dropped = await watcher.until(lambda event: isinstance(event, AnswerDropped))

    assert (dropped.message, dropped.question) == (extended.message, question.uid)
    await scene.say(scene.cy, "are you there?")
    said = [message.body.content for message in await scene.history()]
    assert said == ["why?", "let me see", "are you there?"]
    assert len(scene.answerer.asked) == 1


async def test_a_late_answer_is_dropped_even_if_it_was_given_back(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, "late"]
    await scene.say(scene.cy, "why?")
    await watcher.until(lambda event: isinstance(event, Typing))
    await scene.say(scene.agent, "let me see")
    await scene.server.do(
        scene.server.services.desks.switch_assistant, scene.agent, scene.session.id, is_on=True
    )

    scene.answerer.script = ["in time"]
    go_on.set()
    await scene.say(scene.cy, "and now?")
    answer = await answered(watcher)

    assert answer.body.content == "in time"
    assert "late" not in [message.body.content for message in await scene.history()]


async def test_the_asker_cancels_from_any_device_and_keeps_what_there_is(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = ["be", asyncio.Event()]
    await scene.say(scene.cy, "why?")
    await asyncio.wait_for(scene.answerer.stuck.wait(), WITHIN_S)

    assert not scene.assistant.cancel(scene.session.id, scene.agent.id)
    assert scene.assistant.cancel(scene.session.id, scene.cy.id)
    answer = await answered(watcher)

    assert (answer.body.content, answer.body.labels) == ("be", {CUT_SHORT: CANCELLED})
    assert scene.answerer.closed == 1
    assert not scene.assistant.cancel(scene.session.id, scene.cy.id)


async def test_an_answer_cancelled_before_its_first_word_is_no_hole(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    scene.answerer.script = [asyncio.Event()]
    await scene.say(scene.cy, "why?")
    await asyncio.wait_for(scene.answerer.stuck.wait(), WITHIN_S)

    assert scene.assistant.cancel(scene.session.id, scene.cy.id)

    assert (await answered(watcher, AuthorKind.SYSTEM)).body.content == NOTHING_WANTED


async def test_what_was_owed_before_a_crash_is_given_after_it(scene: Scene) -> None:
    cast, name = scene.server.cast, Uid("0194d7a0-0000-7000-8000-00000000abcd")
    watcher = await scene.watch(scene.cy)
    # Stored by a process that ended before it could begin, and in the middle.
    for content in ("begun?", "waiting?"):
        await cast.say(scene.cy, content, where=scene.session)
    now = cast.clock.now()
    taken = await cast.do(
        lambda work: work.tasks.take(ANSWER, "another", at=now, until=now, limit=1)
    )
    await cast.do(scene.answers.save, *taken.tasks, name, "it was be")

    scene.tasks.consume(TasksAdded(ANSWER))
    await watcher.until(
        lambda _: len([e for e in watcher.events if by(AuthorKind.ASSISTANT)(e)]) == 2
    )

    first, second = [e.message for e in watcher.events if by(AuthorKind.ASSISTANT)(e)]
    assert (first.uid, first.body.content, first.body.labels) == (
        name,
        "it was be",
        {CUT_SHORT: RESTARTED},
    )
    assert (second.body.content, second.body.labels) == ("because", {})
    assert [sources.question for sources in scene.answerer.asked] == ["waiting?"]


async def test_a_question_that_was_deleted_meanwhile_is_not_answered(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, "because"]
    await scene.say(scene.cy, "first")
    second = await scene.say(scene.cy, "oops")
    await scene.server.do(
        scene.server.services.messages.delete, scene.cy.id, scene.session.id, second.uid
    )
    go_on.set()
    await answered(watcher)
    await scene.say(scene.cy, "third")
    await watcher.until(
        lambda _: len([e for e in watcher.events if by(AuthorKind.ASSISTANT)(e)]) == 2
    )

    assert [sources.question for sources in scene.answerer.asked] == ["first", "third"]
