"""What is wrong in a SQLite file that can be opened: damage on the disk, contradicting rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from folkmoot.storage.examination import CONTRADICTIONS, MAX_FAULTS
from folkmoot.storage.sqlite import connect


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
        for query, sentence in CONTRADICTIONS:
            ((count,),) = connection.execute(query)
            if count:
                yield sentence.format(count)
    except sqlite3.DatabaseError as error:
        yield f"it cannot be read to its end ({error})"
