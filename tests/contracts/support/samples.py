"""A customer, one of staff, a session, and one event of every kind that clients hear of."""

from dataclasses import replace
from datetime import timedelta

from folkmoot.contracts.support.codec import Setting
from folkmoot.core import events
from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.model import Conversation, Desk, Kind
from folkmoot.core.messages.model import Attachment, Body
from folkmoot.core.shared.ids import ConversationId
from tests.contracts.samples import AT
from tests.contracts.samples import MESSAGE as ANY
from tests.events import ANA, REF, uid
from tests.events import BO as AGENT

FIRST = ConversationId(1)
SETTING = Setting(ANA, "1-7")
MESSAGE = replace(
    ANY,
    conversation_uid=uid(1),
    body=Body(
        content=ANY.body.content,
        labels={"appointment_id": "a-1", "receiver_id": AGENT.uid},
        attachment=Attachment("Receipt.pdf", None, "application/pdf", id=uid(77)),
    ),
)
IN_FIRST = {"conversation_id": FIRST, "conversation_uid": uid(1), "seq": 7, "at": AT}
_BY_AGENT = {**IN_FIRST, "message": REF, "actor": AGENT}

SHOWN = (
    (events.MessagePosted(**IN_FIRST, message=MESSAGE), "receive_message"),
    (events.MessageEdited(**IN_FIRST, message=MESSAGE, actor=ANA), "message_edited"),
    (
        events.MessageDeleted(**IN_FIRST, message=REF, author_id=ANA.id, actor=AGENT),
        "message_deleted",
    ),
    (events.ReactionAdded(**_BY_AGENT, emoji="👍"), "reaction"),
    (events.ReactionRemoved(**_BY_AGENT, emoji="👍"), "reaction"),
    (events.ReadMoved(FIRST, uid(1), AGENT, 7, AT, uid(123)), "messages_read"),
    (events.DeskTyping(AGENT.id, ANA, ANA, is_typing=True), "typing"),
    (events.Typing(FIRST, uid(1), AGENT, is_typing=True), "typing"),
    (events.CameOnline(AGENT), "user_online"),
    (events.WentOffline(AGENT), "user_offline"),
)
HIDDEN = (
    events.MemberJoined(**IN_FIRST, member=AGENT, actor=AGENT),
    events.MemberLeft(**IN_FIRST, member=AGENT, actor=AGENT),
    events.ConversationRenamed(**IN_FIRST, title="New", actor=AGENT),
    events.AgentAssigned(**IN_FIRST, agent=AGENT, actor=AGENT),
    events.ConversationEnded(**IN_FIRST, actor=AGENT),
    events.DeliveredMoved(FIRST, uid(1), AGENT, 7, AT),
    events.ReadMoved(FIRST, uid(1), AGENT, 7, AT, None),
    events.Entered(FIRST, uid(1), AGENT, 2),
)


def head(number: int, last_seq: int = 0, *, closed: bool = False, owner: Person = ANA):
    """A session of the customer."""
    at = AT + timedelta(minutes=number)
    desk = Desk(None, assistant_on=False, started_at=at, closed_at=at if closed else None,
                message_count=last_seq)  # fmt: skip
    return Conversation(ConversationId(number), uid(number), Kind.SESSION, None, owner.id, at,
                        last_seq, at, 1, desk)  # fmt: skip
