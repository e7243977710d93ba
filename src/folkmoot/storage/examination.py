"""What is wrong in a database that can be opened: damage on the disk, and rows that contradict."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import asyncpg

from folkmoot.storage.sqlite import connect
from folkmoot.storage.tables import metadata

MAX_FAULTS: Final = 10

_CONTRADICTIONS: Final = (
    (
        "SELECT count(*) FROM conversations c WHERE last_seq < "
        "(SELECT coalesce(max(seq), 0) FROM messages m WHERE m.conversation_id = c.id)",
        "{} conversations end before their last message",
    ),
    (
        "SELECT count(*) FROM conversations c WHERE member_count <> (SELECT count(*) FROM members m"
        " WHERE m.conversation_id = c.id AND m.left_at IS NULL)",
        "{} conversations count other members than they have",
    ),
)
_HAS_AMCHECK: Final = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
_CHECK_INDEXES: Final = (
    "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i "
    "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
    "WHERE a.amname = 'btree' AND i.indrelid = $1::text::regclass"
)


def sqlite_faults(path: Path, busy_seconds: float) -> Sequence[str]:
    """Every page, index and reference of the file, read on a connection of its own. Blocks.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = connect(path, busy_seconds, "query_only = ON")
    try:
        return list(_sqlite_faults(connection))
    finally:
        connection.close()


def _sqlite_faults(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        for (said,) in connection.execute(f"PRAGMA integrity_check({MAX_FAULTS})"):
            if said != "ok":
                yield " ".join(str(said).split())
        strays = connection.execute("PRAGMA foreign_key_check").fetchmany(MAX_FAULTS)
        for table, _, target, _ in strays:
            yield f"a row of {table} belongs to one of {target} that is not there"
        for query, sentence in _CONTRADICTIONS:
            ((count,),) = connection.execute(query)
            if count:
                yield sentence.format(count)
    except sqlite3.DatabaseError as error:
        yield f"it cannot be read to its end ({error})"


async def postgres_faults(connection: asyncpg.Connection) -> Sequence[str]:
    """Every row of our tables, and every index where the extension amcheck is installed."""
    faults = []
    has_amcheck = await connection.fetchval(_HAS_AMCHECK)
    for table in metadata.sorted_tables:
        try:
            # As text, so that each value is unpacked wherever it is kept.
            await connection.fetch(f"SELECT count(t::text) FROM {table.name} t")  # noqa: S608 - a name of our own
            if has_amcheck:
                await connection.fetch(_CHECK_INDEXES, table.name)
        except (asyncpg.DataError, asyncpg.InternalServerError) as error:
            faults.append(f"{table.name}: {error}")
    for query, sentence in _CONTRADICTIONS:
        if count := await connection.fetchval(query):
            faults.append(sentence.format(count))
    return faults[:MAX_FAULTS]
