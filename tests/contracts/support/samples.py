"""A customer, one of staff, a session, and one event of every kind that clients hear of."""

from datetime import UTC, datetime, timedelta

from folkmoot.contracts.support.codec import Setting
from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.conversations.events import (
    AgentAssigned,
    ConversationEnded,
    ConversationRenamed,
    DeliveredMoved,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Conversation, Desk, Kind
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import Attachment, Body, Message, MessageRef, Reaction
from folkmoot.core.presence.events import CameOnline, Entered, Typing, WentOffline
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid

AT = datetime(2025, 11, 22, 10, 30, 0, 250_000, tzinfo=UTC)
FIRST = ConversationId(1)


def uid(number: int) -> Uid:
    return Uid(f"00000000-0000-7000-8000-{number:012d}")


ANA = Person(AccountId(1), uid(11), "ana", "Ana", None, Role.USER)
AGENT = Person(AccountId(2), uid(12), "agent", "", None, Role.AGENT)
SETTING = Setting(ANA, "1-7")
MESSAGE = Message(
    id=MessageId(123),
    uid=uid(123),
    conversation_id=FIRST,
    conversation_uid=uid(1),
    seq=7,
    author=ANA,
    body=Body(
        content="Zażółć 👩‍🚀",
        labels={"appointment_id": "a-1", "receiver_id": str(AGENT.uid)},
        attachment=Attachment("Receipt.pdf", None, "application/pdf", id=uid(77)),
    ),
    created_at=AT,
    client_id="mine",
    reactions=(Reaction("👍", (AGENT,)),),
)
REF = MessageRef(MESSAGE.id, MESSAGE.uid)
IN_FIRST = {"conversation_id": FIRST, "conversation_uid": uid(1), "seq": 7, "at": AT}

SHOWN = (
    (MessagePosted(**IN_FIRST, message=MESSAGE), "receive_message"),
    (MessageEdited(**IN_FIRST, message=MESSAGE, actor=ANA), "message_edited"),
    (MessageDeleted(**IN_FIRST, message=REF, author_id=ANA.id, actor=AGENT), "message_deleted"),
    (ReactionAdded(**IN_FIRST, message=REF, actor=AGENT, emoji="👍"), "reaction"),
    (ReactionRemoved(**IN_FIRST, message=REF, actor=AGENT, emoji="👍"), "reaction"),
    (ReadMoved(FIRST, uid(1), AGENT, 7, AT, uid(123)), "messages_read"),
    (Typing(FIRST, uid(1), AGENT, is_typing=True), "typing"),
    (CameOnline(AGENT), "user_online"),
    (WentOffline(AGENT), "user_offline"),
)
HIDDEN = (
    MemberJoined(**IN_FIRST, member=AGENT, actor=AGENT),
    MemberLeft(**IN_FIRST, member=AGENT, actor=AGENT),
    ConversationRenamed(**IN_FIRST, title="New", actor=AGENT),
    AgentAssigned(**IN_FIRST, agent=AGENT, actor=AGENT),
    ConversationEnded(**IN_FIRST, actor=AGENT),
    DeliveredMoved(FIRST, uid(1), AGENT, 7, AT),
    ReadMoved(FIRST, uid(1), AGENT, 7, AT, None),
    Entered(FIRST, uid(1), AGENT, 2),
)


def head(number: int, last_seq: int = 0, *, closed: bool = False, owner: Person = ANA):
    """A session of the customer."""
    at = AT + timedelta(minutes=number)
    desk = Desk(None, assistant_on=False, started_at=at, closed_at=at if closed else None,
                message_count=last_seq)  # fmt: skip
    return Conversation(ConversationId(number), uid(number), Kind.SESSION, None, owner.id, at,
                        last_seq, at, 1, desk)  # fmt: skip
