"""Friends, direct and session conversations, files, receipts, and search.

What is there stays: columns and tables are added, and the words of all messages gathered.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from folkmoot.storage.words import words_of

revision = "0002"
down_revision = "0001"

_AMONG_DIRECTS = sa.text("direct_low IS NOT NULL")
_AMONG_SESSIONS = sa.text("kind = 'session'")
_AT_ONCE = 1000
_BUNDLE = 128
_MOST = 2**63 - 1


def upgrade() -> None:
    _conversations()
    _reads()
    _friend_requests()
    _messages()
    _uploads()
    _attachments()
    _words()


def _conversations() -> None:
    for column in (
        sa.Column("direct_low", sa.BigInteger(), nullable=True),
        sa.Column("direct_high", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("assistant_on", sa.SmallInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("message_count", sa.BigInteger(), nullable=True),
    ):
        op.add_column("conversations", column)
    for name, columns, where in (
        ("ix_conversations_direct", ["direct_low", "direct_high"], _AMONG_DIRECTS),
        ("ix_conversations_direct_high", ["direct_high"], _AMONG_DIRECTS),
        ("ix_conversations_open", ["closed_at"], _AMONG_SESSIONS),
        ("ix_conversations_owner", ["created_by"], _AMONG_SESSIONS),
    ):
        op.create_index(
            name,
            "conversations",
            columns,
            unique=name == "ix_conversations_direct",
            sqlite_where=where,
            postgresql_where=where,
        )
    op.execute(
        "UPDATE conversations SET assistant_on = 0, "
        "message_count = (SELECT count(*) FROM messages WHERE conversation_id = conversations.id), "
        "started_at = (SELECT min(created_at) FROM messages "
        "WHERE conversation_id = conversations.id) WHERE kind = 'session'"
    )


def _reads() -> None:
    op.create_table(
        "reads",
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("up_to_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_reads_account_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_reads_conversation_id"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "account_id", "up_to_seq", name="pk_reads"),
        sqlite_with_rowid=False,
    )


def _friend_requests() -> None:
    op.create_table(
        "friend_requests",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("receiver_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low_id", sa.BigInteger(), nullable=True),
        sa.Column("high_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["accounts.id"], name="fk_friend_requests_receiver_id"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["accounts.id"], name="fk_friend_requests_sender_id"
        ),
        sa.PrimaryKeyConstraint("uid", name="pk_friend_requests"),
        sa.UniqueConstraint("low_id", "high_id", name="uq_friend_requests_low_id_high_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_friend_requests_high_id", "friend_requests", ["high_id"])


def _messages() -> None:
    for name in ("attachment", "mentions", "labels"):
        op.add_column("messages", sa.Column(name, sa.Text(), nullable=True))


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("has_thumbnail", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name="fk_uploads_owner_id"),
        sa.PrimaryKeyConstraint("uid", name="pk_uploads"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_uploads_owner_id", "uploads", ["owner_id"])


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("upload_uid", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_attachments_message_id"),
        sa.ForeignKeyConstraint(["upload_uid"], ["uploads.uid"], name="fk_attachments_upload_uid"),
        sa.PrimaryKeyConstraint("upload_uid", "message_id", name="pk_attachments"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attachments_message_id", "attachments", ["message_id"])


def _words() -> None:
    """SQLite gets a table of words, PostgreSQL a column; both the words of what was said so far."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE message_words "
            "USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')"
        )
        newest = op.get_bind().scalar(sa.text("SELECT coalesce(max(id), 0) FROM messages"))
        _gather(
            "INSERT INTO message_words (rowid, words) VALUES (:id, :words)",
            upto=newest // _BUNDLE * _BUNDLE,
        )
        return
    op.add_column("messages", sa.Column("words", TSVECTOR(), nullable=True))
    _gather("UPDATE messages SET words = to_tsvector('simple', :words) WHERE id = :id")
    op.create_index("ix_messages_words", "messages", ["words"], postgresql_using="gin")


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
