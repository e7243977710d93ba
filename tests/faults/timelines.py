"""Whether everybody was told what the timelines in the database say: all of it, once, in order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    MemberJoined,
    MemberLeft,
)
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.work import Storage, UnitOfWork
from tests.adapters.adapter import DELETED, EDITED, MESSAGE, REACTION, ShownEvent

PAGE = 500
Entry = tuple[int, str, str]
"""The ``seq``, what happened, and, where it is a message, its UUID.

What happened to a message from before a cursor names it by a number in one contract.
"""


async def stored_timeline(storage: Storage, conversation_id: int) -> list[TimelineEvent]:
    """All that the database has of a conversation."""

    async def job(work: UnitOfWork) -> list[TimelineEvent]:
        found: list[TimelineEvent] = []
        key, after = ConversationId(conversation_id), 0
        while page := await work.timeline.after(key, after, limit=PAGE):
            found += page
            after = found[-1].seq
        return found

    return await storage.read(job)


def shown(timeline: Iterable[TimelineEvent]) -> list[Entry]:
    """What every contract shows of it."""
    return [entry for event in timeline if (entry := _entry(event)) is not None]


def _entry(event: TimelineEvent) -> Entry | None:
    match event:
        case MessagePosted(message=message):
            return event.seq, MESSAGE, message.uid
        case MessageEdited():
            return event.seq, EDITED, ""
        case MessageDeleted():
            return event.seq, DELETED, ""
        case ReactionAdded() | ReactionRemoved():
            return event.seq, REACTION, ""
        case MemberJoined() | MemberLeft() | ConversationRenamed():
            return None
        case AgentAssigned() | AssistantSwitched() | ConversationEnded():
            return None
        case _:
            assert_never(event)


def faults_of_timeline(
    timeline: Sequence[TimelineEvent], acknowledged: Iterable[ShownEvent]
) -> list[str]:
    """What is wrong with what the database has, given what writers were told of it."""
    faults = []
    if [event.seq for event in timeline] != list(range(1, len(timeline) + 1)):
        faults.append("its seqs are not 1 to n")
    posted = [event.message for event in timeline if isinstance(event, MessagePosted)]
    ids = Counter(message.client_id for message in posted if message.client_id is not None)
    faults += [f"{one} is there twice" for one, times in ids.items() if times > 1]
    seqs = {message.uid: message.seq for message in posted}
    faults += [
        f"{one.text!r} was acknowledged and is lost"
        for one in acknowledged
        if seqs.get(one.uid) != one.seq
    ]
    return faults


def faults_of_telling(wanted: Sequence[Entry], told: Iterable[ShownEvent]) -> list[str]:
    """What is wrong with what one reader was told, where that should be ``wanted``."""
    given = [(one.seq, one.what, one.uid if one.what == MESSAGE else "") for one in told]
    if given == list(wanted):
        return []
    times = Counter(given)
    faults = [f"{one} was told {count} times" for one, count in times.items() if count > 1]
    faults += [f"{one} was never told" for one in wanted if one not in times]
    faults += [f"{one} was told and is not stored" for one in given if one not in set(wanted)]
    return faults or ["it was told in another order"]
