"""Connections to PostgreSQL, and whether a pooler stands in between.

A pooler such as PgBouncer gives each transaction to whichever session is free: no setting, prepared
statement or lock of a session can be relied on behind one, in any of its modes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from sqlalchemy import URL

from folkmoot.storage.errors import Unusable

if TYPE_CHECKING:
    # Generic in the stubs only.
    Session: TypeAlias = asyncpg.Connection[asyncpg.Record]

_OF_SESSIONS: Final = frozenset({"search_path", "options"})
"""What an address may say that a pooler does not hand on, or passes over without a word."""
_SESSION: Final = "SELECT pg_backend_pid()"


async def connect(
    dsn: str,
    *,
    timeout: float,  # noqa: ASYNC109  # what the driver's own is called, for each of its steps
    command_timeout: float | None = None,
    application_name: str = "folkmoot",
) -> "Session":
    """A connection that leaves nothing behind in the session that answers it."""
    return await asyncpg.connect(
        dsn,
        timeout=timeout,
        command_timeout=command_timeout,
        statement_cache_size=0,
        server_settings={"application_name": application_name},
    )


async def is_pooled(connection: "Session") -> bool:
    """Whether the session that answers is another than the one that let this connection in."""
    answering: int = await connection.fetchval(_SESSION)
    return answering != connection.get_server_pid()


def refuse_settings_of_sessions(url: URL) -> None:
    """See that an address asks nothing of a pooler that it does not do.

    Raises:
        Unusable: the sentence says what to do instead.
    """
    if asked := _OF_SESSIONS.intersection(url.query):
        raise Unusable(
            f"A pooler stands before PostgreSQL, and {sorted(asked)[0]} in FOLKMOOT_DATABASE does "
            "not pass one: give it to the role (ALTER ROLE … SET search_path = …) instead."
        )


def local_settings(settings: Mapping[str, str]) -> str:
    """What a transaction begins with, so that these hold in it and nowhere else."""
    return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())


def session_settings(settings: Mapping[str, str]) -> str:
    """What a session is told that is this connection's alone."""
    return "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())
