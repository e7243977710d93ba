"""Rows in memory as the core knows them: whom and what they only name, as it is now."""

from dataclasses import replace

from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import MessageId
from folkmoot.storage.memory.state import State
from folkmoot.storage.reactions import Put, gathered


def message_of(state: State, number: MessageId) -> Message:
    """The message as it is now, without reactions."""
    row = state.messages[number]
    author = None if row.author_id is None else state.accounts[row.author_id].account.person
    return Message(
        id=number,
        uid=row.uid,
        conversation_id=row.conversation_id,
        conversation_uid=state.conversations[row.conversation_id].uid,
        seq=row.seq,
        author=author,
        author_kind=row.author_kind,
        body=row.body,
        created_at=row.created_at,
        client_id=row.client_id,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )


def full_message_of(state: State, number: MessageId) -> Message:
    """The message as it is now, with its reactions."""
    puts = [
        Put(emoji, state.accounts[account_id].account.person, at)
        for (account_id, emoji), at in state.reactions.get(number, {}).items()
    ]
    return replace(message_of(state, number), reactions=gathered(puts))
