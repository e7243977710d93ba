"""Which version of the tables this program works with; apart from what brings them there.

Most starts find the tables as they should be, and need none of that.
"""

from pathlib import Path
from typing import Final

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "alembic_version"
VERSION_QUERY: Final = "SELECT version_num FROM alembic_version"


def newest_version() -> str:
    """The version that the last migration leaves behind, by the number in its file's name."""
    names = (path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    return max(names).partition("_")[0]
