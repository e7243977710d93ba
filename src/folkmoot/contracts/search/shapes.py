"""A message that was found, as it is shown."""

from typing import Annotated

from msgspec import Meta, Struct

from folkmoot.core.messages.views import SearchHit
from folkmoot.kit.times import in_seconds

Instant = Annotated[
    str, Meta(description="UTC", examples=["2025-12-29T10:05:00Z"], extra_json_schema={})
]

Mark = Annotated[list[int], Meta(min_length=2, max_length=2)]
"""A stretch of characters (code points): where it begins, and where it has ended."""


class SearchHitOut(Struct):
    """A message that was found. ``marks`` are the [start, end) of what matched in ``snippet``.

    They count characters (code points). ``seq`` is the place to jump to.
    """

    message_id: str
    chat_session_id: str
    conversation_id: int
    seq: int
    sender_id: str | None
    sender_name: str
    message_type: str
    created_at: Instant
    snippet: str
    marks: list[Mark]
    rank: float


def hit_out(hit: SearchHit) -> SearchHitOut:
    """A message that was found."""
    message = hit.message
    return SearchHitOut(
        message_id=message.uid,
        chat_session_id=message.conversation_uid,
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.author.uid if message.author else None,
        sender_name=message.sender_name,
        message_type=message.body.kind.value,
        created_at=in_seconds(message.created_at),
        snippet=hit.snippet,
        marks=[list(mark) for mark in hit.marks],
        rank=hit.rank,
    )
