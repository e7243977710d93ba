"""One event of every kind that this contract's clients may hear of."""

from dataclasses import replace
from datetime import UTC, datetime

from folkmoot.contracts.sessions import codec
from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import (
    Attachment,
    Body,
    Message,
    MessageKind,
    MessageRef,
    Reaction,
)
from folkmoot.core.presence.events import Entered, Exited, Typing
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from tests.cast import FrozenClock

AT = datetime(2025, 12, 29, 10, 5, 0, 123456, tzinfo=UTC)
NOW = datetime(2025, 12, 29, 11, 0, tzinfo=UTC)
WIRE_FORMAT = codec.wire_format(FrozenClock(NOW))
LOBBY, LOBBY_UID = ConversationId(1), Uid("00000000-0000-7000-8000-000000000001")
ANA_UID = Uid("00000000-0000-7000-8000-00000000000a")
BO_UID = Uid("00000000-0000-7000-8000-00000000000b")
FILE_UID = Uid("00000000-0000-7000-8000-0000000000f1")
ANA = Person(AccountId(1), ANA_UID, "ana", "Ana", None, Role.USER)
BO = Person(AccountId(2), BO_UID, "bo", "", None, Role.AGENT)
REF = MessageRef(MessageId(123), Uid("00000000-0000-7000-8000-00000000007b"))
MESSAGE = Message(
    id=REF.id,
    uid=REF.uid,
    conversation_id=LOBBY,
    conversation_uid=LOBBY_UID,
    seq=7,
    author=ANA,
    body=Body(
        content="Zażółć 👩‍🚀",
        reply_to=MessageRef(MessageId(5), Uid("00000000-0000-7000-8000-000000000005")),
        mentions=(BO_UID,),
    ),
    created_at=AT,
    client_id="mine",
    edited_at=AT,
    reactions=(Reaction("👍", (ANA, BO)),),
)
RECEIPT = replace(
    MESSAGE,
    body=replace(
        MESSAGE.body,
        kind=MessageKind.FILE,
        attachment=Attachment("Receipt.pdf", 245_000, "application/pdf", id=FILE_UID),
    ),
)
_IN_LOBBY = {"conversation_id": LOBBY, "conversation_uid": LOBBY_UID, "seq": 8, "at": AT}

EVENTS: tuple[object, ...] = (
    MessagePosted(**_IN_LOBBY, message=MESSAGE),
    MessageEdited(**_IN_LOBBY, message=MESSAGE, actor=ANA),
    MessageDeleted(**_IN_LOBBY, message=REF, author_id=ANA.id, actor=BO),
    ReactionAdded(**_IN_LOBBY, message=REF, actor=BO, emoji="👍"),
    ReactionRemoved(**_IN_LOBBY, message=REF, actor=BO, emoji="👍"),
    MemberJoined(**_IN_LOBBY, member=BO, actor=ANA),
    MemberLeft(**_IN_LOBBY, member=BO, actor=ANA),
    ConversationRenamed(**_IN_LOBBY, title="New", actor=ANA),
    AgentAssigned(**_IN_LOBBY, agent=BO, actor=ANA),
    AssistantSwitched(**_IN_LOBBY, is_on=False, actor=ANA),
    ConversationEnded(**_IN_LOBBY, actor=ANA),
    ReadMoved(LOBBY, LOBBY_UID, BO, 7, AT),
    Entered(LOBBY, LOBBY_UID, BO, 2),
    Exited(LOBBY, LOBBY_UID, BO, 1),
    Typing(LOBBY, LOBBY_UID, BO, is_typing=True),
)
