"""Taking the next ``seq`` of a timeline and writing down what happened there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypedDict, TypeVar

from folkmoot.core.conversations.events import Durable
from folkmoot.core.conversations.model import Conversation, Head
from folkmoot.core.conversations.store import ChangeStore, ConversationStore
from folkmoot.core.shared.ids import ConversationId, Uid

Change = TypeVar("Change", bound=Durable, contravariant=True)


class TimelinePosition(TypedDict):
    """What every durable event says of itself."""

    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    at: datetime


def next_position(head: Conversation, at: datetime, offset: int = 1) -> TimelinePosition:
    """The position ``offset`` after the end of the timeline."""
    return TimelinePosition(
        conversation_id=head.id, conversation_uid=head.uid, seq=head.last_seq + offset, at=at
    )


class TimelineWork(Protocol[Change]):
    """What writing changes down needs of a unit of work."""

    @property
    def conversations(self) -> ConversationStore:
        """The conversations."""
        ...

    @property
    def timeline(self) -> ChangeStore[Change]:
        """Where durable changes are written down."""
        ...

    def record(self, event: Change) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...


async def keep(work: TimelineWork[Change], head: Conversation, events: Sequence[Change]) -> None:
    """Write events down under the ``seq`` they took, move the end there, have them announced."""
    last = events[-1]
    await work.timeline.keep(events)
    await work.conversations.advance([Head(head.id, last.seq, last.at)])
    for event in events:
        work.record(event)
