"""Chinese, Japanese and Korean are kept in pairs of characters: all words are gathered anew."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from folkmoot.storage.words import words_of

revision = "0004"
down_revision = "0003"

_AT_ONCE = 1000
_BUNDLE = 128
_MOST = 2**63 - 1


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # What a message was kept as cannot be taken out one by one: it can no longer be said.
        op.execute("INSERT INTO message_words (message_words) VALUES ('delete-all')")
        newest = op.get_bind().scalar(sa.text("SELECT coalesce(max(id), 0) FROM messages"))
        _gather(
            "INSERT INTO message_words (rowid, words) VALUES (:id, :words)",
            upto=newest // _BUNDLE * _BUNDLE,
        )
    else:
        _gather("UPDATE messages SET words = to_tsvector('simple', :words) WHERE id = :id")


def _gather(statement: str, *, upto: int = _MOST) -> None:
    for said in _said(upto):
        found = [{"id": number, "words": words_of(content)} for number, content in said]
        op.get_bind().execute(sa.text(statement), found)


def _said(upto: int) -> Iterator[Sequence[Any]]:
    """All messages that say something, a few at a time."""
    some = sa.text(
        "SELECT id, content FROM messages WHERE id > :after AND id <= :upto "
        "AND deleted_at IS NULL ORDER BY id LIMIT :at_once"
    )
    after = 0
    bounds = {"upto": upto, "at_once": _AT_ONCE}
    while rows := op.get_bind().execute(some, {**bounds, "after": after}).all():
        yield rows
        after = rows[-1][0]
