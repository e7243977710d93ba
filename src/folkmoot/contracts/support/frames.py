"""The events of the `support` contract, and the bodies of its answers, as they are written.

These types are the wire: events are encoded from them, decoded into them, and the AsyncAPI and
OpenAPI documents are generated from them. Field names and types come from the contract. An event's
name stands beside its data, as Socket.IO has it.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from folkmoot.kit.change_frames import DeleteFrame, EditFrame, ReactFrame
from folkmoot.kit.ids import MAX_NUMBER

Seq = Annotated[int, Meta(ge=0, le=MAX_NUMBER, description="A place in one session's timeline")]
Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-11-22T10:30:00.250000Z"], extra_json_schema={})
]
Cursor = Annotated[
    str,
    Meta(description="Where a whole thread stands: give it back to be sent what came after it"),
]

# -- server to client --------------------------------------------------------------------------


class SupportReactionOut(Struct):
    """One emoji on a message, and the accounts that put it there."""

    emoji: str
    user_ids: list[str]


class SupportMessageOut(Struct):
    """A message. ``receiver_id`` is null for the desk as a whole, ``user_id`` is the customer's.

    ``seq`` counts within the session ``session_id``; ``cursor`` places it in the whole thread.
    """

    id: str = field(name="_id")
    sender_id: str | None
    receiver_id: str | None
    message_text: str
    timestamp: Instant
    appointment_id: str | None
    service_id: str | None
    seq: int
    read: bool
    user_id: str
    session_id: str
    sender_name: str
    kind: str
    reply_to_id: str | None = None
    edited_at: Instant | None = None
    is_deleted: bool = False
    reactions: list[SupportReactionOut] = []
    file_url: str | UnsetType = UNSET
    file_name: str | UnsetType = UNSET
    file_size: int | UnsetType = UNSET
    file_type: str | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    client_id: str | UnsetType = UNSET


class SupportEditedOut(Struct):
    """A message has another text."""

    message_id: str
    message_text: str
    edited_at: Instant
    editor_id: str
    user_id: str
    session_id: str
    seq: int
    cursor: Cursor | UnsetType = UNSET


class SupportDeletedOut(Struct):
    """Only the place of a message is left."""

    message_id: str
    deleter_id: str
    user_id: str
    session_id: str
    seq: int
    cursor: Cursor | UnsetType = UNSET


class SupportReactionEventOut(Struct):
    """Somebody put an emoji on a message, or took it back."""

    message_id: str
    emoji: str
    reactor_id: str
    removed: bool
    user_id: str
    session_id: str
    seq: int
    cursor: Cursor | UnsetType = UNSET


class SupportTypingOut(Struct):
    """Somebody on the other side began or stopped writing."""

    sender_id: str
    is_typing: bool
    user_id: str
    sender_name: str


class MessagesReadOut(Struct):
    """Somebody on the other side has read a session up to a place."""

    reader_id: str
    up_to_message_id: str
    up_to_seq: int
    user_id: str
    session_id: str


class OnlineUserOut(Struct):
    """Somebody who is connected."""

    user_id: str
    user_name: str
    role: str


class OnlineUsersOut(Struct):
    """Who is connected; of very many only the first are named, ``total`` counts all."""

    users: list[OnlineUserOut]
    total: int


class HeartbeatOut(Struct):
    """The server is there; this is its time."""

    timestamp: Instant


class ConnectionInfoOut(Struct):
    """What the server knows of this connection; ``rooms`` are the customers it listens to."""

    sid: str
    user_id: str
    rooms: list[str]
    connected_at: Instant
    transport: str


class SupportErrorOut(Struct):
    """An event was refused that asked for no ack. ``code`` is stable, ``message`` for people."""

    code: str
    message: str
    event: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    passing: bool | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


OUTBOUND: dict[str, type[Struct]] = {
    "receive_message": SupportMessageOut,
    "message_edited": SupportEditedOut,
    "message_deleted": SupportDeletedOut,
    "reaction": SupportReactionEventOut,
    "typing": SupportTypingOut,
    "messages_read": MessagesReadOut,
    "online_users": OnlineUsersOut,
    "user_online": OnlineUserOut,
    "user_offline": OnlineUserOut,
    "heartbeat": HeartbeatOut,
    "connection_info": ConnectionInfoOut,
    "error": SupportErrorOut,
}

# -- client to server --------------------------------------------------------------------------


class JoinRoom(Struct):
    """Listen to a customer's thread; with a cursor, or a place, first to what came after it."""

    user_id: str
    cursor: Cursor | None = None
    after_seq: Seq | None = None
    session_id: str | None = None


class LeaveRoom(Struct):
    """Listen to a customer's thread no longer."""

    user_id: str


class SendMessage(Struct):
    """A message: from a customer to the desk or to one of staff, from staff to a customer."""

    message_text: str
    receiver_id: str | None = None
    appointment_id: str | None = None
    service_id: str | None = None
    client_id: str | None = None
    reply_to_id: str | None = None
    attachment_id: str | None = None
    if_last_seq: Seq | None = None


class SetSupportTyping(Struct):
    """The client's user began or stopped writing to somebody."""

    receiver_id: str | None = None
    is_typing: bool = True


class MarkRead(Struct):
    """The client's user has read a thread, or one session up to a message."""

    user_id: str | None = None
    message_id: str | None = None


class EditInSupport(EditFrame[str]):
    """Another text for a message of one's own."""

    content: str = field(name="message_text")


class DeleteInSupport(DeleteFrame[str]):
    """Leave only the place of a message."""


class ReactInSupport(ReactFrame[str]):
    """Put an emoji on a message, or take it back."""


class ResumeThread(Struct):
    """Send again all that came after a cursor, or after a place in a session."""

    user_id: str | None = None
    cursor: Cursor | None = None
    after_seq: Seq | None = None
    session_id: str | None = None


class GetOnlineUsers(Struct):
    """Ask who is connected."""


class SupportHeartbeat(Struct):
    """Ask whether the server is there."""


class GetConnectionInfo(Struct):
    """Ask what the server knows of this connection."""


Change = EditInSupport | DeleteInSupport | ReactInSupport
Intention = (
    JoinRoom
    | LeaveRoom
    | SendMessage
    | SetSupportTyping
    | MarkRead
    | Change
    | ResumeThread
    | GetOnlineUsers
    | SupportHeartbeat
    | GetConnectionInfo
)

INBOUND: dict[str, type[Struct]] = {
    "join_room": JoinRoom,
    "leave_room": LeaveRoom,
    "send_message": SendMessage,
    "typing": SetSupportTyping,
    "mark_read": MarkRead,
    "edit_message": EditInSupport,
    "delete_message": DeleteInSupport,
    "react": ReactInSupport,
    "resume": ResumeThread,
    "get_online_users": GetOnlineUsers,
    "heartbeat": SupportHeartbeat,
    "get_connection_info": GetConnectionInfo,
}

# -- REST --------------------------------------------------------------------------------------


class ChatUserOut(Struct):
    """A customer in the desk's list; ``unread_count`` are their messages that no staff has read."""

    user_id: str
    user_name: str
    last_message: str
    last_message_time: Instant
    unread_count: int
    last_message_id: str
    full_name: str
    online: bool


class ChatStatusOut(Struct):
    """Whether the live side runs, and how many are connected to it."""

    status: str
    active_connections: int
    socket_io_path: str
    supported_events: list[str]


class ChatTestOut(Struct):
    """What there is to try."""

    message: str
    socket_io_path: str
    available_endpoints: list[str]
    websocket_events: list[str]


class SocketHealthOut(Struct):
    """How the live side is."""

    status: str
    active_connections: int
    uptime_s: float


ANSWERS: tuple[type[Struct], ...] = (
    SupportMessageOut,
    ChatUserOut,
    ChatStatusOut,
    ChatTestOut,
    SocketHealthOut,
)
