"""The narrow interface between the stores and a database driver."""

from collections.abc import Sequence
from typing import Any, Protocol

from folkmoot.storage.sql.statements import Params, Statement

# What unpacks like a tuple: a driver's own row need not be a sequence.
Row = Any


class Executor(Protocol):
    """Runs statements in the transaction of one unit of work.

    Raises from every method:
        Unavailable: the database does not answer.
        ConstraintBroken: the statement contradicts a key or a reference; the job must end now.
        ReadingOnly: the unit of work may only read.
    """

    @property
    def is_writing(self) -> bool:
        """Whether rows should be locked before they are judged by."""
        ...

    @property
    def has_word_table(self) -> bool:
        """Whether the words of messages are kept in a table beside them, not in a column."""
        ...

    def note_deleted_words(self) -> None:
        """Have words that were deleted from that table overwritten, in time, once this commits."""
        ...

    async def rows(self, statement: Statement, params: Params) -> Sequence[Row]:
        """What the statement returns; values come in the order of its columns."""
        ...

    async def run(self, statement: Statement, params: Params) -> None:
        """Run a statement that returns nothing."""
        ...

    async def run_many(self, statement: Statement, params: Sequence[Params]) -> None:
        """Run it once for each, in their order."""
        ...

    async def insert(self, statement: Statement, params: Sequence[Params]) -> Sequence[int]:
        """Insert a row for each into a table with an ``id``; the numbers given, in their order."""
        ...
