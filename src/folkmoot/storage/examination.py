"""What cannot be in a sound database, in any: rows that contradict each other."""

from typing import Final

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
