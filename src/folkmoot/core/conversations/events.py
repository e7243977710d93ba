"""What happened to conversations. Each `Durable` event has its own ``seq``."""

from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """A durable change of one conversation, under its ``seq`` in the timeline."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAssigned(Durable):
    """A member of staff is in charge of a session from here on, or nobody is."""

    agent: Person | None
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSwitched(Durable):
    """The assistant answers in a session from here on, or falls silent."""

    is_on: bool
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEnded(Durable):
    """A session was closed."""

    actor: Person


@dataclass(frozen=True, slots=True)
class ConversationStarted:
    """A conversation began; it takes no ``seq`` of its own timeline."""

    conversation: Conversation
    members: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True)
class ReadMoved:
    """A member's read watermark rose. State beside the timeline: it has no ``seq`` of its own.

    ``newest`` is the newest message of somebody else that it covers, where the kind of
    conversation keeps track of delivery.
    """

    conversation_id: ConversationId
    conversation_uid: Uid
    reader: Person
    up_to_seq: int
    at: datetime
    newest: Uid | None = None


@dataclass(frozen=True, slots=True)
class DeliveredMoved:
    """A member has been handed everything up to a ``seq``, on some device of theirs.

    Only in direct and session conversations; like reading, it takes no ``seq``.
    ``newest`` is the newest message of somebody else that it covers. ``at_once``: it is no news,
    since each was handed over the moment it was posted.
    """

    conversation_id: ConversationId
    conversation_uid: Uid
    receiver: Person
    up_to_seq: int
    at: datetime
    newest: Uid | None = None
    at_once: bool = False


ConversationChange = (
    MemberJoined
    | MemberLeft
    | ConversationRenamed
    | AgentAssigned
    | AssistantSwitched
    | ConversationEnded
)
ConversationEvent = ConversationChange | ConversationStarted | ReadMoved | DeliveredMoved
