"""Who answers in a session, and which answers the assistant still owes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("ownership", sa.BigInteger(), nullable=True),
        sa.Column("taken_over", sa.SmallInteger(), nullable=True),
    ):
        op.add_column("conversations", column)
    op.execute("UPDATE conversations SET ownership = 0, taken_over = 0 WHERE kind = 'session'")
    op.create_table(
        "owed_answers",
        sa.Column("question_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ownership", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_owed_answers_conversation_id"
        ),
        sa.ForeignKeyConstraint(
            ["question_id"], ["messages.id"], name="fk_owed_answers_question_id"
        ),
        sa.PrimaryKeyConstraint("question_id", name="pk_owed_answers"),
        sqlite_with_rowid=False,
    )
