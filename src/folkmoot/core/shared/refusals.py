"""Why the core says no: the caller is at fault (`Refusal`), or the server is (`Unavailable`).

A refusal has a stable code and facts; its place in this tree says what kind of fault it is.
The sentence is for people who read English; a contract may say it differently.

    Refusal
    ├── Invalid            a value that can never be right
    ├── Unauthenticated    nobody knows who is asking
    ├── Forbidden          known, and not allowed
    ├── NotFound           not there, or not to be seen
    ├── Conflict           right in itself, and too late or twice
    └── TooMany            right in itself, and too soon
"""

from enum import StrEnum
from typing import Any, ClassVar


class Refusal(Exception):
    """The caller is at fault: nothing was changed, and trying the same again will not help."""

    code: ClassVar[str]
    sentence: ClassVar[str]
    retry_after: float | None = None
    """In how many seconds the very same may be taken, where it passes by itself."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts

    def __str__(self) -> str:
        return self.sentence.format_map(self.facts)


class Invalid(Refusal):
    """A value that can never be right; the fact ``field`` names it."""

    def __init__(self, *, field: str, **facts: Any) -> None:
        super().__init__(field=field, **facts)
        self.field = field


class Unauthenticated(Refusal):
    """Nobody knows who is asking."""


class Forbidden(Refusal):
    """The caller is known, and may not."""


class NotFound(Refusal):
    """The thing is not there, or the caller may not know that it is."""


class Conflict(Refusal):
    """The request was right in itself, but the world has moved on."""


class TooMany(Refusal):
    """Right in itself, and too soon; ``retry_after`` is in seconds."""

    retry_after: float

    def __init__(self, *, retry_after: float, **facts: Any) -> None:
        super().__init__(retry_after=retry_after, **facts)
        self.retry_after = retry_after


class TooManyRequests(TooMany):
    """More of one thing than an account or an address may ask for in a time."""

    code = "rate_limited"
    sentence = "Too many requests; wait a moment and try again."


class ServerPart(StrEnum):
    """What can be away or failing by itself."""

    SERVER = "server"
    """This process: it has more to do than it takes on, or is about to end."""
    DATABASE = "database"
    FILES = "files"
    """The folder or bucket of the files that people upload."""
    MODEL = "model"
    LOG_INDEX = "log_index"
    """What the assistant knows of logs."""
    LOG_FOLDER = "log_folder"
    """Where this server writes its own log and its audit trail."""
    ISSUER = "issuer"
    """Who signs the tokens that are made elsewhere."""


class Unavailable(Exception):
    """The server is at fault: nothing happened, or nobody knows; the same may be tried again.

    ``part`` and ``reason`` are for whoever runs the server, and no client is told them. A reason is
    a few words without an address, a path or a secret; what the failing part itself said is the
    exception's cause.
    """

    code: ClassVar[str] = "unavailable"
    sentence: ClassVar[str] = "The server cannot do this right now; try again in a moment."
    retry_after: float = 2.0
    """In how many seconds the very same may be taken."""
    part: ServerPart = ServerPart.SERVER
    reason: str = "it does not answer"

    def __init__(self, reason: str = "", *, part: ServerPart | None = None) -> None:
        super().__init__(reason)
        self.reason = reason or self.reason
        self.part = part or self.part

    def __str__(self) -> str:
        return self.sentence

    @property
    def explained(self) -> str:
        """Which part and why, for whoever runs the server."""
        return f"{self.part}: {self.reason}"


class StorageFull(Unavailable):
    """There is no room left to keep anything new."""

    code = "storage_full"
    sentence = "The server has no space left to store this; try again later."
    retry_after = 5.0
    part = ServerPart.DATABASE
    reason = "the disk is full"
