"""Words are kept folded further and with their stems: those of older messages are outdated.

They are gathered anew while the server runs, and what was kept of them finds them until then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_BUNDLE = 128


def upgrade() -> None:
    op.create_table(
        "outdated_words",
        sa.Column("up_to", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("up_to", name="pk_outdated_words"),
    )
    up_to = op.get_bind().scalar(sa.text("SELECT coalesce(max(id), 0) FROM messages"))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        up_to = up_to // _BUNDLE * _BUNDLE
    if not up_to:
        return
    outdated = sa.table("outdated_words", sa.column("up_to", sa.BigInteger()))
    op.bulk_insert(outdated, [{"up_to": up_to}])
    if is_sqlite:
        op.execute("ALTER TABLE message_words RENAME TO message_words_before")
        op.execute(
            "CREATE VIRTUAL TABLE message_words "
            "USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')"
        )
