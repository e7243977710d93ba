"""The frames of the `sessions` contract, as clients and server write them.

These types are the wire: frames are encoded from them, decoded into them, and the AsyncAPI
document is generated from them. Every frame of the server says which session, whose doing, and
when; what is special about it stands in ``metadata``.
"""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from folkmoot.core.messages.model import MessageKind
from folkmoot.kit.change_frames import DeleteFrame, EditFrame, ReactFrame
from folkmoot.kit.ids import MAX_NUMBER

Seq = Annotated[int, Meta(ge=0, le=MAX_NUMBER, description="A place in the session's timeline")]
Size = Annotated[int, Meta(ge=0, le=MAX_NUMBER, description="In bytes")]
Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-12-29T10:05:00Z"], extra_json_schema={})
]

# -- server to client --------------------------------------------------------------------------


class SessionFrame(Struct, tag_field="message_type"):
    """A frame of the server; `OUTBOUND` has them all, in this order."""


class SessionActFields(Struct):
    """What most frames begin with."""

    chat_session_id: str
    user_id: str
    timestamp: Instant


class SessionReactionOut(Struct):
    """One emoji on a message, and the accounts that put it there."""

    emoji: str
    user_ids: list[str]


class SessionMessageMetadata(Struct):
    """Which message, where it stands, what hangs on it. ``client_id`` is for its author only."""

    message_id: str
    seq: int
    reply_to_id: str | None
    mentions: list[str]
    message_type: str
    file_url: str | None
    file_name: str | None
    file_size: int | None
    file_type: str | None
    sender_name: str
    edited_at: Instant | None
    is_deleted: bool
    reactions: list[SessionReactionOut]
    client_id: str | UnsetType = UNSET


class SessionMessageFrame(SessionFrame, tag="message"):
    """A message. To its author it is also the acknowledgement: it is durable now."""

    chat_session_id: str
    user_id: str | None
    content: str
    timestamp: Instant
    metadata: SessionMessageMetadata


class SessionTypingMetadata(Struct):
    """Whether they are writing now."""

    is_typing: bool
    username: str


class SessionTypingFrame(SessionFrame, SessionActFields, tag="typing_indicator"):
    """Somebody else began or stopped writing."""

    metadata: SessionTypingMetadata


class SessionPresenceMetadata(Struct):
    """How many accounts are connected here. ``last_seq``: to the one who joined, on this socket."""

    total_users: int
    username: str
    last_seq: int | UnsetType = UNSET


class SessionJoinedFrame(SessionFrame, SessionActFields, tag="user_joined"):
    """An account's first socket in this session opened; whoever opens a socket hears it first."""

    metadata: SessionPresenceMetadata


class SessionLeftFrame(SessionFrame, SessionActFields, tag="user_left"):
    """An account's last socket in this session closed."""

    metadata: SessionPresenceMetadata


class SessionReadMetadata(Struct):
    """How far; the message is the newest of somebody else up to there, where it is known."""

    up_to_seq: int
    up_to_message_id: str | None = None


class SessionReadFrame(SessionFrame, SessionActFields, tag="read_receipt"):
    """A participant has read everything up to a place."""

    metadata: SessionReadMetadata


class SessionEditedMetadata(Struct):
    """Which message."""

    message_id: str
    seq: int
    edited_at: Instant


class SessionEditedFrame(SessionFrame, tag="message_edited"):
    """A message has another content."""

    chat_session_id: str
    user_id: str
    content: str
    timestamp: Instant
    metadata: SessionEditedMetadata


class SessionDeletedMetadata(Struct):
    """Which message."""

    message_id: str
    seq: int


class SessionDeletedFrame(SessionFrame, SessionActFields, tag="message_deleted"):
    """Only the place of a message is left."""

    metadata: SessionDeletedMetadata


class SessionReactionMetadata(Struct):
    """Which emoji, on which message; ``removed`` when it was taken back."""

    message_id: str
    emoji: str
    removed: bool
    seq: int


class SessionReactionFrame(SessionFrame, SessionActFields, tag="reaction"):
    """Somebody put an emoji on a message, or took it back."""

    metadata: SessionReactionMetadata


class SessionPlaceMetadata(Struct):
    """The event's place in the timeline."""

    seq: int


class SessionClosedFrame(SessionFrame, SessionActFields, tag="session_closed"):
    """The session was closed: it can be read, and the socket stays; nobody can write any more."""

    metadata: SessionPlaceMetadata


class SessionAssignedMetadata(Struct):
    """Who is in charge now; null: nobody is."""

    assigned_agent_id: str | None
    agent_name: str
    seq: int


class SessionAssignedFrame(SessionFrame, SessionActFields, tag="session_assigned"):
    """A member of staff was put in charge; ``user_id`` is who did that."""

    metadata: SessionAssignedMetadata


class SessionUpdatedMetadata(Struct):
    """What is different; only that is there."""

    seq: int
    title: str | UnsetType = UNSET
    assistant: bool | UnsetType = UNSET


class SessionUpdatedFrame(SessionFrame, SessionActFields, tag="session_updated"):
    """The session was renamed, or its assistant switched."""

    metadata: SessionUpdatedMetadata


class SessionMemberMetadata(Struct):
    """Who added or removed them."""

    seq: int
    username: str
    role: str
    by_user_id: str


class SessionMemberAddedFrame(SessionFrame, SessionActFields, tag="participant_added"):
    """Somebody became a participant."""

    metadata: SessionMemberMetadata


class SessionMemberRemovedFrame(SessionFrame, SessionActFields, tag="participant_removed"):
    """Somebody left the session, or was removed."""

    metadata: SessionMemberMetadata


Missed = (
    SessionMessageFrame
    | SessionEditedFrame
    | SessionDeletedFrame
    | SessionReactionFrame
    | SessionClosedFrame
    | SessionAssignedFrame
    | SessionUpdatedFrame
    | SessionMemberAddedFrame
    | SessionMemberRemovedFrame
)
"""What the author of a message that was refused may not have seen: all that has a ``seq``."""


class SessionPongFrame(SessionFrame, SessionActFields, tag="pong"):
    """The answer to a ping."""

    metadata: dict[str, Any]


class SessionErrorMetadata(Struct):
    """Why: ``code`` is stable. ``missed`` is what the author of a message had not seen."""

    code: str
    client_id: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    passing: bool | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    missed: list[Missed] | UnsetType = UNSET


class SessionErrorFrame(SessionFrame, tag="error"):
    """A frame was refused; the socket stays open. ``content`` says why, for people."""

    chat_session_id: str
    user_id: str
    content: str
    timestamp: Instant
    metadata: SessionErrorMetadata


OUTBOUND: tuple[type[Struct], ...] = tuple(SessionFrame.__subclasses__())

# -- client to server --------------------------------------------------------------------------


class SessionText(Struct):
    """A message to post. ``mentions`` are participants, by UUID."""

    kind: ClassVar[MessageKind] = MessageKind.TEXT

    content: str
    reply_to_id: str | None = None
    mentions: list[str] | None = None
    client_id: str | None = None
    if_last_seq: Seq | None = None


class SessionFile(Struct):
    """A file that was uploaded here, or that lies at an https address; ``content`` is its caption.

    Without a caption the file's name is shown.
    """

    kind: ClassVar[MessageKind] = MessageKind.FILE

    file_url: str
    content: str = ""
    file_name: str | None = None
    file_size: Size | None = None
    file_type: str | None = None
    reply_to_id: str | None = None
    mentions: list[str] | None = None
    client_id: str | None = None
    if_last_seq: Seq | None = None


class SessionImage(SessionFile):
    """A picture, as a file."""

    kind: ClassVar[MessageKind] = MessageKind.IMAGE


class SessionVoice(SessionFile):
    """Something spoken, as a file."""

    kind: ClassVar[MessageKind] = MessageKind.VOICE


Say = SessionText | SessionFile


class TypeInSession(Struct):
    """The client's user began or stopped writing."""

    content: Literal["true", "false"]


class ReadInSession(Struct):
    """The client's user has read everything up to a message."""

    up_to_message_id: str


class EditInSession(EditFrame[str]):
    """Another content for a message of one's own."""


class DeleteInSession(DeleteFrame[str]):
    """Leave only the place of a message."""


class ReactInSession(ReactFrame[str]):
    """Put an emoji on a message, or take it back."""


class PingSession(Struct):
    """Ask for a ``pong``."""


Change = EditInSession | DeleteInSession | ReactInSession
Intention = SessionText | SessionFile | TypeInSession | ReadInSession | Change | PingSession

INBOUND: dict[str, type[Struct]] = {
    "text": SessionText,
    "file": SessionFile,
    "image": SessionImage,
    "voice": SessionVoice,
    "typing": TypeInSession,
    "read": ReadInSession,
    "edit": EditInSession,
    "delete": DeleteInSession,
    "reaction": ReactInSession,
    "ping": PingSession,
}
