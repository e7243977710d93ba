"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for create in (
        _accounts,
        _logins,
        _refresh_tokens,
        _tickets,
        _blocks,
        _conversations,
        _members,
        _messages,
        _changes,
        _reactions,
    ):
        create()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.SmallInteger(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email_key", name="uq_accounts_email_key"),
        sa.UniqueConstraint("issuer", "subject", name="uq_accounts_issuer_subject"),
        sa.UniqueConstraint("uid", name="uq_accounts_uid"),
        sa.UniqueConstraint("username_key", name="uq_accounts_username_key"),
        sqlite_autoincrement=True,
    )


def _logins() -> None:
    op.create_table(
        "logins",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_logins_account_id"),
        sa.PrimaryKeyConstraint("uid", name="pk_logins"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_logins_account_id", "logins", ["account_id"])


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("login_uid", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["login_uid"], ["logins.uid"], name="fk_refresh_tokens_login_uid", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_refresh_tokens_login_uid", "refresh_tokens", ["login_uid"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("login_uid", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_uid"], ["logins.uid"], name="fk_tickets_login_uid", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_tickets"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tickets_login_uid", "tickets", ["login_uid"])


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("blocker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blocked_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blocked_id"], ["accounts.id"], name="fk_blocks_blocked_id"),
        sa.ForeignKeyConstraint(["blocker_id"], ["accounts.id"], name="fk_blocks_blocker_id"),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id", name="pk_blocks"),
        sqlite_with_rowid=False,
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", _NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_activity_at", sa.BigInteger(), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["accounts.id"], name="fk_conversations_created_by"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("uid", name="uq_conversations_uid"),
        sqlite_autoincrement=True,
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("read_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_members_account_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_members_conversation_id"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "account_id", name="pk_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_members_account_id", "members", ["account_id"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("author_kind", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("reply_to_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name="fk_messages_author_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_messages_conversation_id"
        ),
        sa.ForeignKeyConstraint(["reply_to_id"], ["messages.id"], name="fk_messages_reply_to_id"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("author_id", "client_id", name="uq_messages_author_id_client_id"),
        sa.UniqueConstraint("conversation_id", "seq", name="uq_messages_conversation_id_seq"),
        sa.UniqueConstraint("uid", name="uq_messages_uid"),
        sqlite_autoincrement=True,
    )


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["accounts.id"], name="fk_changes_actor_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_changes_conversation_id"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_changes_message_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["accounts.id"], name="fk_changes_subject_id"),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_changes"),
        sqlite_with_rowid=False,
    )


def _reactions() -> None:
    op.create_table(
        "reactions",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_reactions_account_id"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_reactions_message_id"),
        sa.PrimaryKeyConstraint("message_id", "account_id", "emoji", name="pk_reactions"),
        sqlite_with_rowid=False,
    )
