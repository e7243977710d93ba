"""What happened to messages; each has its ``seq`` in its conversation's timeline."""

from dataclasses import dataclass, field

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import ConversationChange, Durable
from folkmoot.core.messages.model import Message, MessageRef
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId, Uid
from folkmoot.core.tasks.events import TasksAdded


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted(Durable):
    """A message was posted; ``seq`` is its own. ``origin`` is its draft's."""

    message: Message
    origin: ConnectionId | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(Durable):
    """A message has another content; ``message`` is as it is now."""

    message: Message
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted(Durable):
    """Only the ``seq`` of a message is left. Carries no content, old or new."""

    message: MessageRef
    author_id: AccountId | None
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionAdded(Durable):
    """Somebody put an emoji on a message."""

    message: MessageRef
    actor: Person
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRemoved(Durable):
    """Somebody took their emoji back."""

    message: MessageRef
    actor: Person
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralNotice:
    """The server said something to one account alone, in a conversation where they are.

    It is not kept, and has no ``seq`` of its own: ``message.seq`` is the end of the timeline as it
    was then.
    """

    conversation_id: ConversationId
    message: Message
    listener: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerExtended:
    """An answer that is being written has more text: ``delta``, from ``position`` characters on.

    What stood from there on before is no part of it.
    Not kept: whoever missed some of it reads the whole in the message that it becomes.
    """

    conversation_id: ConversationId
    conversation_uid: Uid
    question: Uid
    message: Uid
    position: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDropped:
    """An answer that was being written will never be a message: it was not asked for any more."""

    conversation_id: ConversationId
    conversation_uid: Uid
    question: Uid
    message: Uid


MessageChange = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved
TimelineEvent = ConversationChange | MessagePosted | MessageChange
"""Everything that has a ``seq`` in a timeline: all subclasses of `Durable`, and nothing else."""
MessageEvent = MessagePosted | MessageChange | TasksAdded
