"""Whether the assistant has left a session to people: it says only once that it cannot help."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("left_to_people", sa.SmallInteger(), nullable=True))
    op.execute("UPDATE conversations SET left_to_people = 0 WHERE kind = 'session'")
