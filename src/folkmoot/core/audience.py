"""Who hears of what, live and in history alike. Reviewed like access control: it is that."""

from collections.abc import Collection

from folkmoot.core.conversations.events import (
    ConversationRenamed,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.presence.model import Entered, Exited, Typing
from folkmoot.core.shared.ids import AccountId

_NOBODY: frozenset[AccountId] = frozenset()


def hidden_authors(
    conversation: Conversation, blocked: Collection[AccountId]
) -> Collection[AccountId]:
    """Those whose messages a viewer who blocks ``blocked`` is not shown here.

    Where only two speak, a block refuses new messages instead, and the old ones stay.
    """
    return _NOBODY if conversation.is_two_party else blocked


def speaker(event: object) -> AccountId | None:
    """Whose words or gestures an event carries to others; ``None`` if nobody's."""
    match event:
        case MessagePosted(message=message) | MessageEdited(message=message):
            return message.author_id
        case MessageDeleted(author_id=author_id):
            return author_id
        case ReactionAdded(actor=person) | ReactionRemoved(actor=person) | Typing(person=person):
            return person.id
        case _:
            return None


def about(event: object) -> AccountId | None:
    """Whose own connections see an event as their own: its author's, actor's or reader's."""
    match event:
        case Entered(person=person) | Exited(person=person) | ReadMoved(reader=person):
            return person.id
        case MessageDeleted(actor=person) | MemberJoined(member=person) | MemberLeft(member=person):
            return person.id
        case ConversationRenamed(actor=person):
            return person.id
        case _:
            return speaker(event)


def hears(event: object, hidden: Collection[AccountId]) -> bool:
    """Whether a member for whom these authors are hidden is told of the event."""
    return not hidden or speaker(event) not in hidden
