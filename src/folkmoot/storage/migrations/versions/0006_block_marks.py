"""What a blocked account is shown of how far the blocker has read ends with the block."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "block_marks",
        sa.Column("blocked_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blocker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blocked_id"], ["accounts.id"], name="fk_block_marks_blocked_id"),
        sa.ForeignKeyConstraint(["blocker_id"], ["accounts.id"], name="fk_block_marks_blocker_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_block_marks_conversation_id"
        ),
        sa.PrimaryKeyConstraint(
            "blocked_id", "blocker_id", "conversation_id", name="pk_block_marks"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"])
    op.execute(
        "INSERT INTO block_marks SELECT b.blocked_id, b.blocker_id, mine.conversation_id,"
        " mine.read_seq, mine.read_at, mine.delivered_seq FROM blocks b"
        " JOIN members mine ON mine.account_id = b.blocker_id AND mine.left_at IS NULL"
        " JOIN members theirs ON theirs.account_id = b.blocked_id AND theirs.left_at IS NULL"
        " AND theirs.conversation_id = mine.conversation_id"
    )
