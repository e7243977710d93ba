"""The closed list of all that can happen; each kind is told in its area's ``events.py``.

A `match` over one of these unions ends in `assert_never`, so that the type checker names every
place that a new kind needs. Every kind goes through JSON and back (``bus/codec.py``). Whoever tells
many kinds apart imports this module: ``case events.MessagePosted():``.
"""

from folkmoot.core.accounts.events import (
    AccountChanged,
    AccountDeactivated,
    LoginEvent,
    LoginsEnded,
)
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationChange,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessageChange,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
    TimelineEvent,
)
from folkmoot.core.presence.events import (
    CameOnline,
    DeskTyping,
    Entered,
    Exited,
    FriendTyping,
    PresenceEvent,
    Typing,
    WentOffline,
)
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

__all__ = [
    "AccountChanged",
    "AccountDeactivated",
    "AccountEvent",
    "AgentAssigned",
    "AnswerDropped",
    "AnswerExtended",
    "AssistantSwitched",
    "BlockLifted",
    "BlockSet",
    "CameOnline",
    "ConversationChange",
    "ConversationEnded",
    "ConversationRenamed",
    "ConversationStarted",
    "DeliveredMoved",
    "DeskTyping",
    "Durable",
    "Entered",
    "EphemeralNotice",
    "Event",
    "Exited",
    "FriendAccepted",
    "FriendDeclined",
    "FriendEvent",
    "FriendRequested",
    "FriendTyping",
    "FriendshipEnded",
    "LoginEvent",
    "LoginsEnded",
    "LogsProgressed",
    "MemberJoined",
    "MemberLeft",
    "MessageChange",
    "MessageDeleted",
    "MessageEdited",
    "MessagePosted",
    "PassingEvent",
    "PresenceEvent",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadMoved",
    "SocialEvent",
    "StateEvent",
    "TasksAdded",
    "TimelineEvent",
    "Typing",
    "WentOffline",
]

AccountEvent = LoginEvent | SocialEvent
"""What happened to accounts and between them. It is durable, and stands in no timeline."""

StateEvent = ConversationStarted | ReadMoved | DeliveredMoved | TasksAdded
"""What is durable about conversations, and what there is to do, beside the timelines."""

PassingEvent = PresenceEvent | EphemeralNotice | AnswerExtended | AnswerDropped | LogsProgressed
"""What is kept nowhere: whoever missed it is shown the present instead, or nothing."""

Event = TimelineEvent | AccountEvent | StateEvent | PassingEvent
