"""Where everything durable is kept: in memory, in a SQLite file, or in PostgreSQL."""

from folkmoot.storage.errors import Unusable
from folkmoot.storage.opening import examine, kept_files, lock_storage, migrate, open_storage
from folkmoot.storage.postgres_settings import PostgresSettings
from folkmoot.storage.sqlite import SqliteSettings

__all__ = [
    "PostgresSettings",
    "SqliteSettings",
    "Unusable",
    "examine",
    "kept_files",
    "lock_storage",
    "migrate",
    "open_storage",
]
