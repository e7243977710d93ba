"""What only session conversations have, in SQL."""

from datetime import datetime
from functools import cache

from sqlalchemy import BigInteger, bindparam, func, null, select, update

from folkmoot.core.conversations.model import DeskChange, DeskFilter
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Slice
from folkmoot.storage.keys import clamped
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.tables import among_sessions, conversations, members
from folkmoot.storage.times import to_micros

_limit = bindparam("limit", type_=BigInteger())

_CHANGE = Statement(
    update(conversations)
    .where(conversations.c.id == bindparam("conversation_id", type_=BigInteger()))
    .values(
        {
            name: func.coalesce(
                bindparam(f"new_{name}", type_=conversations.c[name].type), conversations.c[name]
            )
            for name in (
                "title",
                "agent_id",
                "assistant_on",
                "closed_at",
                "ownership",
                "taken_over",
                "left_to_people",
            )
        }
    )
)
_SERVED_BY = Statement(
    select(conversations.c.id)
    .where(
        among_sessions,
        conversations.c.closed_at.is_(None),
        conversations.c.agent_id == bindparam("agent_id", type_=BigInteger()),
    )
    .order_by(conversations.c.id)
)
_RELEASE = Statement(
    update(conversations)
    .where(conversations.c.id == bindparam("conversation_id", type_=BigInteger()))
    .values(agent_id=null())
)
_IDLE_SINCE = Statement(
    select(conversations.c.id)
    .where(
        among_sessions,
        conversations.c.closed_at.is_(None),
        conversations.c.last_activity_at < bindparam("cutoff", type_=BigInteger()),
    )
    .order_by(conversations.c.last_activity_at, conversations.c.id)
    .limit(_limit)
)


@cache
def listed(*, of_member: bool, of_owner: bool, unassigned: bool, closed: bool | None) -> Statement:
    """The statement for one sort of filter: with a condition for each that is set, and no other."""
    query = select(conversations.c.id).where(among_sessions)
    if of_member:
        query = query.join(members, members.c.conversation_id == conversations.c.id).where(
            members.c.account_id == bindparam("member", type_=BigInteger()),
            members.c.left_at.is_(None),
        )
    if of_owner:
        query = query.where(conversations.c.created_by == bindparam("owner", type_=BigInteger()))
    if unassigned:
        query = query.where(conversations.c.agent_id.is_(None))
    if closed is not None:
        ended = conversations.c.closed_at
        query = query.where(ended.is_not(None) if closed else ended.is_(None))
    return Statement(
        query.order_by(conversations.c.last_activity_at.desc(), conversations.c.id.desc())
        .limit(_limit)
        .offset(bindparam("offset", type_=BigInteger()))
    )


class SqlDesks:
    """`DeskStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def change(self, conversation_id: ConversationId, change: DeskChange) -> None:
        closed_at = None if change.closed_at is None else to_micros(change.closed_at)
        params = {
            "conversation_id": conversation_id,
            "new_title": change.title,
            "new_agent_id": change.agent_id,
            "new_assistant_on": _flag(change.assistant_on),
            "new_closed_at": closed_at,
            "new_ownership": change.ownership,
            "new_taken_over": _flag(change.taken_over),
            "new_left_to_people": _flag(change.left_to_people),
        }
        await self._executor.run(_CHANGE, params)

    async def listed(self, which: DeskFilter, stretch: Slice) -> list[ConversationId]:
        statement = listed(
            of_member=which.member is not None,
            of_owner=which.owner is not None,
            unassigned=which.unassigned,
            closed=which.closed,
        )
        params = {
            "member": None if which.member is None else clamped(which.member),
            "owner": None if which.owner is None else clamped(which.owner),
            "limit": clamped(max(stretch.limit, 0)),
            "offset": clamped(max(stretch.offset, 0)),
        }
        return [row[0] for row in await self._executor.rows(statement, params)]

    async def served_by(self, agent_id: AccountId) -> list[ConversationId]:
        rows = await self._executor.rows(_SERVED_BY, {"agent_id": clamped(agent_id)})
        return [row[0] for row in rows]

    async def release(self, conversation_id: ConversationId) -> None:
        await self._executor.run(_RELEASE, {"conversation_id": conversation_id})

    async def idle_since(self, cutoff: datetime, *, limit: int) -> list[ConversationId]:
        params = {"cutoff": to_micros(cutoff), "limit": clamped(max(limit, 0))}
        return [row[0] for row in await self._executor.rows(_IDLE_SINCE, params)]


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
