"""What happened to conversations. Each `Durable` event has its own place in the timeline."""

from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """A durable change of one conversation, at its place in the timeline."""

    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Durable):
    """Somebody was added after the conversation began."""

    member: Person
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft(Durable):
    """Somebody left (``actor`` is the member), or was removed."""

    member: Person
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRenamed(Durable):
    """The title was changed."""

    title: str | None
    actor: Person


@dataclass(frozen=True, slots=True)
class ConversationStarted:
    """A conversation began; it takes no place in its own timeline."""

    conversation: Conversation
    members: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True)
class ReadMoved:
    """A member's read watermark rose. State beside the timeline: it has no ``seq`` of its own."""

    conversation_id: ConversationId
    conversation_uid: Uid
    reader: Person
    up_to_seq: int
    at: datetime
