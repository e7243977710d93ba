"""What is wrong in a SQLite file that can be opened: damage on the disk, contradicting rows."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.storage.examination import CONTRADICTIONS, KEPT_FILES, MAX_FAULTS, kept_files_in
from folkmoot.storage.sql.rows import to_plain_text
from folkmoot.storage.sqlite import connect
from folkmoot.storage.tables import BUNDLE, CREATE_WORD_TABLE, WORD_TABLE
from folkmoot.storage.words import words_of

_WORD_PARTS = ("data", "idx", "config")
"""The tables that FTS5 keeps a table of words in, which has neither content nor sizes."""
# What an earlier version kept is gathered anew, and until then says nothing.
_SAID = (
    "SELECT id, kind, content FROM messages WHERE id <= ? AND deleted_at IS NULL"
    " AND id > (SELECT coalesce(max(up_to), 0) FROM outdated_words)"
)


def sqlite_faults(path: Path, busy_seconds: float) -> Sequence[str]:
    """Every page, index, reference and word of the file, beside whoever writes it. Blocks.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = connect(path, busy_seconds, "query_only = ON")
    try:
        faults = list(_row_faults(connection))
    finally:
        connection.close()
    return [*faults, *_word_faults(path, busy_seconds)]


def sqlite_kept_files(path: Path, busy_seconds: float) -> Mapping[Uid, KeptFile]:
    """Every file that a row names. Blocks.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    connection = connect(path, busy_seconds, "query_only = ON")
    try:
        return kept_files_in(connection.execute(KEPT_FILES))
    finally:
        connection.close()


def _row_faults(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        for (said,) in connection.execute(f"PRAGMA integrity_check({MAX_FAULTS})"):
            if said != "ok":
                yield " ".join(str(said).split())
        strays = connection.execute("PRAGMA foreign_key_check").fetchmany(MAX_FAULTS)
        for table, _, target, _ in strays:
            yield f"a row of {table} belongs to one of {target} that is not there"
        for query, sentence in CONTRADICTIONS:
            ((count,),) = connection.execute(query)
            if count:
                yield sentence.format(count)
    except sqlite3.DatabaseError as error:
        yield f"it cannot be read to its end ({error})"


def _word_faults(path: Path, busy_seconds: float) -> Iterator[str]:
    """What is wrong with the words that search looks for.

    FTS5 checks itself only where it may write, which would keep the server from writing: so it
    checks a copy.
    """
    try:
        with TemporaryDirectory(prefix="folkmoot-") as folder:
            copy = Path(folder) / "words.db"
            copy.touch(0o600)
            said = _copied(path, copy, busy_seconds)
            connection = connect(copy, busy_seconds)
            try:
                found = _checked(connection)
            finally:
                connection.close()
    except (sqlite3.DatabaseError, OSError) as error:
        yield f"the words that search looks for cannot be read ({error})"
        return
    wrong = sorted(one for one in said.keys() | found.keys() if said[one] != found[one])
    if wrong:
        yield (
            f"search does not find what was said in up to {len(wrong) * BUNDLE} messages, or finds"
            f" what was not: its words are wrong from message number {wrong[0] * BUNDLE + 1} on"
        )


def _copied(path: Path, copy: Path, busy_seconds: float) -> Counter[int]:
    """Copy the table of words; a sum, for each bundle of messages, of what should be in it."""
    connection = connect(path, busy_seconds)
    try:
        connection.execute("ATTACH ? AS copy", (str(copy),))
        connection.execute("BEGIN")
        connection.execute(CREATE_WORD_TABLE.replace(WORD_TABLE, f"copy.{WORD_TABLE}"))
        for part in _WORD_PARTS:
            name = f"{WORD_TABLE}_{part}"
            connection.execute(f"DELETE FROM copy.{name}")  # noqa: S608 - a name of ours
            connection.execute(f"INSERT INTO copy.{name} SELECT * FROM main.{name}")  # noqa: S608 - as above
        ((newest,),) = connection.execute("SELECT coalesce(max(id), 0) FROM main.messages")
        sums: Counter[int] = Counter()
        for number, *row in connection.execute(_SAID, (newest // BUNDLE * BUNDLE,)):
            for word in set(words_of(to_plain_text(row)).split()):
                sums[(number - 1) // BUNDLE] += hash((number, word))
        connection.execute("COMMIT")
        return sums
    finally:
        connection.close()


def _checked(connection: sqlite3.Connection) -> Counter[int]:
    """The same sums of what is in a table of words that is sound in itself.

    Raises:
        sqlite3.DatabaseError: it is not.
    """
    connection.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
    connection.execute(
        "CREATE VIRTUAL TABLE temp.each_word USING fts5vocab(main, message_words, instance)"
    )
    sums: Counter[int] = Counter()
    for word, number in connection.execute("SELECT term, doc FROM each_word"):
        sums[(number - 1) // BUNDLE] += hash((number, word))
    return sums
