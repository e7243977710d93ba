"""What a wire contract implements so that live events reach its clients.

A contract turns events into bytes and close reasons into close codes. It is asked once for each
variant of an event, and the same bytes go to every connection that the variant is for.
"""

from enum import Enum
from typing import Any, Protocol

from folkmoot.core.events import Event

Frame = Any
"""What the outlets of a contract's connections send: bytes, or packets that know two transports.
The hub hands it from the one to the other and never looks into it."""


class CloseReason(Enum):
    """Why this side ends a connection."""

    LOGIN_ENDED = "this login was ended"
    TOKEN_EXPIRED = "the token has expired"  # noqa: S105 - a reason, not a password
    ACCOUNT_INACTIVE = "this account is deactivated"
    REMOVED = "you are no longer a participant"
    FLOODING = "too much at once, again and again: wait as long as you are told to"
    SILENT = "no sign of life: come back and resume"
    SHUTDOWN = "the server is restarting: come back and resume"


class WireFormat(Protocol):
    """A wire contract, as far as live delivery needs it."""

    contract: str
    """The contract's name, by which its connections are counted."""
    echoes: bool
    """Whether a message goes back to the connection it came through, as its acknowledgement."""

    def frame(self, event: Event, *, own: bool) -> Frame | None:
        """What a client is sent of an event; ``None`` if this contract does not show it.

        ``own``: for the connections of the account that the event is about.
        """
        ...

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code and the reason that clients of this contract read."""
        ...
