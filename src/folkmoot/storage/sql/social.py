"""Blocks in SQL."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.conversations.model import MIN_MEMBERS
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.model import Invitation, MarksAtBlock
from folkmoot.storage.keys import numbers
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import block_marks, blocks, conversations, invitations, members
from folkmoot.storage.times import to_micros, to_time, to_time_or_none

_ids = Sent("ids", id=int)
_others = Sent("others", id=int)
_theirs = members.alias("theirs")

# Whoever posts holds the head of the conversation before asking for blocks. Waiting for the heads
# that the two share makes sure that nothing judged without this block commits after it.
_SHARED = Statement(
    select(conversations.c.id)
    .join(members, members.c.conversation_id == conversations.c.id)
    .join(_theirs, _theirs.c.conversation_id == conversations.c.id)
    .where(
        members.c.account_id == bindparam("blocker"),
        _theirs.c.account_id == bindparam("blocked"),
        conversations.c.member_count <= literal_column(str(MIN_MEMBERS)),
    )
    .order_by(conversations.c.id)
    .with_for_update(of=conversations)
)
_BLOCK = Statement(
    insert(blocks)
    .values(
        blocker_id=bindparam("blocker"),
        blocked_id=bindparam("blocked"),
        created_at=bindparam("at"),
    )
    .on_conflict_do_nothing()
    .returning(blocks.c.blocker_id)
)
_both = (
    members.c.account_id == bindparam("blocker"),
    members.c.left_at.is_(None),
    _theirs.c.account_id == bindparam("blocked"),
    _theirs.c.left_at.is_(None),
)
_KEEP_MARKS = Statement(
    insert(block_marks).from_select(
        [column.name for column in block_marks.c],
        select(
            _theirs.c.account_id,
            members.c.account_id,
            members.c.conversation_id,
            members.c.read_seq,
            members.c.read_at,
            members.c.delivered_seq,
        )
        .join_from(members, _theirs, _theirs.c.conversation_id == members.c.conversation_id)
        .where(*_both),
    )
)
_FORGET_MARKS = Statement(
    delete(block_marks).where(
        block_marks.c.blocked_id == bindparam("blocked"),
        block_marks.c.blocker_id == bindparam("blocker"),
    )
)
_MARKS = Statement(select(*block_marks.c).where(block_marks.c.blocked_id == bindparam("blocked")))
_BLOCKERS = Statement(
    select(blocks.c.blocker_id).where(blocks.c.blocked_id == bindparam("blocked"))
)
_UNBLOCK = Statement(
    delete(blocks)
    .where(blocks.c.blocker_id == bindparam("blocker"), blocks.c.blocked_id == bindparam("blocked"))
    .returning(blocks.c.blocker_id)
)
_BLOCKED_BY = Statement(
    select(blocks.c.blocked_id).where(blocks.c.blocker_id == bindparam("blocker"))
)
# The sum keeps the second condition off the index: n accounts are n lookups, not n times n.
_AMONG = Statement(
    select(blocks.c.blocker_id, blocks.c.blocked_id)
    .join_from(_ids, blocks, blocks.c.blocker_id == _ids.c.id)
    .where((blocks.c.blocked_id + literal_column("0")).in_(select(_others.c.id))),
    _ids,
    _others,
)


_invited = Sent("invited", id=int)
_INVITE = Statement(
    insert(invitations).from_select(
        [column.name for column in invitations.c],
        select(
            _invited.c.id,
            bindparam("conversation_id", type_=BigInteger()),
            bindparam("inviter_id", type_=BigInteger()),
            bindparam("at", type_=BigInteger()),
        ),
    ),
    _invited,
)
_INVITATIONS = Statement(
    select(invitations.c.conversation_id, invitations.c.inviter_id, invitations.c.created_at)
    .where(invitations.c.account_id == bindparam("account_id", type_=BigInteger()))
    .order_by(invitations.c.created_at, invitations.c.conversation_id)
)
_TAKE_INVITATION = Statement(
    delete(invitations)
    .where(
        invitations.c.account_id == bindparam("account_id", type_=BigInteger()),
        invitations.c.conversation_id == bindparam("conversation_id", type_=BigInteger()),
    )
    .returning(invitations.c.account_id)
)


class SqlSocial:
    """`SocialStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def block(self, blocker: AccountId, blocked: AccountId, at: datetime) -> bool:
        pair = {"blocker": blocker, "blocked": blocked}
        await self._executor.rows(_SHARED, pair)
        is_new = bool(await self._executor.rows(_BLOCK, {**pair, "at": to_micros(at)}))
        if is_new:
            await self._executor.run(_KEEP_MARKS, pair)
        return is_new

    async def unblock(self, blocker: AccountId, blocked: AccountId) -> bool:
        pair = {"blocker": blocker, "blocked": blocked}
        await self._executor.run(_FORGET_MARKS, pair)
        return bool(await self._executor.rows(_UNBLOCK, pair))

    async def blocked_by(self, blocker: AccountId) -> frozenset[AccountId]:
        rows = await self._executor.rows(_BLOCKED_BY, {"blocker": blocker})
        return frozenset(row[0] for row in rows)

    async def blockers_of(self, blocked: AccountId) -> frozenset[AccountId]:
        rows = await self._executor.rows(_BLOCKERS, {"blocked": blocked})
        return frozenset(row[0] for row in rows)

    async def marks_at_block(
        self, blocked: AccountId
    ) -> dict[tuple[ConversationId, AccountId], MarksAtBlock]:
        rows = await self._executor.rows(_MARKS, {"blocked": blocked})
        return {
            (conversation_id, blocker): MarksAtBlock(
                read_seq, to_time_or_none(read_at), delivered_seq
            )
            for _, blocker, conversation_id, read_seq, read_at, delivered_seq in rows
        }

    async def blocks_among(
        self, accounts: Collection[AccountId]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        ids = numbers(accounts)
        rows = await self._executor.rows(_AMONG, {"ids": ids, "others": ids})
        return frozenset((blocker, blocked) for blocker, blocked in rows)

    async def invite(
        self,
        conversation_id: ConversationId,
        accounts: Collection[AccountId],
        inviter: AccountId,
        at: datetime,
    ) -> None:
        params = {
            "invited": numbers(accounts),
            "conversation_id": conversation_id,
            "inviter_id": inviter,
            "at": to_micros(at),
        }
        await self._executor.run(_INVITE, params)

    async def invitations_of(self, account_id: AccountId) -> list[Invitation]:
        rows = await self._executor.rows(_INVITATIONS, {"account_id": account_id})
        return [
            Invitation(conversation, inviter, to_time(at)) for conversation, inviter, at in rows
        ]

    async def take_invitation(self, account_id: AccountId, conversation_id: ConversationId) -> bool:
        params = {"account_id": account_id, "conversation_id": conversation_id}
        return bool(await self._executor.rows(_TAKE_INVITATION, params))
