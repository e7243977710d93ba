"""The answers that the assistant owes, in SQL."""

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Text, bindparam, delete, insert, select, update

from folkmoot.core.messages.model import OwedAnswer
from folkmoot.core.shared.ids import MessageId, Uid
from folkmoot.storage.keys import numbers
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import owed_answers

_ids = Sent("ids", id=int)
_question_id = bindparam("question", type_=BigInteger())

_OWE = Statement(
    insert(owed_answers).values({column.name: bindparam(column.name) for column in owed_answers.c})
)
_OWED = Statement(select(*owed_answers.c).where(owed_answers.c.question_id == _question_id))
_ALL = Statement(select(*owed_answers.c).order_by(owed_answers.c.question_id))
_SAVE = Statement(
    update(owed_answers)
    .where(owed_answers.c.question_id == _question_id)
    .values(uid=bindparam("new_uid", type_=Text()), text=bindparam("new_text", type_=Text()))
)
_SETTLE = Statement(
    delete(owed_answers)
    .where(owed_answers.c.question_id.in_(select(_ids.c.id)))
    .returning(owed_answers.c.question_id),
    _ids,
)


class SqlAnswers:
    """`AnswerStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def owe(self, answers: Sequence[OwedAnswer]) -> None:
        rows = [
            {
                "question_id": answer.question_id,
                "conversation_id": answer.conversation_id,
                "ownership": answer.ownership,
                "uid": answer.uid,
                "text": answer.text,
            }
            for answer in answers
        ]
        await self._executor.run_many(_OWE, rows)

    async def owed(self, question_id: MessageId) -> OwedAnswer | None:
        rows = await self._executor.rows(_OWED, {"question": question_id})
        return _owed(rows[0]) if rows else None

    async def all_owed(self) -> list[OwedAnswer]:
        return [_owed(row) for row in await self._executor.rows(_ALL, {})]

    async def save(self, question_id: MessageId, uid: Uid, text: str) -> None:
        params = {"question": question_id, "new_uid": uid, "new_text": text}
        await self._executor.run(_SAVE, params)

    async def settle(self, question_ids: Collection[MessageId]) -> list[MessageId]:
        rows = await self._executor.rows(_SETTLE, {"ids": numbers(question_ids)})
        return sorted(row[0] for row in rows)


def _owed(row: Row) -> OwedAnswer:
    question_id, conversation_id, ownership, uid, text = row
    return OwedAnswer(
        question_id=question_id,
        conversation_id=conversation_id,
        ownership=ownership,
        uid=uid,
        text=text,
    )
