"""A database has a name of its own, by which it is told from any other."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_installation"),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    uid = "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()"
    op.execute(f"INSERT INTO installation (uid) VALUES ({uid})")  # noqa: S608 - one of two of ours
