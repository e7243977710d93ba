"""What a sound database of any kind cannot have in it, and which files it says there are."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid

MAX_FAULTS: Final = 10
"""Beyond these, one more says nothing new."""

CONTRADICTIONS: Final = (
    (
        "SELECT count(*) FROM conversations c WHERE last_seq < "
        "(SELECT coalesce(max(seq), 0) FROM messages m WHERE m.conversation_id = c.id)",
        "{} conversations end before their last message",
    ),
    (
        "SELECT count(*) FROM conversations c WHERE member_count <> (SELECT count(*) FROM members m"
        " WHERE m.conversation_id = c.id AND m.left_at IS NULL)",
        "{} conversations count other members than they have",
    ),
)
"""Queries that count rows, and what is said of those: how many there are."""
KEPT_FILES: Final = "SELECT uid, size, has_thumbnail FROM uploads"


def kept_files_in(rows: Iterable[Any]) -> Mapping[Uid, KeptFile]:
    """From `KEPT_FILES`."""
    return {Uid(uid): KeptFile(size, bool(has_thumbnail)) for uid, size, has_thumbnail in rows}
