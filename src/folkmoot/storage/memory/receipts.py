"""Delivered watermarks, and when direct conversations were read, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.storage.marks import highest
from folkmoot.storage.memory.state import State


class MemoryReceipts:
    """`ReceiptStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def move_delivered(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:  # noqa: ARG002 - nobody asks when
        return [mark for mark in highest(marks).values() if self._raise(mark)]

    async def reads(
        self, conversation_id: ConversationId, reader: AccountId, since_seq: int
    ) -> list[tuple[int, datetime]]:
        known = self._state.reads.get((conversation_id, reader), {})
        return sorted((seq, at) for seq, at in known.items() if seq >= since_seq)

    async def newest(self, marks: Collection[ReadMark]) -> dict[ReadMark, Uid]:
        found = {mark: self._newest(mark) for mark in marks}
        return {mark: uid for mark, uid in found.items() if uid is not None}

    def _newest(self, mark: ReadMark) -> Uid | None:
        head = self._state.conversations.get(mark.conversation_id)
        if head is None:
            return None
        for seq in range(min(mark.up_to_seq, head.last_seq), 0, -1):
            kept = self._state.timeline.get((head.id, seq))
            if isinstance(kept, int):
                row = self._state.messages[kept]
                if row.author_id != mark.account_id:
                    return row.uid
        return None

    def _raise(self, mark: ReadMark) -> bool:
        rows = self._state.members.get(mark.conversation_id, {})
        row = rows.get(mark.account_id)
        if row is None or row.left_at is not None or row.delivered_seq >= mark.up_to_seq:
            return False
        raised = replace(row, delivered_seq=mark.up_to_seq)
        self._state.members[mark.conversation_id] = {**rows, mark.account_id: raised}
        return True
