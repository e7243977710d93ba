"""An event of every kind: Ana does it, or it is said of her; Bo is the other one; in LOBBY."""

from datetime import UTC, datetime
from typing import get_args

from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import Person, Role
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
from folkmoot.core.conversations.model import Conversation, Desk, Kind
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import LogReading
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
from folkmoot.core.messages.model import Body, Message, MessageRef
from folkmoot.core.presence.events import (
    CameOnline,
    DeskTyping,
    Entered,
    Exited,
    FriendTyping,
    Typing,
    WentOffline,
)
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId, MessageId, Uid
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.social.model import FriendRequest, RequestStatus
from folkmoot.core.tasks.events import TasksAdded

KINDS: tuple[type, ...] = get_args(Event)


def uid(number: int) -> Uid:
    return Uid(f"00000000-0000-7000-8000-{number:012d}")


AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOBBY = ConversationId(1)
ANA = Person(AccountId(1), uid(1), "ana", "Ana", None, Role.USER)
BO = Person(AccountId(2), uid(2), "bo", "Bo", None, Role.AGENT)
REF = MessageRef(MessageId(7), uid(7))
MESSAGE = Message(
    id=REF.id,
    uid=REF.uid,
    conversation_id=LOBBY,
    conversation_uid=uid(10),
    seq=7,
    author=ANA,
    body=Body(content="Hello"),
    created_at=AT,
)
REQUEST = FriendRequest(uid(20), ANA, BO, RequestStatus.PENDING, AT)
_IN = {"conversation_id": LOBBY, "conversation_uid": uid(10)}
_AT = {**_IN, "seq": 8, "at": AT}
_SESSION = Conversation(
    LOBBY, uid(10), Kind.SESSION, None, ANA.id, AT, 0, AT, 2, Desk(BO.id, True, None, None, 0)
)

EVENTS: tuple[Event, ...] = (
    MessagePosted(**_AT | {"seq": 7}, message=MESSAGE, origin=ConnectionId(5)),
    MessageEdited(**_AT, message=MESSAGE, actor=ANA),
    MessageDeleted(**_AT, message=REF, author_id=ANA.id, actor=ANA),
    ReactionAdded(**_AT, message=REF, actor=ANA, emoji="👍"),
    ReactionRemoved(**_AT, message=REF, actor=ANA, emoji="👍"),
    MemberJoined(**_AT, member=ANA, actor=BO),
    MemberLeft(**_AT, member=ANA, actor=BO),
    ConversationRenamed(**_AT, title="Hall", actor=ANA),
    AgentAssigned(**_AT, agent=BO, actor=ANA),
    AssistantSwitched(**_AT, is_on=False, actor=ANA),
    ConversationEnded(**_AT, actor=ANA),
    ConversationStarted(_SESSION, (ANA.id, BO.id)),
    ReadMoved(LOBBY, uid(10), ANA, 7, AT, REF.uid),
    DeliveredMoved(LOBBY, uid(10), ANA, 7, AT, REF.uid),
    TasksAdded("answer"),
    LoginsEnded(ANA.id, frozenset({uid(30)})),
    AccountDeactivated(ANA.id),
    AccountChanged(ANA),
    BlockSet(ANA.id, BO.id),
    BlockLifted(ANA.id, BO.id),
    FriendRequested(REQUEST),
    FriendAccepted(REQUEST),
    FriendDeclined(REQUEST),
    FriendshipEnded(REQUEST, ANA.id),
    Entered(LOBBY, uid(10), ANA, 2),
    Exited(LOBBY, uid(10), ANA, 1),
    CameOnline(ANA),
    WentOffline(ANA),
    Typing(LOBBY, uid(10), ANA, is_typing=True),
    FriendTyping(BO.id, ANA, is_typing=True),
    DeskTyping(BO.id, ANA, ANA, is_typing=True),
    EphemeralNotice(conversation_id=LOBBY, message=MESSAGE, listener=ANA.id),
    AnswerExtended(**_IN, question=REF.uid, message=uid(8), position=0, delta="To"),
    AnswerDropped(**_IN, question=REF.uid, message=uid(8)),
    LogsProgressed(**_IN, listener=ANA.id, reading=LogReading(files=1)),
)


def others_than(*shown: object) -> list[Event]:
    """An event of every kind but these, or but the kinds of these."""
    kinds = {one if isinstance(one, type) else type(one) for one in shown}
    return [event for event in EVENTS if type(event) not in kinds]
