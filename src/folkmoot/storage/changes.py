"""Durable changes as they are written down: which fact of an event goes into which column."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TypedDict

from folkmoot.core.accounts.model import Person
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
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import Message, MessageRef
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid


class ChangeKind(StrEnum):
    """What was changed. The values are in databases: they never change."""

    MEMBER_JOINED = "member_joined"
    MEMBER_LEFT = "member_left"
    RENAMED = "renamed"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_DELETED = "message_deleted"
    REACTION_ADDED = "reaction_added"
    REACTION_REMOVED = "reaction_removed"
    AGENT_ASSIGNED = "agent_assigned"
    ASSISTANT_SWITCHED = "assistant_switched"
    ENDED = "ended"


_ON = "on"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the timeline that is not a message. Whatever can change later is only named."""

    conversation_id: ConversationId
    seq: int
    kind: ChangeKind
    at: datetime
    actor_id: AccountId
    message_id: MessageId | None = None
    subject_id: AccountId | None = None
    detail: str | None = None


class _ChangePosition(TypedDict):
    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    at: datetime


def to_change(event: TimelineEvent) -> Change:
    """The row that says what the event said."""
    change = partial(_change, event)
    match event:
        case MessageEdited(message=message, actor=actor):
            return change(ChangeKind.MESSAGE_EDITED, actor, message=message)
        case MessageDeleted(message=ref, actor=actor):
            return change(ChangeKind.MESSAGE_DELETED, actor, message=ref)
        case ReactionAdded(message=ref, actor=actor, emoji=emoji):
            return change(ChangeKind.REACTION_ADDED, actor, message=ref, detail=emoji)
        case ReactionRemoved(message=ref, actor=actor, emoji=emoji):
            return change(ChangeKind.REACTION_REMOVED, actor, message=ref, detail=emoji)
        case _:
            return _conversation_change(event)


def _conversation_change(event: TimelineEvent) -> Change:
    change = partial(_change, event)
    match event:
        case MemberJoined(member=member, actor=actor):
            return change(ChangeKind.MEMBER_JOINED, actor, subject=member)
        case MemberLeft(member=member, actor=actor):
            return change(ChangeKind.MEMBER_LEFT, actor, subject=member)
        case ConversationRenamed(title=title, actor=actor):
            return change(ChangeKind.RENAMED, actor, detail=title)
        case AgentAssigned(agent=agent, actor=actor):
            return change(ChangeKind.AGENT_ASSIGNED, actor, subject=agent)
        case AssistantSwitched(is_on=is_on, actor=actor):
            return change(ChangeKind.ASSISTANT_SWITCHED, actor, detail=_ON if is_on else None)
        case ConversationEnded(actor=actor):
            return change(ChangeKind.ENDED, actor)
        case _:
            raise TypeError(f"{type(event).__name__} is not kept in the timeline")


def _change(
    event: TimelineEvent,
    kind: ChangeKind,
    actor: Person,
    *,
    message: Message | MessageRef | None = None,
    subject: Person | None = None,
    detail: str | None = None,
) -> Change:
    message_id = message.id if message else None
    subject_id = subject.id if subject else None
    place = (event.conversation_id, event.seq, kind, event.at)
    return Change(*place, actor.id, message_id, subject_id, detail)


def to_event(
    change: Change,
    conversation_uid: Uid,
    people: Mapping[AccountId, Person],
    messages: Mapping[MessageId, Message],
) -> TimelineEvent:
    """The event that was kept, told with people and messages as they are now."""
    place = _ChangePosition(
        conversation_id=change.conversation_id,
        conversation_uid=conversation_uid,
        seq=change.seq,
        at=change.at,
    )
    actor = people[change.actor_id]
    if change.message_id is not None:
        return _message_event(change, place, actor, messages[change.message_id])
    if change.subject_id is not None:
        return _member_event(change, place, actor, people[change.subject_id])
    match change.kind:
        case ChangeKind.ASSISTANT_SWITCHED:
            return AssistantSwitched(**place, is_on=change.detail == _ON, actor=actor)
        case ChangeKind.ENDED:
            return ConversationEnded(**place, actor=actor)
        case _:
            return ConversationRenamed(**place, title=change.detail, actor=actor)


def _member_event(
    change: Change, place: _ChangePosition, actor: Person, subject: Person
) -> TimelineEvent:
    match change.kind:
        case ChangeKind.AGENT_ASSIGNED:
            return AgentAssigned(**place, agent=subject, actor=actor)
        case ChangeKind.MEMBER_JOINED:
            return MemberJoined(**place, member=subject, actor=actor)
        case _:
            return MemberLeft(**place, member=subject, actor=actor)


def _message_event(
    change: Change, place: _ChangePosition, actor: Person, message: Message
) -> TimelineEvent:
    ref = MessageRef(message.id, message.uid)
    match change.kind:
        case ChangeKind.MESSAGE_EDITED:
            return MessageEdited(**place, message=message, actor=actor)
        case ChangeKind.MESSAGE_DELETED:
            return MessageDeleted(**place, message=ref, author_id=message.author_id, actor=actor)
        case ChangeKind.REACTION_ADDED:
            return ReactionAdded(**place, message=ref, actor=actor, emoji=change.detail or "")
        case _:
            return ReactionRemoved(**place, message=ref, actor=actor, emoji=change.detail or "")
