"""What is wrong in a PostgreSQL database: values that cannot be read, indexes, contradictions."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from folkmoot.storage.examination import CONTRADICTIONS, MAX_FAULTS
from folkmoot.storage.tables import metadata

_HAS_AMCHECK: Final = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
_CHECK_INDEXES: Final = (
    "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i "
    "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
    "WHERE a.amname = 'btree' AND i.indrelid = $1::text::regclass"
)


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
    for query, sentence in CONTRADICTIONS:
        if count := await connection.fetchval(query):
            faults.append(sentence.format(count))
    return faults[:MAX_FAULTS]
