"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from folkmoot.contracts.sessions import frames as wire
from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "POST /api/v1/chat/sessions": IntentionKind.OPEN,
    "GET /api/v1/chat/sessions": IntentionKind.LIST,
    "POST /api/v1/chat/sessions/cleanup": IntentionKind.STAFF_ACT,
    "GET /api/v1/chat/sessions/{session_id}": IntentionKind.LOOK,
    "PUT /api/v1/chat/sessions/{session_id}": IntentionKind.MANAGE,
    "DELETE /api/v1/chat/sessions/{session_id}": IntentionKind.MANAGE,
    "POST /api/v1/chat/sessions/{session_id}/close": IntentionKind.MANAGE,
    "GET /api/v1/chat/sessions/{session_id}/messages": IntentionKind.SESSION_HISTORY,
    "POST /api/v1/chat/sessions/{session_id}/messages": IntentionKind.SEND,
    "POST /api/v1/chat/sessions/{session_id}/mark-read": IntentionKind.SIGNAL,
    "GET /api/v1/chat/sessions/{session_id}/context": IntentionKind.CONTEXT,
    "GET /api/v1/chat/sessions/{session_id}/participants": IntentionKind.LIST,
    "POST /api/v1/chat/sessions/{session_id}/participants": IntentionKind.MANAGE,
    "DELETE /api/v1/chat/sessions/{session_id}/participants/{user_id}": IntentionKind.MANAGE,
    "POST /api/v1/chat/block": IntentionKind.MANAGE,
    "POST /api/v1/chat/unblock": IntentionKind.MANAGE,
    "GET /api/v1/chat/blocks": IntentionKind.LIST,
    "GET /api/v1/chat/ws": IntentionKind.PAGE,
    "GET /api/v1/chat/ws-stats": IntentionKind.LOOK,
}
FRAMES: Final[Mapping[type[Struct], IntentionKind]] = {
    wire.SessionText: IntentionKind.SEND,
    wire.SessionFile: IntentionKind.SEND,
    wire.SessionImage: IntentionKind.SEND,
    wire.SessionVoice: IntentionKind.SEND,
    wire.EditInSession: IntentionKind.SEND,
    wire.DeleteInSession: IntentionKind.SEND,
    wire.ReactInSession: IntentionKind.SEND,
    wire.TypeInSession: IntentionKind.SIGNAL,
    wire.ReadInSession: IntentionKind.SIGNAL,
    wire.PingSession: IntentionKind.PING,
}
