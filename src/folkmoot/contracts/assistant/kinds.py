"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from folkmoot.contracts.assistant import frames as wire
from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "GET /ws/connections/info": IntentionKind.STAFF_LOOK,
}
FRAMES: Final[Mapping[type[Struct], IntentionKind]] = {
    wire.JoinSession: IntentionKind.FOLLOW,
    wire.LeaveSession: IntentionKind.SIGNAL,
    wire.SayInChat: IntentionKind.SEND,
    wire.TypeInChat: IntentionKind.SIGNAL,
    wire.CancelAnswer: IntentionKind.SIGNAL,
    wire.ReadInChat: IntentionKind.SIGNAL,
    wire.EditInChat: IntentionKind.SEND,
    wire.DeleteInChat: IntentionKind.SEND,
    wire.ReactInChat: IntentionKind.SEND,
    wire.PingChat: IntentionKind.PING,
}
