"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "POST /api/v1/chat/files": IntentionKind.UPLOAD,
    "GET /api/v1/chat/files/{file_id}": IntentionKind.DOWNLOAD,
    "GET /api/v1/chat/files/{file_id}/thumbnail": IntentionKind.DOWNLOAD,
}
