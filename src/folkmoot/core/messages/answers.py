"""Decisions about what the assistant says: when an answer may still be given, and what it becomes.

An answer is owed from the moment its question is stored until a message settles it: its task is
added in the one transaction and completed in the other. So none is given twice, and a crash loses
none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from folkmoot.core.conversations.model import Conversation, DeskChange
from folkmoot.core.messages.model import (
    AuthorKind,
    Body,
    Message,
    MessageBody,
    MessageKind,
    MessageRef,
    NewMessage,
)
from folkmoot.core.messages.owed_answers import OwedAnswer
from folkmoot.core.messages.posting import advance, announcement
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import Clock, Ids, Uid
from folkmoot.core.tasks.model import Task

LEFT_TO_PEOPLE = (
    "I found nothing on that which everybody in this session may read, so I cannot help with it. "
    "A person will answer here."
)
CUT_SHORT = "cut_short"
"""The label of an answer that ends before its end, and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is to be said to a question.

    ``text`` is the assistant's; without any, only the server speaks. ``cut_short`` says why it
    is not the whole; ``notice`` is what the server says besides. ``left_to_people``: nothing fits;
    the assistant says so once, and then nothing until something does or a person has answered.
    """

    text: str = ""
    left_to_people: bool = False
    cut_short: str | None = None
    notice: str | None = None


class Answers:
    """What the assistant owes, and says. ``max_chars`` bounds a message's content."""

    def __init__(self, clock: Clock, ids: Ids, *, max_chars: int) -> None:
        self._clock = clock
        self._ids = ids
        self.max_chars = max_chars

    def name(self) -> Uid:
        """The UUID of an answer that begins, which its message will have."""
        return self._ids.uid()

    async def still_owed(
        self, work: MessageWork, owed: OwedAnswer
    ) -> tuple[Conversation, Message] | None:
        """Where an answer is owed, and the question; ``None`` if it is not owed any more.

        Not after a human took over or the assistant was switched off, even if it is on again; not
        in a closed session; not to what was deleted.
        """
        conversation_id = owed.conversation_id
        head = (await work.conversations.heads([conversation_id])).get(conversation_id)
        named = await work.messages.named(conversation_id, [owed.question_id])
        question = named.get(owed.question_id)
        if head is None or head.desk is None or question is None:
            return None
        desk = head.desk
        is_void = desk.is_closed or not desk.assistant_on or desk.ownership != owed.ownership
        return None if is_void or question.is_deleted else (head, question)

    async def save(self, work: MessageWork, task: Task, uid: Uid, text: str) -> None:
        """Keep what there is of an answer, so that a crash leaves that much."""
        begun = replace(OwedAnswer.of(task.payload), uid=uid, text=text)
        await work.tasks.save(task, begun.payload)

    async def give(self, work: MessageWork, task: Task, uid: Uid, answer: Answer) -> list[Message]:
        """Complete the task: post the answer under its name, in reply to its question.

        Nothing is posted if it is not owed any more, or if somebody else has the task by now.
        """
        still = await self.still_owed(work, OwedAnswer.of(task.payload))
        if not await work.tasks.complete(task) or still is None:
            return []
        return await self._say(work, *still, uid, answer)

    async def _say(
        self, work: MessageWork, head: Conversation, question: Message, uid: Uid, answer: Answer
    ) -> list[Message]:
        said: list[tuple[Uid, AuthorKind, str]] = []
        was_left = head.desk is not None and head.desk.left_to_people
        text = LEFT_TO_PEOPLE if answer.left_to_people else answer.text.strip()
        if text and not (was_left and answer.left_to_people):
            said.append((uid, AuthorKind.ASSISTANT, text[: self.max_chars]))
            if was_left != answer.left_to_people:
                change = DeskChange(left_to_people=answer.left_to_people)
                await work.desks.change(head.id, change)
        if answer.notice is not None:
            said.append((self._ids.uid(), AuthorKind.SYSTEM, answer.notice))
        return await self._post(work, head, question, said, answer.cut_short)

    async def _post(
        self,
        work: MessageWork,
        head: Conversation,
        question: Message,
        said: Sequence[tuple[Uid, AuthorKind, str]],
        cut_short: str | None,
    ) -> list[Message]:
        now = self._clock.now()
        new = [
            NewMessage(
                uid=uid,
                conversation_id=head.id,
                conversation_uid=head.uid,
                seq=head.last_seq + 1 + offset,
                author=None,
                author_kind=kind,
                body=_body(question, kind, text, cut_short),
                created_at=now,
                client_id=None,
            )
            for offset, (uid, kind, text) in enumerate(said)
        ]
        if not new:
            return []
        stored = await work.messages.add(new)
        await advance(work, stored)
        for message in stored:
            work.record(announcement(message))
        return stored


def _body(question: Message, kind: AuthorKind, text: str, cut_short: str | None) -> MessageBody:
    is_answer = kind is AuthorKind.ASSISTANT
    return Body(
        content=text,
        kind=MessageKind.TEXT if is_answer else MessageKind.SYSTEM,
        reply_to=MessageRef(question.id, question.uid),
        labels={CUT_SHORT: cut_short} if is_answer and cut_short is not None else {},
    )
