"""Durable changes as they are written down: which fact of an event goes into which column."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Literal, TypedDict, TypeVar, assert_never

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationChange,
    ConversationEnded,
    ConversationRenamed,
    Durable,
    MemberJoined,
    MemberLeft,
)
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.events import (
    MessageChange,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import Message, MessageRef
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.errors import ChangeUnreadable


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

_Named = TypeVar("_Named")


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the timeline that is not a message. Whatever can change later is only named.

    ``kind`` is a `ChangeKind`, unless another release wrote it.
    """

    conversation_id: ConversationId
    seq: int
    kind: str
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


def to_change(event: ConversationChange | MessageChange) -> Change:
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
        case Durable():
            return _conversation_change(event)
        case _:
            assert_never(event)


def _conversation_change(event: ConversationChange) -> Change:
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
            assert_never(event)


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
    position = (event.conversation_id, event.seq, kind, event.at)
    return Change(*position, actor.id, message_id, subject_id, detail)


_OfMessage = Literal[
    ChangeKind.MESSAGE_EDITED,
    ChangeKind.MESSAGE_DELETED,
    ChangeKind.REACTION_ADDED,
    ChangeKind.REACTION_REMOVED,
]
_OfSubject = Literal[ChangeKind.MEMBER_JOINED, ChangeKind.MEMBER_LEFT, ChangeKind.AGENT_ASSIGNED]


def to_event(
    change: Change,
    conversation_uid: Uid,
    people: Mapping[AccountId, Person],
    messages: Mapping[MessageId, Message],
) -> TimelineEvent:
    """The event that was kept, told with people and messages as they are now.

    Raises:
        ChangeUnreadable: its kind is not known, or it lacks what its kind should have.
    """
    position = _ChangePosition(
        conversation_id=change.conversation_id,
        conversation_uid=conversation_uid,
        seq=change.seq,
        at=change.at,
    )
    actor = people[change.actor_id]
    kind = _kind_of(change)
    match kind:
        case ChangeKind.ASSISTANT_SWITCHED:
            return AssistantSwitched(**position, is_on=change.detail == _ON, actor=actor)
        case ChangeKind.ENDED:
            return ConversationEnded(**position, actor=actor)
        case ChangeKind.RENAMED:
            return ConversationRenamed(**position, title=change.detail, actor=actor)
        case ChangeKind.AGENT_ASSIGNED if change.subject_id is None:
            return AgentAssigned(**position, agent=None, actor=actor)
        case ChangeKind.MEMBER_JOINED | ChangeKind.MEMBER_LEFT | ChangeKind.AGENT_ASSIGNED:
            subject = _found(change, people.get(change.subject_id or AccountId(0)))
            return _member_event(kind, position, actor, subject)
        case (
            ChangeKind.MESSAGE_EDITED
            | ChangeKind.MESSAGE_DELETED
            | ChangeKind.REACTION_ADDED
            | ChangeKind.REACTION_REMOVED
        ):
            message = _found(change, messages.get(change.message_id or MessageId(0)))
            return _message_event(kind, position, actor, message, change.detail or "")
        case _:
            assert_never(kind)


def _kind_of(change: Change) -> ChangeKind:
    try:
        return ChangeKind(change.kind)
    except ValueError:
        raise _unreadable(change, "this release knows no such kind") from None


def _found(change: Change, named: _Named | None) -> _Named:
    if named is None:
        raise _unreadable(change, "whom or what it is about is not there")
    return named


def _unreadable(change: Change, reason: str) -> ChangeUnreadable:
    return ChangeUnreadable(change.conversation_id, change.seq, str(change.kind), reason)


def _member_event(
    kind: _OfSubject, position: _ChangePosition, actor: Person, subject: Person
) -> TimelineEvent:
    match kind:
        case ChangeKind.AGENT_ASSIGNED:
            return AgentAssigned(**position, agent=subject, actor=actor)
        case ChangeKind.MEMBER_JOINED:
            return MemberJoined(**position, member=subject, actor=actor)
        case ChangeKind.MEMBER_LEFT:
            return MemberLeft(**position, member=subject, actor=actor)
        case _:
            assert_never(kind)


def _message_event(
    kind: _OfMessage, position: _ChangePosition, actor: Person, message: Message, emoji: str
) -> TimelineEvent:
    ref, author_id = MessageRef(message.id, message.uid), message.author_id
    match kind:
        case ChangeKind.MESSAGE_EDITED:
            return MessageEdited(**position, message=message, actor=actor)
        case ChangeKind.MESSAGE_DELETED:
            return MessageDeleted(**position, message=ref, author_id=author_id, actor=actor)
        case ChangeKind.REACTION_ADDED:
            return ReactionAdded(**position, message=ref, actor=actor, emoji=emoji)
        case ChangeKind.REACTION_REMOVED:
            return ReactionRemoved(**position, message=ref, actor=actor, emoji=emoji)
        case _:
            assert_never(kind)
