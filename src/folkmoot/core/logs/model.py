"""Passages of the assistant's sources: who may read them, as they are indexed and as found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.model import STAFF, Role

MIN_DAYS, MAX_DAYS = 1, 365
READERS = frozenset({Role.ANALYST, Role.ADMIN})
"""The roles that may read logs anew, and be shown what the server itself logs."""


class SourceAudience(StrEnum):
    """Who may read a source of the assistant's: everybody, or some roles alone."""

    EVERYBODY = "everybody"
    STAFF = "staff"
    READERS = "readers"

    def admits(self, role: Role) -> bool:
        """Whether an account of this role may read it."""
        return self is SourceAudience.EVERYBODY or role in _ROLES[self]


_ROLES = {SourceAudience.STAFF: STAFF | READERS, SourceAudience.READERS: READERS}
FOR_EVERYBODY = frozenset({SourceAudience.EVERYBODY})


def withheld_sources_of(role: Role) -> frozenset[SourceAudience]:
    """The audiences whose sources an account of this role may read, and not everybody may."""
    return frozenset(one for one in SourceAudience if one.admits(role)) - FOR_EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry of a log; its secrets are gone from ``text``.

    ``at`` is ``None`` where it is not certain when it was written. ``source`` names the file below
    its root, ``number`` the line in it where the entry begins, from 1. What has a ``link`` is a
    passage of a page instead, and ``source`` its title.
    """

    source: str
    number: int
    at: datetime | None
    level: str
    text: str
    link: str = ""
    audience: SourceAudience = SourceAudience.EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Something that was found for a question, and where and when it was said, if that is certain.

    ``source`` is a file of logs with the number of the line, who spoke in the conversation, or the
    title of a page, which alone has a ``link``, and is the first line of ``text``.
    ``rank`` is larger for better matches, and comparable only within one answer of an index;
    ``fit``, from 0 to 1, is how much of what the question is about stands in it.
    """

    source: str
    at: datetime | None
    text: str
    link: str = ""
    rank: float = 0.0
    fit: float = 1.0


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What is looked for, in the sources of which audiences."""

    words: str
    audiences: frozenset[SourceAudience] = FOR_EVERYBODY
    limit: int = 8


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
