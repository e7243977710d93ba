"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "GET /api/v1/chat/search": IntentionKind.SEARCH,
}
