"""The answers that the assistant owes, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from folkmoot.core.messages.model import OwedAnswer
from folkmoot.core.shared.ids import MessageId, Uid
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.state import State


class MemoryAnswers:
    """`AnswerStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def owe(self, answers: Sequence[OwedAnswer]) -> None:
        for answer in answers:
            known = self._state.owed_answers
            if answer.question_id in known or answer.question_id not in self._state.messages:
                raise ConstraintBroken("an answer is owed to a message that is there, and once")
            known[answer.question_id] = answer

    async def owed(self, question_id: MessageId) -> OwedAnswer | None:
        return self._state.owed_answers.get(question_id)

    async def all_owed(self) -> list[OwedAnswer]:
        return [answer for _, answer in sorted(self._state.owed_answers.items())]

    async def save(self, question_id: MessageId, uid: Uid, text: str) -> None:
        answer = self._state.owed_answers.get(question_id)
        if answer is not None:
            self._state.owed_answers[question_id] = replace(answer, uid=uid, text=text)

    async def settle(self, question_ids: Collection[MessageId]) -> list[MessageId]:
        settled = sorted(each for each in set(question_ids) if each in self._state.owed_answers)
        for question_id in settled:
            del self._state.owed_answers[question_id]
        return settled
