"""Bringing a database to the tables that this version works with, once, whoever starts first."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect

from folkmoot.storage.errors import Unusable
from folkmoot.storage.schema_version import MIGRATIONS
from folkmoot.storage.tables import metadata


def upgrade(connection: Connection) -> bool:
    """Apply what is missing, in the connection's transaction; whether anything was.

    The caller keeps everybody else from doing the same at the same time.

    Raises:
        Unusable: the database was made by a newer version, or by another program.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection).get_current_revision()
    if present == scripts.get_current_head():
        return False
    if present is None:
        _refuse_strangers_tables(connection)
    else:
        _refuse_newer(scripts, present)
    command.upgrade(config, "head")
    return True


def _refuse_newer(scripts: ScriptDirectory, present: str) -> None:
    try:
        scripts.get_revision(present)
    except CommandError:
        raise Unusable(
            f"The database was made by a newer folkmoot (schema {present}): "
            "install that version, or restore a backup made before the upgrade."
        ) from None


def _refuse_strangers_tables(connection: Connection) -> None:
    strange = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if strange:
        raise Unusable(
            f"The database has tables of another program ({', '.join(strange)}): "
            "give folkmoot a database of its own."
        )
