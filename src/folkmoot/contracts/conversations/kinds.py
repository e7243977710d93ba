"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from folkmoot.contracts.conversations import frames as wire
from folkmoot.realtime.intentions import IntentionKind

_REACTION: Final = "/conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}"

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "POST /conversations": IntentionKind.OPEN,
    "GET /conversations": IntentionKind.LIST,
    "GET /conversations/invitations": IntentionKind.LIST,
    "POST /conversations/invitations/{conversation_id}/accept": IntentionKind.MANAGE,
    "POST /conversations/invitations/{conversation_id}/decline": IntentionKind.MANAGE,
    "GET /conversations/{conversation_id}": IntentionKind.LOOK,
    "PATCH /conversations/{conversation_id}": IntentionKind.MANAGE,
    "POST /conversations/{conversation_id}/participants": IntentionKind.MANAGE,
    "DELETE /conversations/{conversation_id}/participants/{account_id}": IntentionKind.MANAGE,
    "GET /conversations/{conversation_id}/messages": IntentionKind.SESSION_HISTORY,
    "POST /conversations/{conversation_id}/messages": IntentionKind.SEND,
    "PATCH /conversations/{conversation_id}/messages/{message_id}": IntentionKind.SEND,
    "DELETE /conversations/{conversation_id}/messages/{message_id}": IntentionKind.SEND,
    f"PUT {_REACTION}": IntentionKind.SEND,
    f"DELETE {_REACTION}": IntentionKind.SEND,
    "POST /conversations/{conversation_id}/read": IntentionKind.SIGNAL,
}
FRAMES: Final[Mapping[type[Struct], IntentionKind]] = {
    wire.Say: IntentionKind.SEND,
    wire.Edit: IntentionKind.SEND,
    wire.Delete: IntentionKind.SEND,
    wire.React: IntentionKind.SEND,
    wire.SetTyping: IntentionKind.SIGNAL,
    wire.Read: IntentionKind.SIGNAL,
    wire.Resume: IntentionKind.FOLLOW,
    wire.Ping: IntentionKind.PING,
}
