"""The frames of the `friends` contract, as clients and server write them.

These types are the wire: frames are encoded from them, decoded into them, and the AsyncAPI and
OpenAPI documents are generated from them. Field names and types come from the contract.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from folkmoot.kit.change_frames import DeleteFrame, EditFrame, ReactFrame
from folkmoot.kit.ids import MAX_NUMBER
from folkmoot.kit.rejections import ErrorFrame, NotUpToDateBody

Seq = Annotated[
    int, Meta(ge=0, le=MAX_NUMBER, description="A place in the timeline of two friends")
]
Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-11-22T10:30:00Z"], extra_json_schema={})
]

# -- what frames and answers are made of ---------------------------------------------------------


class FriendPersonOut(Struct):
    """What everybody may see of an account."""

    account_id: str
    username: str
    full_name: str
    avatar: str | None


class DirectReactionOut(Struct):
    """One emoji on a message, and the accounts that put it there."""

    emoji: str
    account_ids: list[str]


class DirectFileOut(Struct):
    """What hangs on a message that was sent through another contract."""

    file_name: str
    file_size: int | None
    file_type: str | None
    file_url: str | None
    attachment_id: str | None


class DirectMessageOut(Struct):
    """A message between two friends, with what has become of it.

    ``status`` is ``sent``, ``delivered`` or ``read``; ``client_id`` is for its sender only. REST
    answers have the ``receiver`` too.
    """

    message_id: str
    sender_id: str | None
    receiver_id: str
    content: str
    status: str
    is_deleted: bool
    created_at: Instant
    updated_at: Instant
    read_at: Instant | None
    sender: FriendPersonOut | None
    seq: int
    kind: str
    reply_to_id: str | None = None
    reactions: list[DirectReactionOut] = []
    attachment: DirectFileOut | None = None
    client_id: str | UnsetType = UNSET
    receiver: FriendPersonOut | UnsetType = UNSET


class FriendRequestOut(Struct):
    """One account's wish to be friends with another, and what has become of it."""

    request_id: str
    from_: FriendPersonOut = field(name="from")
    to: FriendPersonOut
    status: str
    created_at: Instant


# -- server to client --------------------------------------------------------------------------


class FriendsFrame(Struct, tag_field="type"):
    """A frame of the server; `OUTBOUND` has them all, in this order."""


class FriendsConnectedOut(FriendsFrame, tag="connection_established"):
    """The first frame on every socket: who the server takes the client for."""

    user_id: str
    message: str


class OnlineFriendsOut(FriendsFrame, tag="online_friends"):
    """The friends who are connected right now, through any contract."""

    friends: list[str]


class ResumedOut(FriendsFrame, tag="resumed"):
    """The end of what was missed: so many frames came before this one."""

    count: int


class NewDirectOut(FriendsFrame, tag="new_message"):
    """A message from a friend, or one that the account sent from another device."""

    message: DirectMessageOut
    friend_id: str
    seq: int


class DirectSentOut(FriendsFrame, tag="message_sent"):
    """The acknowledgement of a message: it is durable now."""

    message_id: str
    status: str
    friend_id: str
    seq: int
    created_at: Instant
    client_id: str | UnsetType = UNSET


class DirectDeliveredOut(FriendsFrame, tag="message_delivered"):
    """This message, and with it all earlier ones, reached the friend."""

    message_id: str
    delivered_to: str
    friend_id: str
    up_to_seq: int


class DirectReadOut(FriendsFrame, tag="message_read"):
    """This message, and with it all earlier ones of the other, was read."""

    message_id: str
    read_by: str
    friend_id: str
    up_to_seq: int
    read_at: Instant


class DirectEditedOut(FriendsFrame, tag="message_edited"):
    """A message has another content."""

    message_id: str
    content: str
    edited_at: Instant
    user_id: str
    friend_id: str
    seq: int


class DirectDeletedOut(FriendsFrame, tag="message_deleted"):
    """Only the place of a message is left."""

    message_id: str
    user_id: str
    friend_id: str
    seq: int


class DirectReactedOut(FriendsFrame, tag="message_reaction"):
    """Somebody put an emoji on a message, or took it back."""

    message_id: str
    emoji: str
    user_id: str
    removed: bool
    friend_id: str
    seq: int


Missed = NewDirectOut | DirectEditedOut | DirectDeletedOut | DirectReactedOut
"""What the sender of a message that was refused may not have seen: all that has a ``seq``."""


class FriendTypingOut(FriendsFrame, tag="typing_indicator"):
    """A friend began or stopped writing to the account."""

    user_id: str
    is_typing: bool


class FriendOnlineOut(FriendsFrame, tag="friend_online"):
    """A friend's first connection opened, or a friend came into sight."""

    user_id: str


class FriendOfflineOut(FriendsFrame, tag="friend_offline"):
    """A friend's last connection closed, or a friend went out of sight."""

    user_id: str


class FriendRequestedOut(FriendsFrame, FriendRequestOut, tag="friend_request"):
    """Somebody wants to be friends."""


class FriendAcceptedOut(FriendsFrame, FriendRequestOut, tag="friend_accepted"):
    """Two are friends from now on."""


class FriendDeclinedOut(FriendsFrame, FriendRequestOut, tag="friend_declined"):
    """A request was declined; it may be made again."""


class FriendRemovedOut(FriendsFrame, tag="friend_removed"):
    """A friendship was ended, or a pending request taken back: ``status`` says which it was."""

    request_id: str
    user_id: str
    by: str
    status: str


class FriendsPongOut(FriendsFrame, tag="pong"):
    """The answer to a ping."""


class FriendsErrorOut(FriendsFrame, ErrorFrame, tag="error"):
    """A frame was refused; the socket stays open. ``code`` is stable, ``message`` is for people."""

    missed: list[Missed] | UnsetType = UNSET


OUTBOUND: tuple[type[Struct], ...] = tuple(FriendsFrame.__subclasses__())

# -- client to server --------------------------------------------------------------------------


class SendDirect(Struct):
    """A message to a friend, named by UUID or username.

    ``attachment_id`` names a file that the account has uploaded.
    """

    receiver_id: str
    content: str
    client_id: str | None = None
    if_last_seq: Seq | None = None
    reply_to_id: str | None = None
    attachment_id: str | None = None


class MarkDirectRead(Struct):
    """This message, and with it all earlier ones of the friend, was read."""

    message_id: str


class SetFriendTyping(Struct):
    """The client's user began or stopped writing to a friend."""

    receiver_id: str
    is_typing: bool = True


class EditDirect(EditFrame[str]):
    """Another content for a message of one's own."""

    client_id: str | None = None


class DeleteDirect(DeleteFrame[str]):
    """Leave only the place of a message of one's own."""


class ReactToDirect(ReactFrame[str]):
    """Put an emoji on a message, or take it back."""


class ResumeDirects(Struct):
    """Send what was missed: for each friend, all that happened after the last ``seq`` seen."""

    after: dict[str, Seq] = {}


class FriendsPing(Struct):
    """Ask for a ``pong``."""


Change = EditDirect | DeleteDirect | ReactToDirect
Intention = SendDirect | MarkDirectRead | SetFriendTyping | Change | ResumeDirects | FriendsPing

INBOUND: dict[str, type[Struct]] = {
    "send_message": SendDirect,
    "mark_read": MarkDirectRead,
    "typing": SetFriendTyping,
    "edit_message": EditDirect,
    "delete_message": DeleteDirect,
    "react": ReactToDirect,
    "resume": ResumeDirects,
    "ping": FriendsPing,
}

# -- REST --------------------------------------------------------------------------------------


class DirectHistoryOut(Struct):
    """A page of what two friends wrote, oldest first; ``total`` counts all of it."""

    messages: list[DirectMessageOut]
    total: int
    skip: int
    limit: int


class DirectUnreadOut(Struct):
    """How many messages of friends wait to be read, in all and by friend."""

    unread_count: int
    by_friend: dict[str, int]


class FriendsOnlineOut(Struct):
    """The friends who are connected right now."""

    online_friends: list[str]


class FriendOut(Struct):
    """A friend; ``created_at`` is when they asked, ``last_seq`` where to resume from."""

    account_id: str
    username: str
    full_name: str
    avatar: str | None
    online: bool
    created_at: Instant
    unread_count: int
    last_seq: int


class FriendsOut(Struct):
    """All friends of an account, the oldest friendship first."""

    friends: list[FriendOut]


class FriendRequestsOut(Struct):
    """The requests that wait for an answer."""

    incoming: list[FriendRequestOut]
    outgoing: list[FriendRequestOut]


class DirectNotUpToDateOut(NotUpToDateBody):
    """Why a message was not posted, and what the sender had not seen: as the socket shows it."""

    missed: list[Missed]


ANSWERS: tuple[type[Struct], ...] = (
    DirectHistoryOut,
    DirectMessageOut,
    DirectNotUpToDateOut,
    DirectUnreadOut,
    FriendRequestOut,
    FriendRequestsOut,
    FriendsOnlineOut,
    FriendsOut,
)
