"""The assistant: does the tasks of answering.

Whether an answer is still wanted is decided where it is posted, in the same transaction
(`core.messages.answers`); here is only the work, and its bounds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from folkmoot.bots.answerer import Answerer, AnswerFailed, NothingFits, Retraction, Sources
from folkmoot.bots.ephemeral_notices import EphemeralNotices
from folkmoot.bots.research import QuestionContext, Research
from folkmoot.core.accounts.model import ASSISTANT
from folkmoot.core.conversations.events import AssistantSwitched, ConversationEnded
from folkmoot.core.events import Event
from folkmoot.core.messages.answers import LEFT_TO_PEOPLE, Answer, Answers
from folkmoot.core.messages.events import AnswerDropped, AnswerExtended
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.owed_answers import OwedAnswer
from folkmoot.core.presence.events import Typing
from folkmoot.core.presence.model import TYPING_SECONDS
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.shared.texts import shows_nothing
from folkmoot.core.tasks.model import Task
from folkmoot.realtime.services import Services

CANCELLED = "cancelled"
RESTARTED = "the server was restarted"
NOTHING_WANTED = "The answer was cancelled."
NOTHING_CAME = "The assistant found no words for an answer."
FAULT = "Something went wrong on our side, and the assistant could not answer. Please ask again."
FOR_YOU_ALONE = "Only you can read this, from sources that not everybody may read; it is not kept."
MAX_PAUSE = 30.0
_log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AssistantBounds:
    """How much is done at once, and how long an answerer may take for an answer, in seconds.

    ``save_seconds``: how much of an answer a crash may cost.
    """

    at_once: int = 8
    seconds: float = 60.0
    save_seconds: float = 1.0


@dataclass(slots=True, eq=False)
class _Writing:
    """An answer that is being written for a task; to be saved again at ``save_at`` by the loop.

    ``space`` has come after ``text``, and is a part of it once something else comes.
    """

    task: Task
    question: Message
    name: Uid
    composing: "asyncio.Task[Answer] | None" = None
    text: str = ""
    space: str = ""
    save_at: float = 0.0

    def take(self, piece: str) -> str:
        """What a piece adds to the text, which has no space around it, as a message has none."""
        piece = self.space + piece
        added = piece.rstrip()
        self.space = piece[len(added) :]
        if not self.text:
            added = added.lstrip()
        self.text += added
        return added

    def begin_anew(self) -> None:
        """Let go of what there is; the next piece is saved at once, in its stead."""
        self.text = self.space = ""
        self.save_at = 0.0

    def cancel(self) -> None:
        if self.composing is not None:
            self.composing.cancel()


@dataclass(frozen=True, slots=True)
class AssistantStatistics:
    """Answers that are being written."""

    writing: int


class Assistant:
    """Answers questions; the runner of tasks sees to their order, and how many at once."""

    def __init__(
        self,
        services: Services,
        answers: Answers,
        answerer: Answerer,
        research: Research,
        notices: EphemeralNotices,
        *,
        bounds: AssistantBounds | None = None,
    ) -> None:
        self._services = services
        self._answers = answers
        self._answerer = answerer
        self._research = research
        self._notices = notices
        self.bounds = bounds or AssistantBounds()
        self._writing: dict[ConversationId, _Writing] = {}

    async def run(self) -> None:
        """Look after what the answerer needs, until cancelled."""
        await self._answerer.run()

    def statistics(self) -> AssistantStatistics:
        """What it is at."""
        return AssistantStatistics(len(self._writing))

    def cancel(self, conversation_id: ConversationId, account_id: AccountId) -> bool:
        """End the answer that is being written to this account; whether there was one.

        What there is of it becomes a message, which says so.
        """
        writing = self._writing.get(conversation_id)
        if writing is None or writing.question.author_id != account_id:
            return False
        writing.cancel()
        return True

    def consume(self, event: Event) -> None:
        """Stop what is wanted no longer."""
        if not isinstance(event, AssistantSwitched | ConversationEnded):
            return
        if writing := self._writing.get(event.conversation_id):
            writing.cancel()

    async def handle(self, task: Task) -> None:
        """Answer a question, or say that a fault of ours kept it from being answered."""
        try:
            await self._answer(task)
        except Exception:
            _log.exception("the assistant failed")
            name, answer = self._answers.name(), Answer(notice=FAULT)
            await self._services.writer.write(
                lambda work: self._answers.give(work, task, name, answer)
            )

    async def _answer(self, task: Task) -> None:
        owed = OwedAnswer.of(task.payload)
        context = await _patiently(lambda: self._research.context(owed))
        if context is None:
            write = self._services.writer.write
            await _patiently(lambda: write(lambda work: work.tasks.complete(task)))
        elif owed.uid is not None:
            answer = Answer(text=owed.text, cut_short=RESTARTED)
            await self._give(task, context.question, owed.uid, answer)
        else:
            writing = _Writing(task, context.question, self._answers.name())
            answer = await self._written(context, writing)
            await self._give(task, context.question, writing.name, answer)

    async def _written(self, context: QuestionContext, writing: _Writing) -> Answer:
        """An answer, or what there is of it once it is cancelled."""
        self._writing[context.head.id] = writing
        try:
            async with asyncio.TaskGroup() as tasks:
                typing = tasks.create_task(self._show_typing(context))
                writing.composing = tasks.create_task(self._compose(context, writing))
                try:
                    return await writing.composing
                finally:
                    typing.cancel()
        except asyncio.CancelledError:
            if _is_ending():
                raise
            notice = None if writing.text else NOTHING_WANTED
            return Answer(text=writing.text, cut_short=CANCELLED, notice=notice)
        finally:
            del self._writing[context.head.id]

    async def _compose(self, context: QuestionContext, writing: _Writing) -> Answer:
        failure = None
        try:
            # Neither is the model's time, and each has bounds of its own.
            await self._answerer.ready()
            sources = await self._research.sources(context)
            await self._tell_asker(context, sources)
            await self._stream(sources, writing)
        except NothingFits:
            return await self._left_to_people(context, writing)
        except TimeoutError:
            failure = f"The assistant took longer than {self.bounds.seconds:g} seconds."
        except AnswerFailed as error:
            failure = str(error)
        except Unavailable:
            failure = FAULT
        except Exception:
            # What there is of the answer is worth more than another attempt.
            _log.exception("an answer could not be written")
            failure = FAULT
        if failure is None and shows_nothing(writing.text):
            failure = NOTHING_CAME
        return Answer(text=writing.text, cut_short=failure, notice=failure)

    async def _stream(self, sources: Sources, writing: _Writing) -> None:
        async with (
            asyncio.timeout(self.bounds.seconds),
            aclosing(self._answerer.answer(sources)) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, Retraction):
                    writing.begin_anew()
                else:
                    await self._extend(writing, piece)

    async def _left_to_people(self, context: QuestionContext, writing: _Writing) -> Answer:
        """That the assistant cannot help, streamed as any answer is; nothing if it was said."""
        desk = context.head.desk
        if desk is not None and not desk.left_to_people:
            try:
                await self._extend(writing, LEFT_TO_PEOPLE[: self._answers.max_chars])
            except Unavailable:
                return Answer(notice=FAULT)
        return Answer(text=writing.text, left_to_people=True)

    async def _tell_asker(self, context: QuestionContext, shared: Sources) -> None:
        """Tell the asker alone what they may read and not everybody may; nothing of it is kept.

        What everybody is told is made without it, so that it does not show there either.
        """
        withheld = await self._research.withheld(context, shared)
        if withheld is None:
            return
        try:
            text = await self._whole(withheld)
        except (NothingFits, AnswerFailed, TimeoutError):
            return  # whether there is an answer at all, is said to everybody
        if await self._research.may_still_read(context):
            notice = self._notices.to(
                context.asker.id, context.head, text, question=context.question
            )
            self._services.publish([notice])

    async def _whole(self, sources: Sources) -> str:
        """An answer that is not streamed, with a sentence before it that says who reads it."""
        text = ""
        async with (
            asyncio.timeout(self.bounds.seconds),
            aclosing(self._answerer.answer(sources)) as pieces,
        ):
            async for piece in pieces:
                text = "" if isinstance(piece, Retraction) else text + piece
                if len(text) > self._answers.max_chars:
                    break
        return f"{FOR_YOU_ALONE}\n\n{text.strip()}"[: self._answers.max_chars]

    async def _extend(self, writing: _Writing, piece: str) -> None:
        """Take in a piece of an answer: what nobody could lose any more is kept before it is shown.

        Raises:
            AnswerFailed: it is longer than a message may be.
        """
        position = len(writing.text)
        if position + len(writing.space) + len(piece) > self._answers.max_chars:
            raise AnswerFailed("The answer is longer than a message may be.")
        added = writing.take(piece)
        if not added:
            return
        now = asyncio.get_running_loop().time()
        if now >= writing.save_at:
            text = writing.text
            await self._services.writer.write(
                lambda work: self._answers.save(work, writing.task, writing.name, text),
                patient=True,
            )
            writing.save_at = now + self.bounds.save_seconds
        question = writing.question
        extended = AnswerExtended(
            conversation_id=question.conversation_id,
            conversation_uid=question.conversation_uid,
            question=question.uid,
            message=writing.name,
            position=position,
            delta=added,
        )
        self._services.publish([extended])

    async def _give(self, task: Task, question: Message, name: Uid, answer: Answer) -> None:
        said = await _patiently(
            lambda: self._services.writer.write(
                lambda work: self._answers.give(work, task, name, answer), patient=True
            )
        )
        if answer.text and not said:
            dropped = AnswerDropped(
                conversation_id=question.conversation_id,
                conversation_uid=question.conversation_uid,
                question=question.uid,
                message=name,
            )
            self._services.publish([dropped])

    async def _show_typing(self, context: QuestionContext) -> None:
        try:
            while True:
                self._note_typing(context, is_typing=True)
                await asyncio.sleep(TYPING_SECONDS / 2)
        finally:
            self._note_typing(context, is_typing=False)

    def _note_typing(self, context: QuestionContext, *, is_typing: bool) -> None:
        head = context.head
        typing = Typing(head.id, head.uid, ASSISTANT, is_typing=is_typing)
        self._services.publish([typing])


async def _patiently(act: Callable[[], Awaitable[Result]]) -> Result:
    """What ``act`` gives, however long storage cannot be reached."""
    pause = 1.0
    while True:
        try:
            return await act()
        except Unavailable:
            _log.warning("the assistant waits for storage")
        await asyncio.sleep(pause)
        pause = min(MAX_PAUSE, pause * 2)


def _is_ending() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
