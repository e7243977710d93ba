"""Conversations and members in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.conversations.model import (
    Conversation,
    Desk,
    Head,
    Kind,
    Member,
    MemberRole,
    NewConversation,
    ReadMark,
)
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.storage.desks import first_desk
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.marks import highest
from folkmoot.storage.memory.state import MemberRow, State


class MemoryConversations:
    """`ConversationStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, new: NewConversation) -> Conversation:
        state = self._state
        if new.uid in state.conversation_ids or new.created_by not in state.accounts:
            raise ConstraintBroken("the conversation is there already, or its creator is not")
        if new.direct_pair is not None and new.direct_pair in state.directs:
            raise ConstraintBroken("the two have a direct conversation already")
        conversation = Conversation(
            id=ConversationId(state.next_number("conversations")),
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
        if new.direct_pair is not None:
            state.directs[new.direct_pair] = conversation.id
        state.conversations[conversation.id] = conversation
        state.conversation_ids[new.uid] = conversation.id
        state.members[conversation.id] = {}
        self._join(conversation.id, new.members, new.created_at, owner=new.created_by)
        return conversation

    async def heads(self, ids: Collection[ConversationId]) -> dict[ConversationId, Conversation]:
        known = self._state.conversations
        return {number: known[number] for number in sorted(set(ids)) if number in known}

    async def ids_of(self, uids: Collection[Uid]) -> dict[Uid, ConversationId]:
        known = self._state.conversation_ids
        return {uid: known[uid] for uid in uids if uid in known}

    async def memberships(
        self, keys: Collection[tuple[ConversationId, AccountId]]
    ) -> dict[tuple[ConversationId, AccountId], Member]:
        found = {}
        for conversation_id, account_id in keys:
            row = self._state.members.get(conversation_id, {}).get(account_id)
            if row is not None and row.left_at is None:
                found[conversation_id, account_id] = self._member(conversation_id, account_id, row)
        return found

    async def sharing(
        self, account_id: AccountId, others: Collection[AccountId]
    ) -> frozenset[AccountId]:
        known = self._state.memberships
        mine = known.get(account_id, frozenset())
        return frozenset(one for one in others if mine & known.get(one, frozenset()))

    async def members(self, ids: Collection[ConversationId]) -> dict[ConversationId, list[Member]]:
        found = {}
        for conversation_id in ids:
            rows = self._state.members.get(conversation_id, {})
            present = [(row.position, key, row) for key, row in rows.items() if row.left_at is None]
            found[conversation_id] = [
                self._member(conversation_id, key, row) for _, key, row in sorted(present)
            ]
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
        gone = self._leave(conversation_id, left, at)
        come = self._join(conversation_id, joined, at)
        if owner is not None:
            self._state.members[conversation_id] = {
                key: replace(row, role=_role_under(owner, key, row.role))
                for key, row in self._state.members[conversation_id].items()
            }
        head = self._state.conversations[conversation_id]
        count = head.member_count + come - gone
        self._state.conversations[conversation_id] = replace(head, member_count=count)

    async def rename(self, conversation_id: ConversationId, title: str | None) -> None:
        head = self._state.conversations[conversation_id]
        self._state.conversations[conversation_id] = replace(head, title=title)

    async def advance(self, heads: Sequence[Head]) -> None:
        for end in heads:
            head = self._state.conversations[end.conversation_id]
            if end.last_seq > head.last_seq:
                at = max(end.at, head.last_activity_at)
                moved = replace(head, last_seq=end.last_seq, last_activity_at=at)
                self._state.conversations[head.id] = replace(moved, desk=_counted(head.desk, end))

    async def move_read(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:
        return [mark for mark in highest(marks).values() if self._raise(mark, at)]

    def _raise(self, mark: ReadMark, at: datetime) -> bool:
        rows = self._state.members.get(mark.conversation_id, {})
        row = rows.get(mark.account_id)
        if row is None or row.left_at is not None or row.read_seq >= mark.up_to_seq:
            return False
        # What was read was delivered.
        delivered = max(row.delivered_seq, mark.up_to_seq)
        raised = replace(row, read_seq=mark.up_to_seq, read_at=at, delivered_seq=delivered)
        self._state.members[mark.conversation_id] = {**rows, mark.account_id: raised}
        if self._state.conversations[mark.conversation_id].kind is Kind.DIRECT:
            key = (mark.conversation_id, mark.account_id)
            known = self._state.reads.get(key, {})
            self._state.reads[key] = {**known, mark.up_to_seq: at}
        return True

    def _join(
        self,
        conversation_id: ConversationId,
        joined: Sequence[AccountId],
        at: datetime,
        *,
        owner: AccountId | None = None,
    ) -> int:
        state = self._state
        rows = dict(state.members[conversation_id])
        come = 0
        for account_id in joined:
            if account_id not in state.accounts:
                raise ConstraintBroken("a member is an account")
            before = rows.get(account_id)
            if before is not None and before.left_at is None:
                continue
            role = MemberRole.OWNER if account_id == owner else MemberRole.MEMBER
            position = 1 + max((row.position for row in rows.values()), default=-1)
            fresh = before or MemberRow(position, role, at)
            rows[account_id] = replace(
                fresh, position=position, role=role, joined_at=at, left_at=None
            )
            state.memberships[account_id] = state.memberships.get(account_id, frozenset()) | {
                conversation_id
            }
            come += 1
        state.members[conversation_id] = rows
        return come

    def _leave(
        self, conversation_id: ConversationId, left: Sequence[AccountId], at: datetime
    ) -> int:
        state = self._state
        rows = dict(state.members[conversation_id])
        leaving = {key for key in left if key in rows and rows[key].left_at is None}
        for account_id in leaving:
            rows[account_id] = replace(rows[account_id], left_at=at)
            state.memberships[account_id] -= {conversation_id}
        state.members[conversation_id] = rows
        return len(leaving)

    def _member(
        self, conversation_id: ConversationId, account_id: AccountId, row: MemberRow
    ) -> Member:
        person = self._state.accounts[account_id].account.person
        return Member(
            conversation_id,
            person,
            row.role,
            row.joined_at,
            row.read_seq,
            row.read_at,
            row.delivered_seq,
        )


def _counted(desk: Desk | None, end: Head) -> Desk | None:
    """The desk of a session after a batch of changes."""
    if desk is None or not end.posted:
        return desk
    started_at = desk.started_at if desk.message_count else end.at
    return replace(desk, message_count=desk.message_count + end.posted, started_at=started_at)


def _role_under(owner: AccountId, account_id: AccountId, role: MemberRole) -> MemberRole:
    if account_id == owner:
        return MemberRole.OWNER
    return MemberRole.MEMBER if role is MemberRole.OWNER else role
