"""Taking the next place of a timeline and writing down what stands there."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from folkmoot.core.conversations.events import ConversationChange
from folkmoot.core.conversations.model import Conversation, Head
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.shared.ids import ConversationId, Uid


class TimelinePosition(TypedDict):
    """What every durable event says of itself."""

    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    at: datetime


def next_position(head: Conversation, at: datetime, offset: int = 1) -> TimelinePosition:
    """The place ``offset`` after the end of the timeline."""
    return TimelinePosition(
        conversation_id=head.id, conversation_uid=head.uid, seq=head.last_seq + offset, at=at
    )


async def keep(
    work: ConversationWork, head: Conversation, events: Sequence[ConversationChange]
) -> None:
    """Write events down at the places they took, move the end there, and have them announced."""
    last = events[-1]
    await work.timeline.keep(events)
    await work.conversations.advance([Head(head.id, last.seq, last.at)])
    for event in events:
        work.record(event)
