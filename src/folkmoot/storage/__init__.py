"""Where everything durable is kept: in memory, in a SQLite file, or in PostgreSQL."""

from folkmoot.storage.errors import Unusable
from folkmoot.storage.opening import migrate, open_storage

__all__ = ["Unusable", "migrate", "open_storage"]
