"""What only session conversations have, in memory."""

from dataclasses import fields, replace
from datetime import datetime

from folkmoot.core.conversations.model import Conversation, DeskChange, DeskFilter
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Slice
from folkmoot.storage.memory.state import State


class MemoryDesks:
    """`DeskStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def change(self, conversation_id: ConversationId, change: DeskChange) -> None:
        head = self._state.conversations[conversation_id]
        values = {each.name: getattr(change, each.name) for each in fields(change)}
        values = {name: value for name, value in values.items() if value is not None}
        title = values.pop("title", head.title)
        desk = None if head.desk is None else replace(head.desk, **values)
        self._state.conversations[conversation_id] = replace(head, title=title, desk=desk)

    async def listed(self, which: DeskFilter, stretch: Slice) -> list[ConversationId]:
        found = [head for head in self._state.conversations.values() if self._fits(head, which)]
        found.sort(key=lambda head: (head.last_activity_at, head.id), reverse=True)
        start = max(stretch.offset, 0)
        return [head.id for head in found[start : start + max(stretch.limit, 0)]]

    async def served_by(self, agent_id: AccountId) -> list[ConversationId]:
        heads = sorted(self._state.conversations.items())
        return [
            number
            for number, head in heads
            if head.desk and not head.desk.is_closed and head.desk.agent_id == agent_id
        ]

    async def release(self, conversation_id: ConversationId) -> None:
        head = self._state.conversations[conversation_id]
        desk = None if head.desk is None else replace(head.desk, agent_id=None)
        self._state.conversations[conversation_id] = replace(head, desk=desk)

    async def idle_since(self, cutoff: datetime, *, limit: int) -> list[ConversationId]:
        found = sorted(
            (head.last_activity_at, head.id)
            for head in self._state.conversations.values()
            if head.desk and not head.desk.is_closed and head.last_activity_at < cutoff
        )
        return [number for _, number in found[: max(limit, 0)]]

    def _fits(self, head: Conversation, which: DeskFilter) -> bool:
        if head.desk is None or which.owner not in (None, head.created_by):
            return False
        if which.unassigned and head.desk.agent_id is not None:
            return False
        if which.closed not in (None, head.desk.is_closed):
            return False
        if which.member is None:
            return True
        return head.id in self._state.memberships.get(which.member, frozenset())
