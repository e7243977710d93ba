"""Identities, and the two ports through which time and new identities enter the core."""

import re
from datetime import datetime
from typing import NewType, Protocol

AccountId = NewType("AccountId", int)
ConversationId = NewType("ConversationId", int)
MessageId = NewType("MessageId", int)
ConnectionId = NewType("ConnectionId", int)
"""A connection, told apart from those of every other process; nothing keeps it."""
Uid = NewType("Uid", str)
"""A UUID as lower-case text with hyphens, unique over everything the server keeps."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def uid_of(text: str) -> Uid | None:
    """The UUID in its one spelling; ``None`` for what is none and so names nothing."""
    return Uid(text.lower()) if _UUID.fullmatch(text) else None


class Clock(Protocol):
    """Where the core learns what time it is."""

    def now(self) -> datetime:
        """The present, aware and in UTC, to the microsecond."""
        ...


class Ids(Protocol):
    """Where new identities come from."""

    def uid(self) -> Uid:
        """A UUID never handed out before; later ones sort after earlier ones."""
        ...

    def secret(self) -> str:
        """A text of at least 192 random bits, safe in a URL, that nobody can guess."""
        ...
