"""The closed list of all that can happen; each kind is told in its area's ``events.py``.

A `match` over one of these unions ends in `assert_never`, so that the type checker names every
place that a new kind needs. Every kind goes through JSON and back (``bus/codec.py``).
"""

from folkmoot.core.accounts.events import LoginEvent
from folkmoot.core.conversations.events import ConversationStarted, DeliveredMoved, ReadMoved
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    TimelineEvent,
)
from folkmoot.core.presence.events import PresenceEvent
from folkmoot.core.social.events import SocialEvent
from folkmoot.core.tasks.events import TasksAdded

__all__ = ["AccountEvent", "Event", "PassingEvent", "StateEvent", "TimelineEvent"]

AccountEvent = LoginEvent | SocialEvent
"""What happened to accounts and between them. It is durable, and stands in no timeline."""

StateEvent = ConversationStarted | ReadMoved | DeliveredMoved | TasksAdded
"""What is durable about conversations, and what there is to do, beside the timelines."""

PassingEvent = PresenceEvent | EphemeralNotice | AnswerExtended | AnswerDropped | LogsProgressed
"""What is kept nowhere: whoever missed it is shown the present instead, or nothing."""

Event = TimelineEvent | AccountEvent | StateEvent | PassingEvent
