"""Messages, reactions and what lists show of them, in memory."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.model import Message, NewMessage
from folkmoot.core.messages.views import Overview
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.keys import clamped
from folkmoot.storage.memory.conversations import MemoryConversations
from folkmoot.storage.memory.state import MessageRow, State
from folkmoot.storage.memory.telling import told
from folkmoot.storage.reactions import Put, gathered


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
        return {key: told(self._state, known[key]) for key in keys if key in known}

    async def named(
        self, conversation_id: ConversationId, names: Collection[MessageId | Uid]
    ) -> dict[MessageId | Uid, Message]:
        found: dict[MessageId | Uid, Message] = {}
        for name in names:
            number = self._state.message_ids.get(name) if isinstance(name, str) else name
            row = None if number is None else self._state.messages.get(number)
            if number is not None and row is not None and row.conversation_id == conversation_id:
                found[name] = told(self._state, number)
        return found

    async def edit(self, message_id: MessageId, content: str, at: datetime) -> None:
        row = self._state.messages[message_id]
        self._state.messages[message_id] = replace(row, content=content, edited_at=at)

    async def delete(self, message_id: MessageId, at: datetime) -> None:
        row = self._state.messages[message_id]
        self._state.messages[message_id] = replace(row, content="", deleted_at=at)
        self._state.reactions.pop(message_id, None)

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
        place = (row.conversation_id, row.seq)
        if row.uid in state.message_ids or place in state.timeline:
            raise ConstraintBroken("the message, or one at its place, is there already")
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
        state.timeline[place] = number
        return new.stored_as(number)


class MemoryViews:
    """`MessageViews` in memory."""

    def __init__(self, state: State, conversations: MemoryConversations) -> None:
        self._state = state
        self._conversations = conversations

    async def page(
        self,
        conversation_id: ConversationId,
        page: Page,
        *,
        hidden: Collection[AccountId] = (),
    ) -> list[Message]:
        head = self._state.conversations.get(conversation_id)
        if head is None:
            return []
        before = head.last_seq + 1 if page.before_seq is None else page.before_seq
        after = 0 if page.after_seq is None else page.after_seq
        places = range(max(after, 0) + 1, min(before, head.last_seq + 1))
        forward = page.after_seq is not None and page.before_seq is None
        numbers = self._shown(head, places if forward else reversed(places), hidden)
        start = 0 if forward else max(page.offset, 0)
        stop = start + max(page.limit, 0)
        found = list(islice(numbers, clamped(start), clamped(stop)))
        return [self._full(number) for number in (found if forward else reversed(found))]

    async def overviews(
        self, viewer: AccountId, stretch: Slice, *, only: ConversationId | None = None
    ) -> list[Overview]:
        mine = self._state.memberships.get(viewer, frozenset())
        heads = [
            self._state.conversations[number] for number in mine if only is None or number == only
        ]
        heads.sort(key=lambda head: (head.last_activity_at, head.id), reverse=True)
        start = max(stretch.offset, 0)
        return [
            await self._overview(viewer, head)
            for head in heads[start : start + max(stretch.limit, 0)]
        ]

    async def conversations_of(self, account_id: AccountId) -> list[ConversationId]:
        return sorted(self._state.memberships.get(account_id, frozenset()))

    async def _overview(self, viewer: AccountId, head: Conversation) -> Overview:
        state = self._state
        blocked = {blocked for blocker, blocked in state.blocks if blocker == viewer}
        hidden = hidden_authors(head, blocked)
        read_seq = state.members[head.id][viewer].read_seq

        def standing(places: Iterable[int]) -> Iterator[MessageId]:
            shown = self._shown(head, places, hidden)
            return (number for number in shown if state.messages[number].deleted_at is None)

        last = next(standing(range(head.last_seq, 0, -1)), None)
        unread = standing(range(read_seq + 1, head.last_seq + 1))
        return Overview(
            conversation=head,
            members=tuple((await self._conversations.members([head.id]))[head.id]),
            last_message=None if last is None else self._full(last),
            unread_count=sum(1 for each in unread if state.messages[each].author_id != viewer),
        )

    def _shown(
        self, head: Conversation, places: Iterable[int], hidden: Collection[AccountId]
    ) -> Iterator[MessageId]:
        """The messages at these places whose authors are not hidden."""
        for place in places:
            kept = self._state.timeline.get((head.id, place))
            if isinstance(kept, int) and self._state.messages[kept].author_id not in hidden:
                yield kept

    def _full(self, number: MessageId) -> Message:
        state = self._state
        puts = [
            Put(emoji, state.accounts[account_id].account.person, at)
            for (account_id, emoji), at in state.reactions.get(number, {}).items()
        ]
        return replace(told(state, number), reactions=gathered(puts))


def _row(new: NewMessage) -> MessageRow:
    return MessageRow(
        uid=new.uid,
        conversation_id=new.conversation_id,
        seq=new.seq,
        author_id=new.author.id if new.author else None,
        author_kind=new.author_kind,
        kind=new.kind,
        content=new.content,
        client_id=new.client_id,
        reply_to_id=new.reply_to.id if new.reply_to else None,
        created_at=new.created_at,
    )
