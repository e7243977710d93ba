"""What happened to messages; each has its place in its conversation's timeline."""

from dataclasses import dataclass, field

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import Durable
from folkmoot.core.messages.model import Message, MessageRef
from folkmoot.core.shared.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted(Durable):
    """A message was posted; ``seq`` is its own. ``origin`` is its draft's, where that is known."""

    message: Message
    origin: object | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(Durable):
    """A message has another content; ``message`` is as it is now."""

    message: Message
    actor: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted(Durable):
    """Only the place of a message is left. Carries no content, old or new."""

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
