"""The assistant: answers what it owes, in order, one at a time in each session.

Whether an answer is still wanted is decided where it is posted, in the same transaction
(`core.messages.answers`); here is only the work, and its bounds.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from folkmoot.bots.answering import Answerer, AnswerFailed, Sources
from folkmoot.bots.research import QuestionContext, Research
from folkmoot.core.accounts.model import ASSISTANT
from folkmoot.core.conversations.events import AssistantSwitched, ConversationEnded
from folkmoot.core.events import Event
from folkmoot.core.messages.answers import Answer, Answers
from folkmoot.core.messages.events import AnswerDropped, AnswerExtended, AnswerOwed
from folkmoot.core.messages.model import Message, OwedAnswer
from folkmoot.core.presence.events import Typing
from folkmoot.core.presence.model import TYPING_SECONDS
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.realtime.services import Services

CANCELLED = "cancelled"
RESTARTED = "the server was restarted"
NOTHING_WANTED = "The answer was cancelled."
NOTHING_CAME = "The assistant found no words for an answer."
FAULT = "Something went wrong on our side, and the assistant could not answer. Please ask again."
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
    """An answer that is being written; to be saved again at ``save_at`` by the loop.

    ``space`` has come after ``text``, and is a part of it once something else comes.
    """

    question: Message
    name: Uid
    task: "asyncio.Task[Answer] | None" = None
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

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Assistant:
    """Owes answers, and gives them."""

    def __init__(
        self,
        services: Services,
        answers: Answers,
        answerer: Answerer,
        research: Research,
        *,
        bounds: AssistantBounds | None = None,
    ) -> None:
        self._services = services
        self._answers = answers
        self._answerer = answerer
        self._research = research
        self._bounds = bounds or AssistantBounds()
        self._turns = asyncio.Semaphore(self._bounds.at_once)
        self._waiting: dict[ConversationId, deque[MessageId]] = {}
        self._known: set[MessageId] = set()
        self._writing: dict[ConversationId, _Writing] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Answer until cancelled, first of all what was owed when the last process ended."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._answerer.run())
            try:
                for owed in await self._services.storage.read(lambda work: work.answers.all_owed()):
                    self._take_on(owed)
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

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
        """Take on what is owed, and stop what is wanted no longer."""
        match event:
            case AnswerOwed(owed=owed):
                self._take_on(owed)
            case (
                AssistantSwitched(conversation_id=place) | ConversationEnded(conversation_id=place)
            ):
                if writing := self._writing.get(place):
                    writing.cancel()

    def _take_on(self, owed: OwedAnswer) -> None:
        if owed.question_id in self._known or self._tasks is None:
            return
        self._known.add(owed.question_id)
        queue = self._waiting.get(owed.conversation_id)
        if queue is not None:
            queue.append(owed.question_id)
            return
        self._waiting[owed.conversation_id] = deque([owed.question_id])
        self._tasks.create_task(self._serve(owed.conversation_id))

    async def _serve(self, place: ConversationId) -> None:
        """Answer one question of a session after the other."""
        queue = self._waiting[place]
        while queue:
            question_id = queue[0]
            try:
                async with self._turns:
                    await self._answer(question_id)
            except Exception:
                _log.exception("the assistant failed")
                await self._give_up(question_id)
            self._known.discard(queue.popleft())
        del self._waiting[place]

    async def _answer(self, question_id: MessageId) -> None:
        footing = await _patiently(lambda: self._research.footing(question_id))
        if footing is None:
            write = self._services.writer.write
            await _patiently(lambda: write(lambda work: self._answers.forget(work, question_id)))
        elif footing.owed.uid is not None:
            answer = Answer(text=footing.owed.text, cut_short=RESTARTED)
            await self._give(footing.question, footing.owed.uid, answer)
        else:
            await self._write(footing)

    async def _write(self, footing: QuestionContext) -> None:
        """Have an answer written, and post it, or what there is of it."""
        if self._tasks is None:
            return
        writing = _Writing(footing.question, self._answers.name())
        task = writing.task = self._tasks.create_task(self._compose(footing, writing))
        self._writing[footing.head.id] = writing
        try:
            answer = await task
        except asyncio.CancelledError:
            if not task.cancelled() or _is_ending():
                raise
            notice = None if writing.text else NOTHING_WANTED
            answer = Answer(text=writing.text, cut_short=CANCELLED, notice=notice)
        finally:
            del self._writing[footing.head.id]
        await self._give(footing.question, writing.name, answer)

    async def _compose(self, footing: QuestionContext, writing: _Writing) -> Answer:
        failure = None
        try:
            async with self._typing(footing):
                # Neither is the model's time, and each has bounds of its own.
                await self._answerer.ready()
                grounds = await self._research.grounds(footing)
                await self._hear(grounds, writing)
        except TimeoutError:
            failure = f"The assistant took longer than {self._bounds.seconds:g} seconds."
        except AnswerFailed as error:
            failure = str(error)
        except Unavailable:
            failure = FAULT
        except Exception:
            # It would take every other answer with it: the tasks have one group.
            _log.exception("an answer could not be written")
            failure = FAULT
        if failure is None and not writing.text.strip():
            failure = NOTHING_CAME
        return Answer(text=writing.text, cut_short=failure, notice=failure)

    async def _hear(self, grounds: Sources, writing: _Writing) -> None:
        async with (
            asyncio.timeout(self._bounds.seconds),
            aclosing(self._answerer.answer(grounds)) as pieces,
        ):
            async for piece in pieces:
                await self._grow(writing, piece)

    async def _grow(self, writing: _Writing, piece: str) -> None:
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
            text, question_id = writing.text, writing.question.id
            await self._services.writer.write(
                lambda work: self._answers.save(work, question_id, writing.name, text),
                patient=True,
            )
            writing.save_at = now + self._bounds.save_seconds
        question = writing.question
        grew = AnswerExtended(
            conversation_id=question.conversation_id,
            conversation_uid=question.conversation_uid,
            question=question.uid,
            message=writing.name,
            position=position,
            delta=added,
        )
        self._services.publish([grew])

    async def _give(self, question: Message, name: Uid, answer: Answer) -> None:
        write = self._services.writer.write
        said = await _patiently(
            lambda: write(
                lambda work: self._answers.give(work, question.id, name, answer), patient=True
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

    async def _give_up(self, question_id: MessageId) -> None:
        """Say that a fault of ours kept a question from being answered."""
        answer, name, write = (
            Answer(notice=FAULT),
            self._answers.name(),
            self._services.writer.write,
        )
        try:
            await write(lambda work: self._answers.give(work, question_id, name, answer))
        except Exception:
            _log.exception("it could not even be said that the assistant failed")

    @asynccontextmanager
    async def _typing(self, footing: QuestionContext) -> AsyncIterator[None]:
        """Show the assistant typing."""
        if self._tasks is None:
            yield
            return
        beating = self._tasks.create_task(self._keep_typing(footing))
        try:
            yield
        finally:
            beating.cancel()
            self._show_typing(footing, is_typing=False)

    async def _keep_typing(self, footing: QuestionContext) -> None:
        while True:
            self._show_typing(footing, is_typing=True)
            await asyncio.sleep(TYPING_SECONDS / 2)

    def _show_typing(self, footing: QuestionContext, *, is_typing: bool) -> None:
        head = footing.head
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
