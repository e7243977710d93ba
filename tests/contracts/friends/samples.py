"""One event of every kind that this contract's clients may hear of."""

from datetime import UTC, datetime

from folkmoot.contracts.friends.codec import Pair
from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
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
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.social.model import FriendRequest, RequestStatus

AT = datetime(2025, 11, 22, 10, 30, 0, 123456, tzinfo=UTC)
DIRECT_ID, DIRECT_UID = ConversationId(1), Uid("00000000-0000-7000-8000-000000000001")
ANA_UID = Uid("00000000-0000-7000-8000-00000000000a")
BO_UID = Uid("00000000-0000-7000-8000-00000000000b")
ANA = Person(AccountId(1), ANA_UID, "ana", "Ana", None, Role.USER)
BO = Person(AccountId(2), BO_UID, "bo", "", "https://example.com/bo.png", Role.USER)
PAIR = Pair({ANA.id: ANA.uid, BO.id: BO.uid})
REF = MessageRef(MessageId(123), Uid("00000000-0000-7000-8000-00000000007b"))
MESSAGE = Message(
    id=REF.id,
    uid=REF.uid,
    conversation_id=DIRECT_ID,
    conversation_uid=DIRECT_UID,
    seq=7,
    author=ANA,
    body=Body(content="Zażółć 👩‍🚀"),
    created_at=AT,
    client_id="mine",
    reactions=(Reaction("👍", (BO,)),),
)
VOICE = Message(
    id=REF.id,
    uid=REF.uid,
    conversation_id=DIRECT_ID,
    conversation_uid=DIRECT_UID,
    seq=7,
    author=ANA,
    body=Body(
        kind=MessageKind.VOICE,
        content="a voice",
        attachment=Attachment("voice.ogg", 7, "audio/ogg", id=DIRECT_UID),
        reply_to=REF,
    ),
    created_at=AT,
)
REQUEST = FriendRequest(DIRECT_UID, ANA, BO, RequestStatus.ACCEPTED, AT)
_IN_DIRECT = {"conversation_id": DIRECT_ID, "conversation_uid": DIRECT_UID, "seq": 8, "at": AT}

IN_PLACE: tuple[object, ...] = (
    MessagePosted(**_IN_DIRECT, message=MESSAGE),
    MessageEdited(**_IN_DIRECT, message=MESSAGE, actor=ANA),
    MessageDeleted(**_IN_DIRECT, message=REF, author_id=ANA.id, actor=ANA),
    ReactionAdded(**_IN_DIRECT, message=REF, actor=ANA, emoji="👍"),
    ReactionRemoved(**_IN_DIRECT, message=REF, actor=ANA, emoji="👍"),
    ReadMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT, REF.uid),
    DeliveredMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT, REF.uid),
    Typing(DIRECT_ID, DIRECT_UID, ANA, is_typing=True),
)
"""All of them about Ana."""
OF_ACCOUNTS: tuple[object, ...] = (
    CameOnline(ANA),
    WentOffline(ANA),
    FriendRequested(REQUEST),
    FriendAccepted(REQUEST),
    FriendDeclined(REQUEST),
    FriendshipEnded(REQUEST, ANA.id),
)
UNSHOWN: tuple[object, ...] = (
    Entered(DIRECT_ID, DIRECT_UID, ANA, 2),
    Exited(DIRECT_ID, DIRECT_UID, ANA, 1),
    BlockSet(ANA.id, BO.id),
    BlockLifted(ANA.id, BO.id),
    ReadMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT),
    DeliveredMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT),
)
