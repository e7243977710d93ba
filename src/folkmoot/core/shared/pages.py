"""Which stretch of a list is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a conversation's messages, which always comes oldest first.

    ``before_seq`` asks for the page that ends just before it, ``after_seq`` for the one that
    begins just after it; both cost the same however deep they lie. With neither, ``offset``
    counts messages back from the newest.
    """

    limit: int
    offset: int = 0
    before_seq: int | None = None
    after_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of any other list: ``limit`` entries after the first ``offset``."""

    limit: int
    offset: int = 0
