"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from folkmoot.contracts.support import frames as wire
from folkmoot.realtime.intentions import IntentionKind

PREFIXES: Final = ("/chat", "/api/chat")

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "GET /websocket/health": IntentionKind.PAGE,
    **{
        f"GET {prefix}{path}": kind
        for prefix in PREFIXES
        for path, kind in {
            "/status": IntentionKind.PAGE,
            "/test": IntentionKind.PAGE,
            "/history/self": IntentionKind.HISTORY,
            "/history/user/{user_id}": IntentionKind.STAFF_LOOK,
            "/users": IntentionKind.STAFF_LOOK,
        }.items()
    },
}
FRAMES: Final[Mapping[type[Struct], IntentionKind]] = {
    wire.JoinRoom: IntentionKind.FOLLOW,
    wire.LeaveRoom: IntentionKind.SIGNAL,
    wire.SendMessage: IntentionKind.SEND,
    wire.SetSupportTyping: IntentionKind.SIGNAL,
    wire.MarkRead: IntentionKind.SIGNAL,
    wire.EditInSupport: IntentionKind.SEND,
    wire.DeleteInSupport: IntentionKind.SEND,
    wire.ReactInSupport: IntentionKind.SEND,
    wire.ResumeThread: IntentionKind.FOLLOW,
    wire.GetOnlineUsers: IntentionKind.SIGNAL,
    wire.SupportHeartbeat: IntentionKind.PING,
    wire.GetConnectionInfo: IntentionKind.SIGNAL,
}
