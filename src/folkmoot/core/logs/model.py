"""Lines of logs as they are indexed, and passages of them as they are found."""

from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.accounts.model import Account, Role

MIN_DAYS, MAX_DAYS = 1, 365
READERS = frozenset({Role.ANALYST, Role.ADMIN})
"""The roles that may read logs anew, and be shown what logs say of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry of a log; its secrets are gone from ``text``.

    ``source`` names the file below its root, ``number`` the line in it where the entry begins,
    from 1. A ``private`` entry is for `READERS` and for the account that it is about, which
    ``account`` names; every other one is for whoever asks.
    """

    source: str
    number: int
    at: datetime
    level: str
    text: str
    account: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Something that was found for a question, and where and when it was said.

    ``source`` is a file of logs with the number of the line, or who spoke in the conversation.
    ``rank`` is larger for better matches, and comparable only within one answer of an index.
    """

    source: str
    at: datetime
    text: str
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What is looked for, and for whom: `LogLine` says who may see what."""

    words: str
    asker: Account
    limit: int = 8

    @property
    def sees_all(self) -> bool:
        """Whether private entries about others may be found too."""
        return self.asker.role in READERS


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReading:
    """How far the logs are read, or were in the end.

    ``unreadable`` counts lines that could not be read; ``skipped`` has, by its name, why a file
    was left out, or where its reading had to stop. ``outdated`` counts entries older than asked.
    """

    files: int = 0
    entries: int = 0
    unreadable: int = 0
    outdated: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    is_done: bool = False
