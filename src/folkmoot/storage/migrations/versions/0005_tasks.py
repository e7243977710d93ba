"""Work that is owed is a task, whatever its kind."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AMONG_LIVING = sa.text("died_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("ordering_key", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("died_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("kind", "key", name="uq_tasks_kind_key"),
        sqlite_autoincrement=True,
    )
    for name, columns in (
        ("ix_tasks_due", ["kind", "due_at", "id"]),
        ("ix_tasks_ordering", ["kind", "ordering_key", "id"]),
    ):
        op.create_index(
            name, "tasks", columns, sqlite_where=_AMONG_LIVING, postgresql_where=_AMONG_LIVING
        )
    _carry_over_answers()
    op.drop_table("owed_answers")


def _carry_over_answers() -> None:
    """What was owed to questions, in the order in which they were asked."""
    owed = sa.text(
        "SELECT question_id, owed.conversation_id, ownership, owed.uid, text, created_at "
        "FROM owed_answers owed JOIN messages ON messages.id = question_id ORDER BY question_id"
    )
    add = sa.text(
        "INSERT INTO tasks (kind, key, payload, ordering_key, due_at, max_attempts, attempts) "
        "VALUES ('answer', :key, :payload, :ordering_key, :due_at, 10, 0)"
    )
    for row in op.get_bind().execute(owed).mappings().all():
        payload = dict(row)
        due_at = payload.pop("created_at")
        task = {
            "key": str(row["question_id"]),
            "payload": json.dumps(payload),
            "ordering_key": str(row["conversation_id"]),
            "due_at": due_at,
        }
        op.get_bind().execute(add, task)
