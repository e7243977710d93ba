"""Timelines in memory."""

from collections.abc import Sequence

from folkmoot.core.conversations.events import ConversationChange
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.events import MessageChange
from folkmoot.core.messages.posting import announcement
from folkmoot.core.shared.ids import ConversationId, MessageId, Uid
from folkmoot.storage.changes import Change, to_change, to_event
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.row_loading import message_of
from folkmoot.storage.memory.state import State


class MemoryTimeline:
    """`TimelineStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def keep(self, events: Sequence[ConversationChange | MessageChange]) -> None:
        for event in events:
            change = to_change(event)
            key = (change.conversation_id, change.seq)
            if key in self._state.timeline or key[0] not in self._state.conversations:
                raise ConstraintBroken("the seq is taken, or there is no such conversation")
            self._state.timeline[key] = change

    async def after(
        self, conversation_id: ConversationId, seq: int, *, limit: int
    ) -> list[TimelineEvent]:
        head = self._state.conversations.get(conversation_id)
        if head is None or limit <= 0:
            return []
        events: list[TimelineEvent] = []
        for number in range(max(seq, 0) + 1, head.last_seq + 1):
            kept = self._state.timeline.get((conversation_id, number))
            if kept is not None and len(events) < limit:
                events.append(self._event(kept, head.uid))
            if len(events) == limit:
                break
        return events

    def _event(self, kept: MessageId | Change, conversation_uid: Uid) -> TimelineEvent:
        if isinstance(kept, Change):
            about = kept.message_id
            subjects = {} if about is None else {about: message_of(self._state, about)}
            concerned = {kept.actor_id, kept.subject_id}
            people = {
                number: row.account.person
                for number, row in self._state.accounts.items()
                if number in concerned
            }
            return to_event(kept, conversation_uid, people, subjects)
        return announcement(message_of(self._state, kept))
