"""An emoji is kept in one form: of what one person put on one message in several, the first stays.

What was taken for an emoji once and is none stays as it is.
"""

import sqlalchemy as sa
from alembic import op

from folkmoot.core.messages.emoji import fully_qualified

revision = "0010"
down_revision = "0009"

_KINDS = "('reaction_added', 'reaction_removed')"
_FORMS = sa.table("emoji_forms", sa.column("form", sa.Text()), sa.column("whole", sa.Text()))
_MERGE = """
    DELETE FROM reactions WHERE EXISTS (
        SELECT 1 FROM emoji_forms AS mine
        JOIN emoji_forms AS theirs ON theirs.whole = mine.whole
        JOIN reactions AS others ON others.emoji = theirs.form
        WHERE mine.form = reactions.emoji
          AND others.message_id = reactions.message_id
          AND others.account_id = reactions.account_id
          AND (others.created_at < reactions.created_at
               OR (others.created_at = reactions.created_at AND others.emoji < reactions.emoji))
    )
"""


def upgrade() -> None:
    found = op.get_bind().scalars(
        sa.text(
            f"SELECT emoji FROM reactions UNION SELECT detail FROM changes WHERE kind IN {_KINDS}"  # noqa: S608 - it is above
        )
    )
    wholes = {form: whole for form in found if form and (whole := fully_qualified(form))}
    if all(form == whole for form, whole in wholes.items()):
        return
    op.execute("CREATE TEMPORARY TABLE emoji_forms (form text PRIMARY KEY, whole text NOT NULL)")
    op.bulk_insert(_FORMS, [{"form": form, "whole": whole} for form, whole in wholes.items()])
    op.execute(_MERGE)
    for table, column, where in (
        ("reactions", "emoji", ""),
        ("changes", "detail", f"kind IN {_KINDS} AND "),
    ):
        op.execute(
            f"UPDATE {table} SET {column} = "  # noqa: S608 - the names are above
            f"(SELECT whole FROM emoji_forms WHERE form = {table}.{column}) WHERE {where}"
            f"{column} IN (SELECT form FROM emoji_forms WHERE form <> whole)"
        )
    op.execute("DROP TABLE emoji_forms")
