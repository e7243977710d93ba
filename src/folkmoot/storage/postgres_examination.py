"""What is wrong in a PostgreSQL database: values that cannot be read, indexes, contradictions."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.storage.examination import CONTRADICTIONS, KEPT_FILES, MAX_FAULTS, kept_files_in
from folkmoot.storage.sql.rows import to_plain_text
from folkmoot.storage.tables import metadata
from folkmoot.storage.words import words_of

_HAS_AMCHECK: Final = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
_CHECK_INDEXES: Final = (
    "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i "
    "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
    "WHERE a.amname = 'btree' AND i.indrelid = $1::text::regclass"
)
_SAID: Final = (
    "SELECT id, CASE WHEN deleted_at IS NULL THEN kind END, content FROM messages"
    " WHERE id > $1 ORDER BY id LIMIT 1000"
)
_WRONG_WORDS: Final = (
    "SELECT m.id FROM unnest($1::bigint[], $2::text[]) said (id, words) JOIN messages m USING (id)"
    " WHERE m.words IS DISTINCT FROM array_to_tsvector(string_to_array(said.words, ' '))"
    " ORDER BY m.id"
)


async def postgres_faults(connection: asyncpg.Connection) -> Sequence[str]:
    """Every row of our tables, every word, and every index where amcheck is installed."""
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
    if not faults:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            faults += await _word_faults(connection)
    return faults[:MAX_FAULTS]


async def postgres_kept_files(connection: asyncpg.Connection) -> Mapping[Uid, KeptFile]:
    """Every file that a row names."""
    return kept_files_in(await connection.fetch(KEPT_FILES))


async def _word_faults(connection: asyncpg.Connection) -> Sequence[str]:
    """Whether search finds in each message what it says; in one that was deleted, nothing."""
    # What an earlier version kept is gathered anew, and until then says nothing.
    last = await connection.fetchval("SELECT coalesce(max(up_to), 0) FROM outdated_words")
    count, first = 0, 0
    while rows := await connection.fetch(_SAID, last):
        words = [row[1] and words_of(to_plain_text(row[1:])) for row in rows]
        wrong = await connection.fetch(_WRONG_WORDS, [row[0] for row in rows], words)
        if wrong:
            first = first or wrong[0][0]
            count += len(wrong)
        last = rows[-1][0]
    if not count:
        return ()
    return (
        f"search does not find what was said in {count} messages, or finds what was not:"
        f" its words are wrong from message number {first} on",
    )
