"""What lists show, in SQL: a fixed number of queries for each, however long the list is."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from folkmoot.core.conversations.model import MIN_MEMBERS, Kind
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.views import DeskCustomer, Overview, Totals
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.storage.keys import MAX_NUMBER, clamped, numbers
from folkmoot.storage.reactions import Put, gathered
from folkmoot.storage.sql.conversations import SqlConversations
from folkmoot.storage.sql.customers import CALLERS, pattern_of
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.rows import (
    CONVERSATION,
    MESSAGE,
    PERSON,
    to_conversation,
    to_message,
    to_person,
    with_names,
)
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import (
    accounts,
    among_sessions,
    blocks,
    conversations,
    members,
    messages,
    reactions,
)
from folkmoot.storage.times import to_time

_ids = Sent("ids", id=int)
_hidden = Sent("hidden", id=int)
_among = Sent("among", conversation_id=int)
_conversation_id = bindparam("conversation_id", type_=BigInteger())
_viewer = bindparam("viewer", type_=BigInteger())
_limit = bindparam("limit", type_=BigInteger())
_offset = bindparam("offset", type_=BigInteger())

_STRETCH = (
    select(*MESSAGE)
    .select_from(with_names(messages))
    .where(
        messages.c.conversation_id == _conversation_id,
        messages.c.seq > bindparam("after", type_=BigInteger()),
        messages.c.seq < bindparam("before", type_=BigInteger()),
        or_(messages.c.author_id.is_(None), messages.c.author_id.not_in(select(_hidden.c.id))),
    )
    .limit(_limit)
)
_NEWEST_FIRST = Statement(_STRETCH.order_by(messages.c.seq.desc()).offset(_offset), _hidden)
_OLDEST_FIRST = Statement(_STRETCH.order_by(messages.c.seq), _hidden)
_MESSAGES = Statement(
    select(*MESSAGE).select_from(with_names(_ids.join(messages, messages.c.id == _ids.c.id))), _ids
)
_REACTIONS = Statement(
    select(reactions.c.message_id, reactions.c.emoji, reactions.c.created_at, *PERSON)
    .join_from(_ids, reactions, reactions.c.message_id == _ids.c.id)
    .join(accounts, accounts.c.id == reactions.c.account_id),
    _ids,
)
_OWN = and_(members.c.account_id == _viewer, members.c.left_at.is_(None))
_CONVERSATIONS_OF = Statement(
    select(members.c.conversation_id).where(_OWN).order_by(members.c.conversation_id)
)


def _overviews(of: ColumnElement[bool]) -> Statement:
    """Only the conversations of one page are looked into: the limit stands inside."""
    listed = (
        select(*CONVERSATION, members.c.read_seq)
        .join_from(members, conversations, conversations.c.id == members.c.conversation_id)
        .where(of)
        .order_by(conversations.c.last_activity_at.desc(), conversations.c.id.desc())
        .limit(_limit)
        .offset(_offset)
        .subquery("listed")
    )
    last: Select[Any] = select(messages.c.id).where(_seen_in(listed))
    return Statement(
        select(
            *(listed.c[column.name] for column in CONVERSATION),
            last.order_by(messages.c.seq.desc()).limit(literal_column("1")).scalar_subquery(),
            _unread_in(listed),
        ).order_by(listed.c.last_activity_at.desc(), listed.c.id.desc())
    )


def _seen_in(listed: Subquery) -> ColumnElement[bool]:
    """Which messages of a listed conversation count for the viewer."""
    # `audience.hidden_authors` says the same of live events.
    shown = or_(
        listed.c.member_count <= literal_column(str(MIN_MEMBERS)),
        messages.c.author_id.is_(None),
        not_(
            select(blocks.c.blocked_id)
            .where(blocks.c.blocker_id == _viewer, blocks.c.blocked_id == messages.c.author_id)
            .exists()
        ),
    )
    return and_(messages.c.conversation_id == listed.c.id, messages.c.deleted_at.is_(None), shown)


def _unread_in(listed: Subquery) -> ScalarSelect[int]:
    unread = select(func.count()).where(
        _seen_in(listed),
        messages.c.seq > listed.c.read_seq,
        messages.c.author_id.is_distinct_from(_viewer),
    )
    return unread.scalar_subquery()


def _unread_among() -> Statement:
    listed = (
        select(conversations.c.id, conversations.c.member_count, members.c.read_seq)
        .join_from(_ids, members, members.c.conversation_id == _ids.c.id)
        .join(conversations, conversations.c.id == members.c.conversation_id)
        .where(_OWN)
        .subquery("listed")
    )
    return Statement(select(listed.c.id, _unread_in(listed)), _ids)


_OF_OTHERS = and_(
    _OWN,
    conversations.c.kind == literal_column(f"'{Kind.DIRECT.value}'"),
    messages.c.author_id.is_distinct_from(_viewer),
    messages.c.deleted_at.is_(None),
)
_in_ones_own = members.join(messages, messages.c.conversation_id == members.c.conversation_id)
_UNDELIVERED = Statement(
    select(*MESSAGE)
    .select_from(
        with_names(_among.join(_in_ones_own, members.c.conversation_id == _among.c.conversation_id))
    )
    .where(_OF_OTHERS, messages.c.seq > members.c.delivered_seq)
    .order_by(messages.c.conversation_id, messages.c.seq)
    .limit(_limit),
    _among,
)
_UNREAD_DIRECTS = Statement(
    select(members.c.conversation_id, func.count())
    .select_from(_in_ones_own.join(conversations, conversations.c.id == members.c.conversation_id))
    .where(_OF_OTHERS, messages.c.seq > members.c.read_seq)
    .group_by(members.c.conversation_id)
)
_COUNT = Statement(select(func.count()).where(messages.c.conversation_id == _conversation_id))
_TOTALS = Statement(
    select(
        select(func.count()).select_from(accounts).scalar_subquery(),
        select(func.count()).select_from(conversations).where(among_sessions).scalar_subquery(),
        select(func.count()).select_from(messages).scalar_subquery(),
    )
)
_UNREAD_AMONG = _unread_among()
_OVERVIEWS = _overviews(_OWN)
_OVERVIEW = _overviews(and_(_OWN, members.c.conversation_id == _conversation_id))


class SqlViews:
    """`MessageViews` in SQL."""

    def __init__(self, executor: Executor, conversations: SqlConversations) -> None:
        self._executor = executor
        self._conversations = conversations

    async def page(
        self,
        conversation_id: ConversationId,
        page: Page,
        *,
        hidden: Collection[AccountId] = (),
    ) -> list[Message]:
        if not numbers([conversation_id]):
            return []
        forward = page.after_seq is not None and page.before_seq is None
        params = {
            "conversation_id": conversation_id,
            "after": clamped(-1 if page.after_seq is None else page.after_seq),
            "before": clamped(MAX_NUMBER if page.before_seq is None else page.before_seq),
            "limit": clamped(max(page.limit, 0)),
            "offset": clamped(max(page.offset, 0)),
            "hidden": numbers(hidden),
        }
        rows = await self._executor.rows(_OLDEST_FIRST if forward else _NEWEST_FIRST, params)
        return await self._with_reactions(rows if forward else rows[::-1])

    async def overviews(
        self, viewer: AccountId, stretch: Slice, *, only: ConversationId | None = None
    ) -> list[Overview]:
        if only is not None and not numbers([only]):
            return []
        params = {
            "viewer": viewer,
            "conversation_id": only,
            "limit": clamped(max(stretch.limit, 0)),
            "offset": clamped(max(stretch.offset, 0)),
        }
        rows = await self._executor.rows(_OVERVIEWS if only is None else _OVERVIEW, params)
        if not rows:
            return []
        members_of = await self._conversations.members([row[0] for row in rows])
        last = await self.messages(row[-2] for row in rows if row[-2] is not None)
        return [
            Overview(to_conversation(head), tuple(members_of[head[0]]), last.get(last_id), unread)
            for *head, last_id, unread in rows
        ]

    async def undelivered(
        self, account_id: AccountId, *, among: Collection[ConversationId], limit: int
    ) -> list[Message]:
        params = {
            "viewer": account_id,
            "among": numbers(among),
            "limit": clamped(max(limit, 0)),
        }
        return await self._with_reactions(await self._executor.rows(_UNDELIVERED, params))

    async def count(self, conversation_id: ConversationId) -> int:
        params = {"conversation_id": clamped(conversation_id)}
        return int((await self._executor.rows(_COUNT, params))[0][0])

    async def totals(self) -> Totals:
        ((accounts, sessions, messages),) = await self._executor.rows(_TOTALS, {})
        return Totals(accounts, sessions, messages)

    async def unread_among(
        self, viewer: AccountId, ids: Collection[ConversationId]
    ) -> dict[ConversationId, int]:
        params = {"viewer": viewer, "ids": numbers(ids)}
        rows = await self._executor.rows(_UNREAD_AMONG, params)
        return {number: count for number, count in rows}  # noqa: C416 - a row is no tuple

    async def unread_directs(self, viewer: AccountId) -> dict[ConversationId, int]:
        rows = await self._executor.rows(_UNREAD_DIRECTS, {"viewer": viewer})
        return {number: count for number, count in rows}  # noqa: C416 - a row is no tuple

    async def callers(self, name_part: str, stretch: Slice) -> list[DeskCustomer]:
        params = {
            "pattern": pattern_of(name_part),
            "limit": clamped(max(stretch.limit, 0)),
            "offset": clamped(max(stretch.offset, 0)),
        }
        rows = await self._executor.rows(CALLERS, params)
        last = await self.messages([row[0] for row in rows]) if rows else {}
        return [
            DeskCustomer(to_person(person), last[message_id], unread)
            for message_id, unread, *person in rows
        ]

    async def conversations_of(self, account_id: AccountId) -> list[ConversationId]:
        rows = await self._executor.rows(_CONVERSATIONS_OF, {"viewer": account_id})
        return [row[0] for row in rows]

    async def messages(self, ids: Iterable[MessageId]) -> dict[MessageId, Message]:
        """Messages with their reactions."""
        rows = await self._executor.rows(_MESSAGES, {"ids": list(ids)})
        return {message.id: message for message in await self._with_reactions(rows)}

    async def _with_reactions(self, rows: Sequence[Row]) -> list[Message]:
        """The messages of these rows, their reactions asked for all at once."""
        if not rows:
            return []
        puts: dict[MessageId, list[Put]] = {}
        ids = [row[0] for row in rows]
        for row in await self._executor.rows(_REACTIONS, {"ids": ids}):
            message_id, emoji, at, *person = row
            puts.setdefault(message_id, []).append(Put(emoji, to_person(person), to_time(at)))
        shown = [to_message(row) for row in rows]
        if not puts:
            return shown
        return [replace(each, reactions=gathered(puts.get(each.id, ()))) for each in shown]
