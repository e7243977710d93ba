"""Getting deleted words out of a SQLite file, and not only out of sight."""

import sqlite3
import time

_PAGES = 32
_EVERY_SECONDS = 600.0
# A step that changes no more than this has found nothing to do.
_NOTHING_DONE = 2


class Scrubber:
    """Merges the index of words, which forgets nothing before it is merged, a few pages a step.

    Not more often than every ten minutes, for all of the index is written anew; what is left is
    done when the file is closed. The pages given free are overwritten, as ``secure_delete`` says.
    """

    def __init__(self) -> None:
        self.is_due = False
        self._pages = 0
        self._next_at = float("-inf")

    def wanted(self) -> None:
        """Say that words were deleted, and committed."""
        self.is_due = True

    def step(self, connection: sqlite3.Connection) -> None:
        """Do a little, if there is something to do and it is time.

        Raises:
            sqlite3.Error: not now; nothing is lost by it.
        """
        if self.is_due and (self._pages or time.monotonic() >= self._next_at):
            self._step(connection)

    def finish(self, connection: sqlite3.Connection) -> None:
        """Do all that is left to do.

        Raises:
            sqlite3.Error: as in `step`.
        """
        while self.is_due:
            self._step(connection)

    def _step(self, connection: sqlite3.Connection) -> None:
        before = connection.total_changes
        # A negative number begins to merge everything; the same positive one goes on with it.
        connection.execute(
            "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)",
            (self._pages or -_PAGES,),
        )
        if self._pages and connection.total_changes - before < _NOTHING_DONE:
            self.is_due, self._pages = False, 0
            self._next_at = time.monotonic() + _EVERY_SECONDS
        else:
            self._pages = _PAGES
