"""Whoever blocks somebody is not gathered into their groups: they are invited, and may refuse."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inviter_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_invitations_account_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_invitations_conversation_id"
        ),
        sa.ForeignKeyConstraint(["inviter_id"], ["accounts.id"], name="fk_invitations_inviter_id"),
        sa.PrimaryKeyConstraint("account_id", "conversation_id", name="pk_invitations"),
        sqlite_with_rowid=False,
    )
