"""The durable changes of conversations in SQL: two tables, one order."""

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, bindparam, insert, select

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import ConversationChange
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.events import MessageChange
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.posting import announcement
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.changes import Change, to_change, to_event
from folkmoot.storage.keys import clamped, numbers
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.rows import MESSAGE, PERSON, to_message, to_person, with_names
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import accounts, changes, conversations, messages
from folkmoot.storage.times import to_micros, to_time

_ids = Sent("ids", id=int)
_conversation_id = bindparam("conversation_id", type_=BigInteger())
_after = bindparam("after", type_=BigInteger())
_limit = bindparam("limit", type_=BigInteger())

_KEEP = Statement(
    insert(changes).values({column.name: bindparam(column.name) for column in changes.c})
)
_POSTED = Statement(
    select(*MESSAGE)
    .select_from(with_names(messages))
    .where(messages.c.conversation_id == _conversation_id, messages.c.seq > _after)
    .order_by(messages.c.seq)
    .limit(_limit)
)
_CHANGED = Statement(
    select(*changes.c, conversations.c.uid)
    .join(conversations, conversations.c.id == changes.c.conversation_id)
    .where(changes.c.conversation_id == _conversation_id, changes.c.seq > _after)
    .order_by(changes.c.seq)
    .limit(_limit)
)
_MESSAGES = Statement(
    select(*MESSAGE).select_from(with_names(_ids.join(messages, messages.c.id == _ids.c.id))), _ids
)
_PEOPLE = Statement(select(*PERSON).join_from(_ids, accounts, accounts.c.id == _ids.c.id), _ids)


class SqlTimeline:
    """`TimelineStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def keep(self, events: Sequence[ConversationChange | MessageChange]) -> None:
        rows = [_row(to_change(event)) for event in events]
        await self._executor.run_many(_KEEP, rows)

    async def after(
        self, conversation_id: ConversationId, seq: int, *, limit: int
    ) -> list[TimelineEvent]:
        if not numbers([conversation_id]):
            return []
        stretch = {
            "conversation_id": conversation_id,
            "after": clamped(seq),
            "limit": clamped(max(limit, 0)),
        }
        posted = await self._executor.rows(_POSTED, stretch)
        changed = await self._executor.rows(_CHANGED, stretch)
        events: list[TimelineEvent] = [announcement(to_message(row)) for row in posted]
        if changed:
            events += await self._told(changed)
            events.sort(key=lambda event: event.seq)
        return events[:limit]

    async def _told(self, rows: Sequence[Row]) -> list[TimelineEvent]:
        kept: list[tuple[Change, Uid]] = [(_change(row), row[-1]) for row in rows]
        concerned = {change.actor_id for change, _ in kept}
        concerned |= {change.subject_id for change, _ in kept if change.subject_id is not None}
        people = await self._people(concerned)
        about = {change.message_id for change, _ in kept if change.message_id is not None}
        subjects = await self._messages(about) if about else {}
        return [to_event(change, uid, people, subjects) for change, uid in kept]

    async def _people(self, ids: Collection[AccountId]) -> dict[AccountId, Person]:
        rows = await self._executor.rows(_PEOPLE, {"ids": list(ids)})
        return {row[0]: to_person(row) for row in rows}

    async def _messages(self, ids: Collection[MessageId]) -> dict[MessageId, Message]:
        rows = await self._executor.rows(_MESSAGES, {"ids": list(ids)})
        return {row[0]: to_message(row) for row in rows}


def _row(change: Change) -> dict[str, object]:
    return {
        "conversation_id": change.conversation_id,
        "seq": change.seq,
        "kind": change.kind,
        "at": to_micros(change.at),
        "actor_id": change.actor_id,
        "message_id": change.message_id,
        "subject_id": change.subject_id,
        "detail": change.detail,
    }


def _change(row: Row) -> Change:
    conversation_id, seq, kind, at, actor_id, message_id, subject_id, detail, _ = row
    return Change(
        conversation_id,
        seq,
        kind,
        to_time(at),
        actor_id,
        message_id,
        subject_id,
        detail,
    )
