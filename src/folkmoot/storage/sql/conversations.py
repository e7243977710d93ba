"""Conversations and members in SQL."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.conversations.model import (
    Conversation,
    Head,
    Kind,
    Member,
    MemberRole,
    NewConversation,
    ReadMark,
)
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.storage.desks import first_desk
from folkmoot.storage.keys import is_number, numbers, texts
from folkmoot.storage.marks import highest, storable
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.rows import CONVERSATION, MEMBER, to_conversation, to_member
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import accounts, conversations, members, reads
from folkmoot.storage.times import to_micros

_ids = Sent("ids", id=int)
_uids = Sent("uids", uid=str)
_keys = Sent("keys", conversation_id=int, account_id=int)
_marks = Sent("marks", conversation_id=int, account_id=int, seq=int)
_added = Sent("added", account_id=int, position=int, role=str)
_conversation_id = bindparam("conversation_id", type_=BigInteger())
_at = bindparam("at", type_=BigInteger())

# Inline: what is given back is for the executor to say.
_ADD = Statement(
    plain_insert(conversations)
    .inline()
    .values(
        {
            column.name: bindparam(column.name)
            for column in conversations.c
            if column.name not in {"id", "started_at", "closed_at"}
        }
    )
)
_HEADS_BY_IDS = (
    select(*CONVERSATION)
    .join_from(_ids, conversations, conversations.c.id == _ids.c.id)
    .order_by(conversations.c.id)
)
_HEADS = Statement(_HEADS_BY_IDS, _ids)
_HEADS_LOCKED = Statement(_HEADS_BY_IDS.with_for_update(of=conversations), _ids)
_IDS_OF = Statement(
    select(conversations.c.uid, conversations.c.id).join_from(
        _uids, conversations, conversations.c.uid == _uids.c.uid
    ),
    _uids,
)


def _present(keys: Sent, *matching: Any) -> Select[Any]:
    condition = members.c.conversation_id == keys.columns[0]
    for each in matching:
        condition &= each
    return (
        select(*MEMBER)
        .join_from(keys, members, condition)
        .join(accounts, accounts.c.id == members.c.account_id)
        .where(members.c.left_at.is_(None))
    )


_MEMBERSHIPS = Statement(_present(_keys, members.c.account_id == _keys.c.account_id), _keys)
_mine = members.alias("mine")
_SHARING = Statement(
    select(members.c.account_id)
    .distinct()
    .join_from(_ids, members, members.c.account_id == _ids.c.id)
    .join(_mine, _mine.c.conversation_id == members.c.conversation_id)
    .where(
        _mine.c.account_id == bindparam("account_id", type_=BigInteger()),
        _mine.c.left_at.is_(None),
        members.c.left_at.is_(None),
    ),
    _ids,
)
_MEMBERS = Statement(_present(_ids).order_by(members.c.conversation_id, members.c.position), _ids)
_LAST_POSITION = Statement(
    select(func.coalesce(func.max(members.c.position), -1)).where(
        members.c.conversation_id == _conversation_id
    )
)
_REJOINED = ("position", "role", "joined_at", "left_at")
_join = insert(members).from_select(
    ["conversation_id", "joined_at", "read_seq", "delivered_seq", "account_id", "position", "role"],
    # SQLite cannot tell ON CONFLICT from the ON of a join unless a WHERE stands between.
    select(_conversation_id, _at, literal_column("0"), literal_column("0"), *_added.c).where(
        literal_column("true")
    ),
)
_JOIN = Statement(
    _join.on_conflict_do_update(
        index_elements=[members.c.conversation_id, members.c.account_id],
        set_={members.c[name]: _join.excluded[name] for name in _REJOINED},
        where=members.c.left_at.is_not(None),
    ).returning(members.c.account_id),
    _added,
)
_LEAVE = Statement(
    update(members)
    .where(
        members.c.conversation_id == _keys.c.conversation_id,
        members.c.account_id == _keys.c.account_id,
        members.c.left_at.is_(None),
    )
    .values(left_at=_at)
    .returning(members.c.account_id),
    _keys,
)
_owner = bindparam("owner", type_=BigInteger())
_OWN = Statement(
    update(members)
    .where(
        members.c.conversation_id == _conversation_id,
        or_(members.c.role == MemberRole.OWNER.value, members.c.account_id == _owner),
    )
    .values(
        role=case(
            (members.c.account_id == _owner, MemberRole.OWNER.value),
            else_=MemberRole.MEMBER.value,
        )
    )
)
_COUNT = Statement(
    update(conversations)
    .where(conversations.c.id == _conversation_id)
    .values(member_count=conversations.c.member_count + bindparam("difference", type_=Integer()))
)
_RENAME = Statement(
    update(conversations)
    .where(conversations.c.id == _conversation_id)
    .values(title=bindparam("new_title", type_=conversations.c.title.type))
)
_seq, _posted = (bindparam(name, type_=BigInteger()) for name in ("seq", "posted"))
_ADVANCE = Statement(
    update(conversations)
    .where(conversations.c.id == _conversation_id, conversations.c.last_seq < _seq)
    .values(
        last_seq=_seq,
        last_activity_at=case(
            (_at > conversations.c.last_activity_at, _at), else_=conversations.c.last_activity_at
        ),
        # Only sessions count: NULL stays NULL.
        message_count=conversations.c.message_count + _posted,
        started_at=case(
            ((conversations.c.message_count == 0) & (_posted > 0), _at),
            else_=conversations.c.started_at,
        ),
    )
)
_MOVE_READ = Statement(
    update(members)
    .where(
        members.c.conversation_id == _marks.c.conversation_id,
        members.c.account_id == _marks.c.account_id,
        members.c.left_at.is_(None),
        members.c.read_seq < _marks.c.seq,
    )
    .values(
        read_seq=_marks.c.seq,
        read_at=_at,
        # What was read was delivered.
        delivered_seq=case(
            (_marks.c.seq > members.c.delivered_seq, _marks.c.seq),
            else_=members.c.delivered_seq,
        ),
    )
    .returning(members.c.conversation_id, members.c.account_id),
    _marks,
)
_KEEP_READ = Statement(
    insert(reads)
    .values({column.name: bindparam(column.name) for column in reads.c})
    .on_conflict_do_nothing()
)


class SqlConversations:
    """`ConversationStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        # Of the heads seen in this unit of work; a kind never changes.
        self._kinds: dict[ConversationId, Kind] = {}

    async def add(self, new: NewConversation) -> Conversation:
        created_at = to_micros(new.created_at)
        row = {
            "uid": new.uid,
            "kind": new.kind.value,
            "title": new.title,
            "created_by": new.created_by,
            "created_at": created_at,
            "last_seq": 0,
            "last_activity_at": created_at,
            "member_count": len(new.members),
            **_of_its_kind(new),
        }
        (number,) = await self._executor.insert(_ADD, [row])
        added = ConversationId(number)
        joining = [
            (
                account_id,
                position,
                (MemberRole.OWNER if account_id == new.created_by else MemberRole.MEMBER).value,
            )
            for position, account_id in enumerate(new.members)
        ]
        await self._join(added, joining, created_at)
        return Conversation(
            id=added,
            uid=new.uid,
            kind=new.kind,
            title=new.title,
            created_by=new.created_by,
            created_at=new.created_at,
            last_seq=0,
            last_activity_at=new.created_at,
            member_count=len(new.members),
            desk=first_desk(new),
        )

    async def heads(self, ids: Collection[ConversationId]) -> dict[ConversationId, Conversation]:
        statement = _HEADS_LOCKED if self._executor.is_writing else _HEADS
        rows = await self._executor.rows(statement, {"ids": numbers(ids)})
        found = {row[0]: to_conversation(row) for row in rows}
        self._kinds.update({number: head.kind for number, head in found.items()})
        return found

    async def ids_of(self, uids: Collection[Uid]) -> dict[Uid, ConversationId]:
        rows = await self._executor.rows(_IDS_OF, {"uids": texts(uids)})
        return {uid: number for uid, number in rows}  # noqa: C416 - a row is no tuple

    async def memberships(
        self, keys: Collection[tuple[ConversationId, AccountId]]
    ) -> dict[tuple[ConversationId, AccountId], Member]:
        rows = await self._executor.rows(_MEMBERSHIPS, {"keys": _storable(keys)})
        found = [to_member(row) for row in rows]
        return {(member.conversation_id, member.person.id): member for member in found}

    async def sharing(
        self, account_id: AccountId, others: Collection[AccountId]
    ) -> frozenset[AccountId]:
        wanted = numbers(others)
        if not wanted:
            return frozenset()
        params = {"ids": wanted, "account_id": account_id}
        return frozenset(row[0] for row in await self._executor.rows(_SHARING, params))

    async def members(self, ids: Collection[ConversationId]) -> dict[ConversationId, list[Member]]:
        rows = await self._executor.rows(_MEMBERS, {"ids": numbers(ids)})
        found: dict[ConversationId, list[Member]] = {each: [] for each in ids}
        for row in rows:
            found[row[0]].append(to_member(row))
        return found

    async def change_members(
        self,
        conversation_id: ConversationId,
        *,
        joined: Sequence[AccountId] = (),
        left: Sequence[AccountId] = (),
        owner: AccountId | None = None,
        at: datetime,
    ) -> None:
        gone = await self._leave(conversation_id, left, at) if left else 0
        last = await self._executor.rows(_LAST_POSITION, {"conversation_id": conversation_id})
        added = [
            (account_id, position, MemberRole.MEMBER.value)
            for position, account_id in enumerate(joined, last[0][0] + 1)
        ]
        come = await self._join(conversation_id, added, to_micros(at)) if joined else 0
        params = {"conversation_id": conversation_id, "difference": come - gone}
        await self._executor.run(_COUNT, params)
        if owner is not None:
            await self._executor.run(_OWN, {"conversation_id": conversation_id, "owner": owner})

    async def rename(self, conversation_id: ConversationId, title: str | None) -> None:
        params = {"conversation_id": conversation_id, "new_title": title}
        await self._executor.run(_RENAME, params)

    async def advance(self, heads: Sequence[Head]) -> None:
        rows = [
            {
                "conversation_id": head.conversation_id,
                "seq": head.last_seq,
                "at": to_micros(head.at),
                "posted": head.posted,
            }
            for head in heads
        ]
        await self._executor.run_many(_ADVANCE, rows)

    async def move_read(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:
        wanted = highest(marks)
        params = {"marks": storable(wanted), "at": to_micros(at)}
        rows = await self._executor.rows(_MOVE_READ, params)
        raised = [wanted[conversation_id, account_id] for conversation_id, account_id in rows]
        await self._keep_reads(raised, at)
        return raised

    async def _keep_reads(self, raised: Sequence[ReadMark], at: datetime) -> None:
        """Write down when direct conversations were read."""
        # Whoever moves marks has looked at the heads before; if not, it is done here.
        unknown = {mark.conversation_id for mark in raised} - self._kinds.keys()
        if unknown:
            await self.heads(unknown)
        kept = [
            {
                "conversation_id": mark.conversation_id,
                "account_id": mark.account_id,
                "up_to_seq": mark.up_to_seq,
                "at": to_micros(at),
            }
            for mark in raised
            if self._kinds[mark.conversation_id] is Kind.DIRECT
        ]
        if kept:
            await self._executor.run_many(_KEEP_READ, kept)

    async def _join(
        self,
        conversation_id: ConversationId,
        added: Sequence[tuple[AccountId, int, str]],
        joined_at: int,
    ) -> int:
        """How many of them, each with a position and a role, were not there already."""
        params = {
            "conversation_id": conversation_id,
            "at": joined_at,
            "added": added,
        }
        return len(await self._executor.rows(_JOIN, params))

    async def _leave(
        self, conversation_id: ConversationId, left: Sequence[AccountId], at: datetime
    ) -> int:
        keys = _storable((conversation_id, account_id) for account_id in left)
        params = {"keys": keys, "at": to_micros(at)}
        return len(await self._executor.rows(_LEAVE, params))


def _of_its_kind(new: NewConversation) -> dict[str, Any]:
    """What only a direct conversation, or only a session, has."""
    low, high = new.direct_pair or (None, None)
    is_session = new.kind is Kind.SESSION
    return {
        "direct_low": low,
        "direct_high": high,
        "agent_id": new.agent_id if is_session else None,
        "assistant_on": int(new.assistant_on) if is_session else None,
        "message_count": 0 if is_session else None,
        "ownership": 0 if is_session else None,
        "taken_over": 0 if is_session else None,
        "left_to_people": 0 if is_session else None,
    }


def _storable(
    keys: Iterable[tuple[ConversationId, AccountId]],
) -> list[tuple[ConversationId, AccountId]]:
    return [key for key in set(keys) if is_number(key[0]) and is_number(key[1])]
