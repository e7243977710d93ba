"""Who hears of what, live and in history alike. Reviewed like access control: it is that."""

from collections.abc import Collection

from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    DeliveredMoved,
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
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)

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
        case DeliveredMoved(receiver=person) | ConversationRenamed(actor=person):
            return person.id
        case AgentAssigned(actor=person) | AssistantSwitched(actor=person):
            return person.id
        case ConversationEnded(actor=person):
            return person.id
        case FriendRequested(request=request):
            return request.sender.id
        case FriendAccepted(request=request) | FriendDeclined(request=request):
            return request.receiver.id
        case FriendshipEnded(actor=account_id):
            return account_id
        case _:
            return speaker(event)


def addressed(event: object) -> tuple[AccountId, ...]:
    """The accounts that an event of no conversation concerns, on all their devices."""
    match event:
        case FriendRequested(request=request) | FriendAccepted(request=request):
            return request.sender.id, request.receiver.id
        case FriendDeclined(request=request) | FriendshipEnded(request=request):
            return request.sender.id, request.receiver.id
        case _:
            return ()


def affected(event: object) -> tuple[AccountId, ...]:
    """The accounts whose connections have to reckon with an event of no conversation.

    More than are told of it: who is blocked is never told, and hears nothing more all the same.
    """
    match event:
        case BlockSet(blocker=blocker, blocked=blocked):
            return blocker, blocked
        case BlockLifted(blocker=blocker, blocked=blocked):
            return blocker, blocked
        case _:
            return addressed(event)


def hears(event: object, hidden: Collection[AccountId]) -> bool:
    """Whether a member for whom these authors are hidden is told of the event."""
    return not hidden or speaker(event) not in hidden
