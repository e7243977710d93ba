"""The frames of the `conversations` contract, as clients and server write them.

These types are the wire: frames are encoded from them, decoded into them, and the AsyncAPI and
OpenAPI documents are generated from them. Field names and types come from the contract.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from folkmoot.kit.change_frames import DeleteFrame, EditFrame, ReactFrame
from folkmoot.kit.ids import MAX_NUMBER
from folkmoot.kit.rejections import ErrorFrame, NotUpToDateBody

Seq = Annotated[
    int, Meta(ge=0, le=MAX_NUMBER, description="A place in the conversation's timeline")
]
Number = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-11-22 10:30:00Z"], extra_json_schema={})
]

# -- server to client --------------------------------------------------------------------------


class ReactionOut(Struct):
    """One emoji on a message, and the accounts that put it there."""

    emoji: str
    account_ids: list[int]


class AttachmentOut(Struct):
    """A file that hangs on a message.

    One kept here has an ``id`` and a ``url`` that is a path of this server; of one kept elsewhere
    all is its poster's claim.
    """

    id: str | None
    url: str
    name: str
    size: int | None
    media_type: str | None
    thumbnail_url: str | None = None


class ConversationFrame(Struct, tag_field="type"):
    """A frame of the server; `OUTBOUND` has them all, in this order."""


class ConnectionOut(ConversationFrame, tag="connection"):
    """The first frame on every socket: who the server takes the client for, and where it stands."""

    status: str
    conversation_id: int
    user_id: int
    last_seq: int


class MessageOut(ConversationFrame, tag="message"):
    """A message. To its author it is also the acknowledgement: it is durable now."""

    id: int
    content: str
    sender_id: int | None
    sender_name: str
    conversation_id: int
    created_at: Instant
    seq: int
    uid: str
    kind: str
    reply_to_id: int | None = None
    attachment: AttachmentOut | None = None
    edited_at: Instant | None = None
    is_deleted: bool = False
    reactions: list[ReactionOut] = []
    client_id: str | UnsetType = UNSET


class MessageEditedOut(ConversationFrame, tag="message_edited"):
    """A message has another content."""

    message_id: int
    content: str
    edited_at: Instant
    user_id: int
    conversation_id: int
    seq: int


class MessageDeletedOut(ConversationFrame, tag="message_deleted"):
    """Only the place of a message is left."""

    message_id: int
    user_id: int
    conversation_id: int
    seq: int


class ReactionFrameOut(ConversationFrame, tag="reaction"):
    """Somebody put an emoji on a message, or took it back."""

    message_id: int
    emoji: str
    user_id: int
    username: str
    removed: bool
    conversation_id: int
    seq: int


class ParticipantAddedOut(ConversationFrame, tag="participant_added"):
    """Somebody was added to the conversation; all that its list of participants shows of them."""

    user_id: int
    username: str
    by_user_id: int
    conversation_id: int
    seq: int
    uid: str
    full_name: str
    role: str
    joined_at: Instant


class ParticipantRemovedOut(ConversationFrame, tag="participant_removed"):
    """Somebody left the conversation, or was removed."""

    user_id: int
    username: str
    by_user_id: int
    conversation_id: int
    seq: int


class ConversationRenamedOut(ConversationFrame, tag="conversation_renamed"):
    """The conversation has another title."""

    title: str | None
    user_id: int
    conversation_id: int
    seq: int


class AgentAssignedOut(ConversationFrame, tag="agent_assigned"):
    """A member of staff is in charge of this conversation from here on; null: nobody is."""

    agent_id: int | None
    username: str
    by_user_id: int
    conversation_id: int
    seq: int


class AssistantSwitchedOut(ConversationFrame, tag="assistant_switched"):
    """The assistant answers in this conversation from here on, or falls silent."""

    is_on: bool
    by_user_id: int
    conversation_id: int
    seq: int


class ConversationClosedOut(ConversationFrame, tag="conversation_closed"):
    """The conversation was closed: it can be read, and nothing can be added."""

    by_user_id: int
    conversation_id: int
    seq: int
    closed_at: Instant


Missed = (
    MessageOut
    | MessageEditedOut
    | MessageDeletedOut
    | ReactionFrameOut
    | ParticipantAddedOut
    | ParticipantRemovedOut
    | ConversationRenamedOut
    | AgentAssignedOut
    | AssistantSwitchedOut
    | ConversationClosedOut
)
"""What the author of a message that was refused may not have seen: all that has a ``seq``."""


class UserJoinedOut(ConversationFrame, tag="user_joined"):
    """An account's first socket in this conversation opened."""

    user_id: int
    username: str


class UserLeftOut(ConversationFrame, tag="user_left"):
    """An account's last socket in this conversation closed."""

    user_id: int
    username: str


class TypingOut(ConversationFrame, tag="typing"):
    """Somebody else began or stopped writing."""

    user_id: int
    username: str
    is_typing: bool


class ReadOut(ConversationFrame, tag="read"):
    """A member has read everything up to a place."""

    user_id: int
    up_to_seq: int


class PongOut(ConversationFrame, tag="pong"):
    """The answer to a ping."""


class ErrorOut(ConversationFrame, ErrorFrame, tag="error"):
    """A frame was refused; the socket stays open. ``code`` is stable, ``message`` is for people."""

    missed: list[Missed] | UnsetType = UNSET


OUTBOUND: tuple[type[Struct], ...] = tuple(ConversationFrame.__subclasses__())

# -- client to server --------------------------------------------------------------------------


class Say(Struct):
    """A message to post. A frame without a ``type`` is one."""

    content: str
    client_id: str | None = None
    reply_to_id: Number | None = None
    attachment_id: str | None = None
    if_last_seq: Seq | None = None


class SetTyping(Struct):
    """The client's user began or stopped writing."""

    is_typing: bool = True


class Read(Struct):
    """The client's user has read everything up to a place."""

    up_to_seq: Seq


class Edit(EditFrame[Number]):
    """Another content for a message of one's own."""

    client_id: str | None = None


class Delete(DeleteFrame[Number]):
    """Leave only the place of a message."""


class React(ReactFrame[Number]):
    """Put an emoji on a message, or take it back."""


class Resume(Struct):
    """Send again all that happened after a place."""

    after_seq: Seq


class Ping(Struct):
    """Ask for a ``pong``."""


Change = Edit | Delete | React
Intention = Say | SetTyping | Read | Change | Resume | Ping

INBOUND: dict[str, type[Struct]] = {
    "message": Say,
    "typing": SetTyping,
    "read": Read,
    "edit": Edit,
    "delete": Delete,
    "react": React,
    "resume": Resume,
    "ping": Ping,
}

# -- REST --------------------------------------------------------------------------------------


class ParticipantOut(Struct):
    """A member of a conversation; ``read_seq`` is how far they have read it."""

    id: int
    uid: str
    username: str
    full_name: str
    role: str
    online: bool
    member_role: str
    joined_at: Instant
    read_seq: int


class ConversationOut(Struct):
    """A conversation as the one who asks sees it.

    ``closed_at``: since then it can be read, and nothing can be added; only sessions are closed.
    """

    id: int
    uid: str
    title: str | None
    kind: str
    created_at: Instant
    participants: list[ParticipantOut]
    last_message: MessageOut | None
    last_seq: int
    unread_count: int
    closed_at: Instant | None = None


class InvitationOut(Struct):
    """A group that the one who asks is asked into by somebody whom they block."""

    conversation_id: int
    title: str | None
    member_count: int
    inviter_id: int
    inviter_name: str
    created_at: Instant


class ReadStateOut(Struct):
    """How far the one who asks has read a conversation now."""

    conversation_id: int
    up_to_seq: int
    unread_count: int


class NotUpToDateOut(NotUpToDateBody):
    """Why a message was not posted, and what the author had not seen: as the socket shows it."""

    missed: list[Missed]


ANSWERS: tuple[type[Struct], ...] = (
    ConversationOut,
    InvitationOut,
    MessageOut,
    NotUpToDateOut,
    ParticipantOut,
    ReadStateOut,
)
