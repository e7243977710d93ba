"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from folkmoot.contracts.friends import frames as wire
from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "POST /api/v1/chat/messages": IntentionKind.SEND,
    "GET /api/v1/chat/messages/history/{friend_id}": IntentionKind.HISTORY,
    "GET /api/v1/chat/messages/unread-count": IntentionKind.LOOK,
    "PUT /api/v1/chat/messages/{message_id}/read": IntentionKind.SIGNAL,
    "DELETE /api/v1/chat/messages/{message_id}": IntentionKind.SEND,
    "GET /api/v1/chat/friends": IntentionKind.LIST,
    "GET /api/v1/chat/friends/online": IntentionKind.LIST,
    "GET /api/v1/chat/friends/requests": IntentionKind.LIST,
    "POST /api/v1/chat/friends/requests": IntentionKind.MANAGE,
    "POST /api/v1/chat/friends/requests/{request_id}/accept": IntentionKind.MANAGE,
    "POST /api/v1/chat/friends/requests/{request_id}/decline": IntentionKind.MANAGE,
    "DELETE /api/v1/chat/friends/{account_id}": IntentionKind.MANAGE,
}
FRAMES: Final[Mapping[type[Struct], IntentionKind]] = {
    wire.SendDirect: IntentionKind.SEND,
    wire.EditDirect: IntentionKind.SEND,
    wire.DeleteDirect: IntentionKind.SEND,
    wire.ReactToDirect: IntentionKind.SEND,
    wire.SetFriendTyping: IntentionKind.SIGNAL,
    wire.MarkDirectRead: IntentionKind.SIGNAL,
    wire.ResumeDirects: IntentionKind.FOLLOW,
    wire.FriendsPing: IntentionKind.PING,
}
