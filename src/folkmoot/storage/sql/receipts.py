"""Delivered watermarks, and when direct conversations were read, in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, literal_column, not_, select, update

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.storage.keys import clamped, numbers
from folkmoot.storage.marks import highest, row_of, storable
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import members, messages, reads
from folkmoot.storage.times import to_time

_marks = Sent("marks", conversation_id=int, account_id=int, seq=int)

_MOVE_DELIVERED = Statement(
    update(members)
    .where(
        members.c.conversation_id == _marks.c.conversation_id,
        members.c.account_id == _marks.c.account_id,
        members.c.left_at.is_(None),
        members.c.delivered_seq < _marks.c.seq,
    )
    .values(delivered_seq=_marks.c.seq)
    .returning(members.c.conversation_id, members.c.account_id),
    _marks,
)
_READS = Statement(
    select(reads.c.up_to_seq, reads.c.at)
    .where(
        reads.c.conversation_id == bindparam("conversation_id", type_=BigInteger()),
        reads.c.account_id == bindparam("account_id", type_=BigInteger()),
        reads.c.up_to_seq >= bindparam("since", type_=BigInteger()),
    )
    .order_by(reads.c.up_to_seq)
)
_own = messages.c.author_id.is_not_distinct_from(_marks.c.account_id)
_newest = (
    select(messages.c.uid)
    .where(
        messages.c.conversation_id == _marks.c.conversation_id,
        messages.c.seq <= _marks.c.seq,
        not_(_own),
    )
    .order_by(messages.c.seq.desc())
    .limit(literal_column("1"))
    .scalar_subquery()
)
_NEWEST = Statement(select(*_marks.c, _newest).select_from(_marks), _marks)


class SqlReceipts:
    """`ReceiptStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def move_delivered(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:  # noqa: ARG002 - nobody asks when
        wanted = highest(marks)
        params = {"marks": storable(wanted)}
        raised = await self._executor.rows(_MOVE_DELIVERED, params)
        return [wanted[conversation_id, account_id] for conversation_id, account_id in raised]

    async def reads(
        self, conversation_id: ConversationId, reader: AccountId, since_seq: int
    ) -> list[tuple[int, datetime]]:
        if len(numbers([conversation_id])) + len(numbers([reader])) < 2:
            return []
        params = {
            "conversation_id": conversation_id,
            "account_id": reader,
            "since": clamped(since_seq),
        }
        rows = await self._executor.rows(_READS, params)
        return [(up_to_seq, to_time(at)) for up_to_seq, at in rows]

    async def newest(self, marks: Collection[ReadMark]) -> dict[ReadMark, Uid]:
        wanted = {mark: row for mark in marks if (row := row_of(mark)) is not None}
        rows = await self._executor.rows(_NEWEST, {"marks": list(set(wanted.values()))})
        found = {(number, account, seq): uid for number, account, seq, uid in rows}
        return {mark: uid for mark, row in wanted.items() if (uid := found.get(row)) is not None}
