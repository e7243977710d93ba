"""The frames of the `assistant` contract, as clients and server write them.

These types are the wire: frames are encoded from them, decoded into them, and the AsyncAPI
document is generated from them. Every frame of a session names it in ``session_id``.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from folkmoot.kit.ids import MAX_NUMBER

Seq = Annotated[int, Meta(ge=0, le=MAX_NUMBER, description="A place in the session's timeline")]
Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-01-29T10:05:00.250000Z"], extra_json_schema={})
]

# -- server to client --------------------------------------------------------------------------


class ChatFrame(Struct, tag_field="type"):
    """A frame of the server; `OUTBOUND` has them all, in this order."""


class ChatActFields(Struct):
    """Where something happened, and whose doing it was or whom it is about."""

    session_id: str
    user_id: str


class ChatEstablishedFrame(ChatFrame, tag="connection_established"):
    """The first frame on every socket: who the server takes the client for."""

    connection_id: str
    user_id: str
    username: str
    role: str
    timestamp: Instant


class ChatReactionOut(Struct):
    """One emoji on a message, and the accounts that put it there."""

    emoji: str
    user_ids: list[str]


class ChatMessageMetadata(Struct):
    """What else there is to a message. ``client_id`` is for its author only.

    ``cut_short`` says why an answer ends before its end. ``labels`` are other contracts' words.
    """

    sender_name: str
    message_type: str
    reply_to_id: str | None
    mentions: list[str]
    is_deleted: bool
    edited_at: Instant | None
    reactions: list[ChatReactionOut]
    cut_short: str | None
    file_url: str | UnsetType = UNSET
    file_name: str | UnsetType = UNSET
    file_size: int | UnsetType | None = UNSET
    file_type: str | UnsetType | None = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    client_id: str | UnsetType = UNSET


class ChatStreamingOut(Struct):
    """An answer that is being written, as far as it has come; it will be a message of this id."""

    message_id: str
    reply_to_id: str
    content: str


class ChatJoinedFrame(ChatFrame, tag="session_joined"):
    """The client hears of a session from here on.

    ``messages`` are the newest twenty, oldest first; of one that comes back with ``after_seq``,
    those up to there, since what it missed follows as frames of its own.
    """

    session_id: str
    title: str
    last_seq: int
    messages: list["ChatMessageFrame"]
    conversation_id: int
    status: str
    assistant: bool
    answering: ChatStreamingOut | None


class ChatLeftFrame(ChatFrame, tag="session_left"):
    """The client hears nothing more of a session: it left, or is no participant any more."""

    session_id: str
    reason: str


class ChatMessageFrame(ChatFrame, tag="message"):
    """A message. To its author it is also the acknowledgement: it is durable now.

    ``role`` is ``user`` for all that people wrote, ``assistant``, or ``system``. A system message
    that answers a command is for the asker alone and is not kept.
    """

    id: str
    session_id: str
    role: str
    sender_id: str | None
    content: str
    seq: int
    timestamp: Instant
    metadata: ChatMessageMetadata


class ChatDeltaFrame(ChatFrame, tag="message_delta"):
    """An answer has more text, from ``position`` characters on; only to who asked for a stream.

    The finished message of the same id has the whole text.
    """

    message_id: str
    session_id: str
    delta: str
    position: int
    reply_to_id: str


class ChatDroppedFrame(ChatFrame, tag="message_dropped"):
    """An answer that was growing will be no message: a human took over, or it was switched off."""

    message_id: str
    session_id: str
    reply_to_id: str


class ChatTypingFrame(ChatFrame, ChatActFields, tag="typing"):
    """Somebody else, or the assistant, began or stopped writing."""

    is_typing: bool
    username: str


class ChatProgressFrame(ChatFrame, tag="progress"):
    """How far the reading is that the client asked for by ``/reload``."""

    session_id: str
    command: str
    files: int
    entries: int
    unreadable: int
    done: bool


class ChatEditedFrame(ChatFrame, tag="message_edited"):
    """A message has another content."""

    message_id: str
    session_id: str
    content: str
    edited_at: Instant
    user_id: str
    seq: int


class ChatDeletedFrame(ChatFrame, tag="message_deleted"):
    """Only the place of a message is left."""

    message_id: str
    session_id: str
    user_id: str
    seq: int


class ChatReactionFrame(ChatFrame, tag="reaction"):
    """Somebody put an emoji on a message, or took it back."""

    message_id: str
    session_id: str
    user_id: str
    emoji: str
    removed: bool
    seq: int


class ChatReadFrame(ChatFrame, ChatActFields, tag="message_read"):
    """A participant has read everything up to a place."""

    up_to_seq: int
    up_to_message_id: str | None
    timestamp: Instant


class ChatPresenceFrame(ChatFrame, ChatActFields, tag="user_joined"):
    """An account's first socket in this session opened."""

    username: str
    total_users: int


class ChatAbsenceFrame(ChatFrame, ChatActFields, tag="user_left"):
    """An account's last socket in this session closed."""

    username: str
    total_users: int


class ChatMemberAddedFrame(ChatFrame, ChatActFields, tag="participant_added"):
    """Somebody became a participant."""

    username: str
    by_user_id: str
    seq: int


class ChatMemberRemovedFrame(ChatFrame, ChatActFields, tag="participant_removed"):
    """Somebody left the session, or was removed."""

    username: str
    by_user_id: str
    seq: int


class ChatClosedFrame(ChatFrame, ChatActFields, tag="session_closed"):
    """The session has ended: it can be read, and nobody can write any more."""

    seq: int
    timestamp: Instant


class ChatAssignedFrame(ChatFrame, ChatActFields, tag="session_assigned"):
    """A member of staff is in charge now; null: nobody is. ``user_id`` is who did that."""

    assigned_agent_id: str | None
    agent_name: str
    seq: int


class ChatUpdatedFrame(ChatFrame, ChatActFields, tag="session_updated"):
    """The session was renamed, or its assistant switched; only what is different is there.

    The assistant is switched off too when a human takes over by writing.
    """

    seq: int
    title: str | UnsetType = UNSET
    assistant: bool | UnsetType = UNSET


Missed = (
    ChatMessageFrame
    | ChatEditedFrame
    | ChatDeletedFrame
    | ChatReactionFrame
    | ChatMemberAddedFrame
    | ChatMemberRemovedFrame
    | ChatClosedFrame
    | ChatAssignedFrame
    | ChatUpdatedFrame
)
"""What the author of a message that was refused may not have seen: all that has a ``seq``."""


class ChatPongFrame(ChatFrame, tag="pong"):
    """The answer to a ping."""

    timestamp: Instant


class ChatErrorFrame(ChatFrame, tag="error"):
    """A frame was refused and the socket stays open; or, before it closes, why it does.

    ``code`` is stable, ``message`` is for people. ``missed`` is what the author had not seen.
    """

    code: str
    message: str
    session_id: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    passing: bool | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    missed: list[Missed] | UnsetType = UNSET


OUTBOUND: tuple[type[Struct], ...] = tuple(ChatFrame.__subclasses__())

# -- client to server --------------------------------------------------------------------------


class JoinSession(Struct):
    """Hear of a session: what came after ``after_seq``, and then everything as it happens.

    Without a ``session_id`` a new one is opened. ``stream``: show answers of others' questions,
    too, as they are written.
    """

    session_id: str | None = None
    after_seq: Seq | None = None
    title: str | None = None
    stream: bool = False


class LeaveSession(Struct):
    """Hear nothing more of a session; its participant one stays."""

    session_id: str


class SayInChat(Struct):
    """A message to post, in the session named, else in the one that was joined last.

    Where none was joined a new one is opened. ``stream``: show the answer as it is written.
    """

    content: str
    session_id: str | None = None
    client_id: str | None = None
    stream: bool = False
    reply_to_id: str | None = None
    mentions: list[str] | None = None
    attachment_id: str | None = None
    if_last_seq: Seq | None = None


class TypeInChat(Struct):
    """The client's user began or stopped writing."""

    session_id: str
    is_typing: bool


class CancelAnswer(Struct):
    """Have the answer to one's own question that is being written end here."""

    session_id: str


class ReadInChat(Struct):
    """The client's user has read everything up to a message."""

    session_id: str
    message_id: str


class EditInChat(Struct):
    """Another content for a message of one's own."""

    session_id: str
    message_id: str
    content: str


class DeleteInChat(Struct):
    """Leave only the place of a message."""

    session_id: str
    message_id: str


class ReactInChat(Struct):
    """Put an emoji on a message, or take it back."""

    session_id: str
    message_id: str
    emoji: str
    remove: bool = False


class PingChat(Struct):
    """Ask for a ``pong``."""


Change = EditInChat | DeleteInChat | ReactInChat
InSession = TypeInChat | CancelAnswer | ReadInChat | Change
Intention = JoinSession | LeaveSession | SayInChat | InSession | PingChat

INBOUND: dict[str, type[Struct]] = {
    "join_session": JoinSession,
    "leave_session": LeaveSession,
    "chat_message": SayInChat,
    "typing": TypeInChat,
    "cancel": CancelAnswer,
    "mark_read": ReadInChat,
    "edit_message": EditInChat,
    "delete_message": DeleteInChat,
    "react": ReactInChat,
    "ping": PingChat,
}


class ChatPlaceOut(Struct):
    """How lively one session is."""

    connections: int
    users: int


class ChatConnectionsOut(Struct):
    """Who is connected. ``sessions`` has every session with somebody there, for staff only."""

    active_connections: int
    unique_users: int
    active_sessions: int
    sessions: dict[str, ChatPlaceOut] | UnsetType = UNSET


ANSWERS: tuple[type[Struct], ...] = (ChatConnectionsOut,)
