"""What events are published under: a process hears of those for which somebody listens there."""

from typing import NewType, assert_never

from folkmoot.core.accounts.events import (
    AccountChanged,
    AccountDeactivated,
    LoginEvent,
    LoginsEnded,
)
from folkmoot.core.accounts.model import STAFF
from folkmoot.core.audience import affected
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessagePosted,
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
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
    SocialEvent,
)
from folkmoot.core.tasks.events import TasksAdded

Topic = NewType("Topic", str)

EVERYTHING = Topic("everything")
"""All events; for projections that follow what nobody may be connected for."""
ANSWERS = Topic("answers")
"""Answers as they are being written, and the messages that they become."""
STAFF_ONLINE = Topic("staff online")
"""Members of staff who come online or go."""


def conversation_topic(conversation_id: ConversationId) -> Topic:
    """What happens in a conversation."""
    return Topic(f"c{conversation_id}")


def account_topic(account_id: AccountId) -> Topic:
    """What happens to an account, or is for it alone."""
    return Topic(f"a{account_id}")


def online_topic(account_id: AccountId) -> Topic:
    """That an account comes online or goes."""
    return Topic(f"o{account_id}")


def topics_of(event: Event) -> tuple[Topic, ...]:
    """The topics that an event is published under, besides `EVERYTHING`."""
    match event:
        # First what comes by the hundred.
        case DeliveredMoved() | ReadMoved() | Typing() | Entered() | Exited():
            return (conversation_topic(event.conversation_id),)
        case MessagePosted(message=message) if message.author is None:
            return conversation_topic(event.conversation_id), ANSWERS
        case MemberJoined(member=person) | MemberLeft(member=person):
            return conversation_topic(event.conversation_id), account_topic(person.id)
        case Durable():
            return (conversation_topic(event.conversation_id),)
        case CameOnline(person=person) | WentOffline(person=person):
            topic = online_topic(person.id)
            return (topic, STAFF_ONLINE) if person.role in STAFF else (topic,)
        case AnswerExtended() | AnswerDropped():
            return (ANSWERS,)
        case TasksAdded():
            return ()  # For consumers alone.
        case (
            EphemeralNotice(listener=account_id)
            | LogsProgressed(listener=account_id)
            | FriendTyping(receiver_id=account_id)
            | DeskTyping(receiver_id=account_id)
        ):
            return (account_topic(account_id),)
        case (
            ConversationStarted()
            | LoginsEnded()
            | AccountDeactivated()
            | AccountChanged()
            | BlockSet()
            | BlockLifted()
            | FriendRequested()
            | FriendAccepted()
            | FriendDeclined()
            | FriendshipEnded()
        ):
            return tuple(map(account_topic, _accounts_of(event)))
        case _:
            assert_never(event)


def _accounts_of(event: ConversationStarted | LoginEvent | SocialEvent) -> tuple[AccountId, ...]:
    match event:
        case ConversationStarted(members=members):
            return members
        case LoginsEnded(account_id=account_id) | AccountDeactivated(account_id=account_id):
            return (account_id,)
        case AccountChanged(person=person):
            return (person.id,)
        case BlockSet() | BlockLifted():
            return affected(event)
        case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
            return affected(event)
        case _:
            assert_never(event)
