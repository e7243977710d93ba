"""Conversations, members and timelines in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.conversations.events import Durable
from folkmoot.core.conversations.model import (
    Conversation,
    Head,
    Member,
    MemberRole,
    NewConversation,
    ReadMark,
)
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.changes import Change, to_change, to_event
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.state import MemberRow, State
from folkmoot.storage.memory.telling import told


class MemoryConversations:
    """`ConversationStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, new: NewConversation) -> Conversation:
        state = self._state
        if new.uid in state.conversation_ids or new.created_by not in state.accounts:
            raise ConstraintBroken("the conversation is there already, or its creator is not")
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
        )
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

    async def members(self, ids: Collection[ConversationId]) -> dict[ConversationId, list[Member]]:
        found = {}
        for conversation_id in ids:
            rows = self._state.members.get(conversation_id, {})
            present = [(row.place, key, row) for key, row in rows.items() if row.left_at is None]
            if present:
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
        at: datetime,
    ) -> None:
        gone = self._leave(conversation_id, left, at)
        come = self._join(conversation_id, joined, at)
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
                self._state.conversations[head.id] = moved

    async def move_read(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:
        highest = {
            (mark.conversation_id, mark.account_id): mark
            for mark in sorted(marks, key=lambda mark: mark.up_to_seq)
        }
        return [mark for mark in highest.values() if self._raise(mark, at)]

    def _raise(self, mark: ReadMark, at: datetime) -> bool:
        rows = self._state.members.get(mark.conversation_id, {})
        row = rows.get(mark.account_id)
        if row is None or row.left_at is not None or row.read_seq >= mark.up_to_seq:
            return False
        # What was read was delivered.
        delivered = max(row.delivered_seq, mark.up_to_seq)
        raised = replace(row, read_seq=mark.up_to_seq, read_at=at, delivered_seq=delivered)
        self._state.members[mark.conversation_id] = {**rows, mark.account_id: raised}
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
            place = 1 + max((row.place for row in rows.values()), default=-1)
            fresh = before or MemberRow(place, role, at)
            rows[account_id] = replace(fresh, place=place, role=role, joined_at=at, left_at=None)
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


class MemoryTimeline:
    """`TimelineStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def keep(self, events: Sequence[Durable]) -> None:
        for event in events:
            change = to_change(event)
            place = (change.conversation_id, change.seq)
            if place in self._state.timeline or place[0] not in self._state.conversations:
                raise ConstraintBroken("the place is taken, or there is no such conversation")
            self._state.timeline[place] = change

    async def after(
        self, conversation_id: ConversationId, seq: int, *, limit: int
    ) -> list[Durable]:
        head = self._state.conversations.get(conversation_id)
        if head is None or limit <= 0:
            return []
        events: list[Durable] = []
        for place in range(max(seq, 0) + 1, head.last_seq + 1):
            kept = self._state.timeline.get((conversation_id, place))
            if kept is not None and len(events) < limit:
                events.append(self._event(kept, head.uid))
            if len(events) == limit:
                break
        return events

    def _event(self, kept: MessageId | Change, conversation_uid: Uid) -> Durable:
        if isinstance(kept, Change):
            about = kept.message_id
            subjects = {} if about is None else {about: told(self._state, about)}
            concerned = {kept.actor_id, kept.subject_id}
            people = {
                number: row.account.person
                for number, row in self._state.accounts.items()
                if number in concerned
            }
            return to_event(kept, conversation_uid, people, subjects)
        return _posted(told(self._state, kept))


def _posted(message: Message) -> Durable:
    return MessagePosted(
        conversation_id=message.conversation_id,
        conversation_uid=message.conversation_uid,
        seq=message.seq,
        at=message.created_at,
        message=message,
    )
