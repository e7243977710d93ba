"""Messages and reactions in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.messages.model import Message, MessageBody, NewMessage
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.row_loading import message_of
from folkmoot.storage.memory.state import MessageRow, State


class MemoryMessages:
    """`MessageStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, messages: Sequence[NewMessage]) -> list[Message]:
        return [self._add(message) for message in messages]

    async def by_client_ids(
        self, keys: Collection[tuple[AccountId, str]]
    ) -> dict[tuple[AccountId, str], Message]:
        known = self._state.by_client_id
        return {key: message_of(self._state, known[key]) for key in keys if key in known}

    async def named(
        self, conversation_id: ConversationId, names: Collection[MessageId | Uid]
    ) -> dict[MessageId | Uid, Message]:
        found: dict[MessageId | Uid, Message] = {}
        for name in names:
            number = self._state.message_ids.get(name) if isinstance(name, str) else name
            row = None if number is None else self._state.messages.get(number)
            if number is not None and row is not None and row.conversation_id == conversation_id:
                found[name] = message_of(self._state, number)
        return found

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Message]:
        known = self._state.message_ids
        return {uid: message_of(self._state, known[uid]) for uid in uids if uid in known}

    async def edit(self, message_id: MessageId, body: MessageBody, at: datetime) -> None:
        row = self._state.messages[message_id]
        self._state.messages[message_id] = replace(row, body=body, edited_at=at)

    async def delete(self, message_id: MessageId, at: datetime) -> None:
        row = self._state.messages[message_id]
        left = replace(row.body, content="", attachment=None, mentions=(), labels={})
        self._state.messages[message_id] = replace(row, body=left, deleted_at=at)
        self._state.reactions.pop(message_id, None)
        for key in [key for key in self._state.attachments if key[1] == message_id]:
            del self._state.attachments[key]

    async def react(
        self, message_id: MessageId, account_id: AccountId, emoji: str, at: datetime
    ) -> bool:
        puts = self._state.reactions.get(message_id, {})
        if (account_id, emoji) in puts:
            return False
        self._state.reactions[message_id] = {**puts, (account_id, emoji): at}
        return True

    async def unreact(self, message_id: MessageId, account_id: AccountId, emoji: str) -> bool:
        puts = dict(self._state.reactions.get(message_id, {}))
        if puts.pop((account_id, emoji), None) is None:
            return False
        self._state.reactions[message_id] = puts
        return True

    async def reactions_of(self, message_id: MessageId, account_id: AccountId) -> frozenset[str]:
        puts = self._state.reactions.get(message_id, {})
        return frozenset(emoji for reader, emoji in puts if reader == account_id)

    def _add(self, new: NewMessage) -> Message:
        state = self._state
        row = _row(new)
        slot = (row.conversation_id, row.seq)
        if row.uid in state.message_ids or slot in state.timeline:
            raise ConstraintBroken("the message, or one of its seq, is there already")
        if row.conversation_id not in state.conversations:
            raise ConstraintBroken("a message is in a conversation")
        number = MessageId(state.next_number("messages"))
        if row.author_id is not None and row.client_id is not None:
            key = (row.author_id, row.client_id)
            if key in state.by_client_id:
                raise ConstraintBroken("the author has used this client_id")
            state.by_client_id[key] = number
        state.messages[number] = row
        state.message_ids[row.uid] = number
        state.timeline[slot] = number
        return new.stored_as(number)


def _row(new: NewMessage) -> MessageRow:
    return MessageRow(
        uid=new.uid,
        conversation_id=new.conversation_id,
        seq=new.seq,
        author_id=new.author.id if new.author else None,
        author_kind=new.author_kind,
        body=new.body,
        client_id=new.client_id,
        created_at=new.created_at,
    )
