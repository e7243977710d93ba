"""What lists show, in memory."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from folkmoot.core.accounts.model import STAFF, Person, username_key
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation, Kind
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.views import DeskCustomer, Overview, Totals
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.storage.keys import clamped
from folkmoot.storage.memory.conversations import MemoryConversations
from folkmoot.storage.memory.row_loading import full_message_of
from folkmoot.storage.memory.state import State


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
        seqs = range(max(after, 0) + 1, min(before, head.last_seq + 1))
        forward = page.after_seq is not None and page.before_seq is None
        numbers = self._shown(head, seqs if forward else reversed(seqs), hidden)
        start = 0 if forward else max(page.offset, 0)
        stop = start + max(page.limit, 0)
        found = list(islice(numbers, clamped(start), clamped(stop)))
        return [
            full_message_of(self._state, number)
            for number in (found if forward else reversed(found))
        ]

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

    async def undelivered(
        self, account_id: AccountId, *, among: Collection[ConversationId], limit: int
    ) -> list[Message]:
        found = (
            number
            for conversation_id in await self.conversations_of(account_id)
            if conversation_id in among
            for number in self._of_others(conversation_id, account_id, is_delivered=False)
        )
        return [full_message_of(self._state, number) for number in islice(found, max(limit, 0))]

    async def count(self, conversation_id: ConversationId) -> int:
        rows = self._state.messages.values()
        return sum(1 for row in rows if row.conversation_id == conversation_id)

    async def totals(self) -> Totals:
        sessions = sum(head.desk is not None for head in self._state.conversations.values())
        return Totals(len(self._state.accounts), sessions, len(self._state.messages))

    async def unread_among(
        self, viewer: AccountId, ids: Collection[ConversationId]
    ) -> dict[ConversationId, int]:
        mine = self._state.memberships.get(viewer, frozenset())
        return {
            number: (await self._overview(viewer, self._state.conversations[number])).unread_count
            for number in mine
            if number in ids
        }

    async def unread_directs(self, viewer: AccountId) -> dict[ConversationId, int]:
        unread = {
            number: sum(1 for _ in self._of_others(number, viewer, is_delivered=True))
            for number in await self.conversations_of(viewer)
        }
        return {number: count for number, count in unread.items() if count}

    async def callers(self, name_part: str, stretch: Slice) -> list[DeskCustomer]:
        found = []
        for row in self._state.accounts.values():
            account = row.account
            names = (username_key(account.username), account.full_name.lower())
            if any(name_part.lower() in name for name in names):
                found += self._caller(account.person)
        found.sort(key=lambda caller: caller.last_message.id, reverse=True)
        start = max(stretch.offset, 0)
        return found[start : start + max(stretch.limit, 0)]

    def _caller(self, person: Person) -> list[DeskCustomer]:
        newest: MessageId | None = None
        unread = 0
        for head in self._state.conversations.values():
            if head.desk is None or head.created_by != person.id:
                continue
            read_seq = self._read_by_staff(head)
            for number in self._shown(head, range(1, head.last_seq + 1), ()):
                message = self._state.messages[number]
                if message.deleted_at is None:
                    newest = max(newest or number, number)
                    unread += message.author_id == person.id and message.seq > read_seq
        if newest is None:
            return []
        return [DeskCustomer(person, full_message_of(self._state, newest), unread)]

    def _read_by_staff(self, head: Conversation) -> int:
        accounts = self._state.accounts
        return max(
            (
                member.read_seq
                for number, member in self._state.members[head.id].items()
                if accounts[number].account.role in STAFF
            ),
            default=0,
        )

    async def conversations_of(self, account_id: AccountId) -> list[ConversationId]:
        return sorted(self._state.memberships.get(account_id, frozenset()))

    async def _overview(self, viewer: AccountId, head: Conversation) -> Overview:
        state = self._state
        blocked = {blocked for blocker, blocked in state.blocks if blocker == viewer}
        hidden = hidden_authors(head, blocked)
        read_seq = state.members[head.id][viewer].read_seq

        def standing(seqs: Iterable[int]) -> Iterator[MessageId]:
            shown = self._shown(head, seqs, hidden)
            return (number for number in shown if state.messages[number].deleted_at is None)

        last = next(standing(range(head.last_seq, 0, -1)), None)
        unread = standing(range(read_seq + 1, head.last_seq + 1))
        return Overview(
            conversation=head,
            members=tuple((await self._conversations.members([head.id]))[head.id]),
            last_message=None if last is None else full_message_of(self._state, last),
            unread_count=sum(1 for each in unread if state.messages[each].author_id != viewer),
        )

    def _of_others(
        self, conversation_id: ConversationId, account_id: AccountId, *, is_delivered: bool
    ) -> Iterator[MessageId]:
        """What stands in a direct conversation and was not read, or not even delivered."""
        head = self._state.conversations[conversation_id]
        if head.kind is not Kind.DIRECT:
            return
        member = self._state.members[conversation_id][account_id]
        mark = member.read_seq if is_delivered else member.delivered_seq
        for number in self._shown(head, range(mark + 1, head.last_seq + 1), {account_id}):
            if self._state.messages[number].deleted_at is None:
                yield number

    def _shown(
        self, head: Conversation, seqs: Iterable[int], hidden: Collection[AccountId]
    ) -> Iterator[MessageId]:
        """The messages of these ``seq`` whose authors are not hidden."""
        for seq in seqs:
            kept = self._state.timeline.get((head.id, seq))
            if isinstance(kept, int) and self._state.messages[kept].author_id not in hidden:
                yield kept
