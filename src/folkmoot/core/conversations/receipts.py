"""Decisions about receipts: how far members were handed, and have read, their conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation, Kind, ReadMark
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.shared.ids import Clock, ConversationId, Uid

KINDS_WITH_DELIVERY = frozenset({Kind.DIRECT, Kind.SESSION})


class Watermarks:
    """Watermarks: they rise as far as their conversations go, and never go back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def move_read(self, work: ConversationWork, marks: Sequence[ReadMark]) -> None:
        """Raise read watermarks; what would lower one is void."""
        heads = await work.conversations.heads({mark.conversation_id for mark in marks})
        now = self._clock.now()
        moved = await work.conversations.move_read(_capped(marks, heads), now)
        members = await work.conversations.memberships(
            [(mark.conversation_id, mark.account_id) for mark in moved]
        )
        newest = await _newest(work, moved, heads)
        for mark in moved:
            head = heads[mark.conversation_id]
            reader = members[mark.conversation_id, mark.account_id].person
            work.record(ReadMoved(head.id, head.uid, reader, mark.up_to_seq, now, newest.get(mark)))

    async def move_delivered(self, work: ConversationWork, marks: Sequence[ReadMark]) -> None:
        """Raise delivered watermarks, where the kind of conversation has any."""
        heads = {
            conversation_id: head
            for conversation_id, head in (
                await work.conversations.heads({mark.conversation_id for mark in marks})
            ).items()
            if head.kind in KINDS_WITH_DELIVERY
        }
        now = self._clock.now()
        moved = await work.receipts.move_delivered(_capped(marks, heads), now)
        members = await work.conversations.memberships(
            [(mark.conversation_id, mark.account_id) for mark in moved]
        )
        newest = await _newest(work, moved, heads)
        for mark in moved:
            head = heads[mark.conversation_id]
            receiver = members[mark.conversation_id, mark.account_id].person
            work.record(
                DeliveredMoved(
                    head.id,
                    head.uid,
                    receiver,
                    mark.up_to_seq,
                    now,
                    newest.get(mark),
                    mark.at_once,
                )
            )


async def _newest(
    work: ConversationWork, marks: Sequence[ReadMark], heads: Mapping[ConversationId, Conversation]
) -> dict[ReadMark, Uid]:
    """The newest message that each mark covers, where single messages have a status."""
    asked = [mark for mark in marks if heads[mark.conversation_id].kind in KINDS_WITH_DELIVERY]
    return await work.receipts.newest(asked) if asked else {}


def _capped(marks: Sequence[ReadMark], heads: dict[ConversationId, Conversation]) -> list[ReadMark]:
    return [
        mark
        if mark.up_to_seq <= (last_seq := heads[mark.conversation_id].last_seq)
        else replace(mark, up_to_seq=last_seq)
        for mark in marks
        if mark.conversation_id in heads
    ]
