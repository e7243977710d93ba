"""The ports to the indexes of logs and of help pages: of what can be read anew at any time."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from folkmoot.core.logs.model import Excerpt, LogQuery, LogReading

OnProgress = Callable[[LogReading], None]


class LogIndex(Protocol):
    """The entries of the logs that the assistant answers from."""

    async def find(self, query: LogQuery) -> list[Excerpt]:
        """The best matches for those audiences, the best first; never an error for any words.

        Before anything was read there are none.
        """
        ...

    async def size(self) -> int:
        """How many entries there are."""
        ...

    async def read_anew(self, days: int, on_progress: OnProgress) -> LogReading:
        """Replace all entries by those of the last ``days`` days; the old ones serve until then.

        ``on_progress`` is told about twice a second how far it is, and at last that it is done.
        One reading at a time.

        Raises:
            AlreadyReading
            DaysOutOfRange: ``days`` is not in 1 to 365.
            Unavailable: the logs could not be read; the old entries remain.
        """
        ...

    def refresh(self) -> Awaitable[None]:
        """Return when there is something to find: read anew, in the background, what is old.

        Waits only where nothing was ever read, and a few seconds at most. Never an error.
        """
        ...


class PageIndex(Protocol):
    """The passages of the pages that operators name, each with the link of its page."""

    async def find(self, words: str, *, limit: int = 8) -> list[Excerpt]:
        """The best matches, the best first; never an error for any words."""
        ...

    async def read_anew(self) -> LogReading | None:
        """Read all pages; ``None`` if none are named.

        Raises:
            AlreadyReading
            Unavailable: the pages could not be read; what was read before remains.
        """
        ...

    async def refresh(self) -> None:
        """Return when what was changed on disk is read, or a few seconds later. Never an error."""
        ...
