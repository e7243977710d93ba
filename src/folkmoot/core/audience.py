"""Who hears of what, live and in history alike. Reviewed like access control: it is that."""

from collections.abc import Collection
from typing import assert_never

from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    DeliveredMoved,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.presence.events import (
    CameOnline,
    DeskTyping,
    Entered,
    Exited,
    FriendTyping,
    Typing,
    WentOffline,
)
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendEvent,
    FriendRequested,
    FriendshipEnded,
    SocialEvent,
)
from folkmoot.core.tasks.events import TasksAdded

_NOBODY: frozenset[AccountId] = frozenset()


def hidden_authors(
    conversation: Conversation, blocked: Collection[AccountId]
) -> Collection[AccountId]:
    """Those whose messages a viewer who blocks ``blocked`` is not shown here.

    Where only two speak, a block refuses new messages instead, and the old ones stay.
    """
    return _NOBODY if conversation.is_two_party else blocked


def speaker(event: Event) -> AccountId | None:
    """Whose words or gestures an event carries to others; ``None`` if nobody's."""
    match event:
        case MessagePosted(message=message) | MessageEdited(message=message):
            return message.author_id
        case MessageDeleted(author_id=author_id):
            return author_id
        case (
            ReactionAdded(actor=person)
            | ReactionRemoved(actor=person)
            | Typing(person=person)
            | FriendTyping(person=person)
            | DeskTyping(person=person)
        ):
            return person.id
        case MemberJoined() | MemberLeft() | ConversationRenamed() | ConversationEnded():
            return None
        case AgentAssigned() | AssistantSwitched() | ConversationStarted() | TasksAdded():
            return None
        case ReadMoved() | DeliveredMoved() | Entered() | Exited() | CameOnline() | WentOffline():
            return None
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | BlockSet() | BlockLifted():
            return None
        case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
            return None
        case EphemeralNotice() | AnswerExtended() | AnswerDropped() | LogsProgressed():
            return None
        case _:
            assert_never(event)


def about(event: Event) -> AccountId | None:
    """Whose own connections see an event as their own: its author's, actor's or reader's."""
    match event:
        # First what comes by the hundred.
        case DeliveredMoved(receiver=person) | ReadMoved(reader=person):
            return person.id
        case (
            MessagePosted()
            | MessageEdited()
            | ReactionAdded()
            | ReactionRemoved()
            | Typing()
            | FriendTyping()
            | DeskTyping()
        ):
            return speaker(event)
        case MessageDeleted(actor=person) | MemberJoined(member=person) | MemberLeft(member=person):
            return person.id
        case (
            ConversationRenamed(actor=person)
            | ConversationEnded(actor=person)
            | AgentAssigned(actor=person)
            | AssistantSwitched(actor=person)
        ):
            return person.id
        case Entered(person=person) | Exited(person=person):
            return person.id
        case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
            return _friend_who_acted(event)
        case CameOnline() | WentOffline() | ConversationStarted() | TasksAdded():
            return None
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | BlockSet() | BlockLifted():
            return None
        case EphemeralNotice() | AnswerExtended() | AnswerDropped() | LogsProgressed():
            return None
        case _:
            assert_never(event)


def _friend_who_acted(event: FriendEvent) -> AccountId:
    match event:
        case FriendRequested(request=request):
            return request.sender.id
        case FriendAccepted(request=request) | FriendDeclined(request=request):
            return request.receiver.id
        case FriendshipEnded(actor=actor):
            return actor
        case _:
            assert_never(event)


def affected(event: SocialEvent) -> tuple[AccountId, AccountId]:
    """The two accounts whose connections have to reckon with an event between accounts.

    Both are told of what concerns a friendship. Of a block nobody is told, and who is blocked
    hears nothing more all the same.
    """
    match event:
        case BlockSet(blocker=blocker, blocked=blocked):
            return blocker, blocked
        case BlockLifted(blocker=blocker, blocked=blocked):
            return blocker, blocked
        case FriendRequested(request=request) | FriendAccepted(request=request):
            return request.sender.id, request.receiver.id
        case FriendDeclined(request=request) | FriendshipEnded(request=request):
            return request.sender.id, request.receiver.id
        case _:
            assert_never(event)


def whereabouts(event: Event) -> AccountId | None:
    """Whose being there, typing or reading an event tells; ``None`` if nobody's.

    Whoever they block is told nothing of it.
    """
    match event:
        case (
            Typing(person=person)
            | FriendTyping(person=person)
            | DeskTyping(person=person)
            | Entered(person=person)
            | Exited(person=person)
            | CameOnline(person=person)
            | WentOffline(person=person)
        ):
            return person.id
        case ReadMoved(reader=person) | DeliveredMoved(receiver=person):
            return person.id
        case MessagePosted() | MessageEdited() | MessageDeleted() | ReactionAdded():
            return None
        case ReactionRemoved() | MemberJoined() | MemberLeft() | ConversationRenamed():
            return None
        case ConversationEnded() | AgentAssigned() | AssistantSwitched() | ConversationStarted():
            return None
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | BlockSet() | BlockLifted():
            return None
        case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
            return None
        case EphemeralNotice() | AnswerExtended() | AnswerDropped() | LogsProgressed():
            return None
        case TasksAdded():
            return None
        case _:
            assert_never(event)


def hears(
    event: Event, hidden: Collection[AccountId], blockers: Collection[AccountId] = _NOBODY
) -> bool:
    """Whether a member for whom these authors are hidden, and whom these block, is told of it."""
    if hidden and speaker(event) in hidden:
        return False
    return not blockers or whereabouts(event) not in blockers
