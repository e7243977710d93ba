"""Every kind of intention that the server knows, and the rules for it: one table for all contracts.

A contract says of each of its operations and frames which kind it is; what a kind costs, whether it
takes a slot and what the audit trail keeps of it stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Allowance(Enum):
    """What is counted together, at a rate of its own."""

    SEND = auto()
    SIGNAL = auto()
    READ = auto()
    SEARCH = auto()
    PROFILE = auto()
    OPEN = auto()
    STRANGER = auto()
    UPLOAD = auto()
    DOWNLOAD = auto()
    CONNECT = auto()
    FRAME = auto()
    REQUEST = auto()
    UNKNOWN = auto()


class Slot(Enum):
    """What somebody may have only so many of at once."""

    CONNECTION = "connections"
    UPLOAD = "uploads"
    DOWNLOAD = "downloads"
    SEARCH = "searches"
    OPENING = "sessions that are being opened"


class Traced(Enum):
    """Which uses the audit trail keeps."""

    REFUSALS = auto()
    BY_STAFF = auto()
    """What staff may read because they are staff."""
    BY_SETTING = auto()
    """Only where the operator wants all that is said and sent to be traced."""
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a kind. ``counts`` are tokens of allowances, of the account that asks.

    What ``is_open`` anybody may ask for, and the address is counted; a body of theirs has
    ``max_bytes`` at most, which ``None`` leaves to the settings.
    """

    counts: tuple[tuple[Allowance, float], ...] = ()
    is_open: bool = False
    slot: Slot | None = None
    max_bytes: int | None = None
    traced: Traced = Traced.REFUSALS


OPEN_BYTES: Final = 12 * 1024
"""The longest names and password that there may be, each character escaped as JSON can."""


class IntentionKind(Enum):
    """What a request, a frame or an event wants."""

    HEALTH = auto()
    """How the server does: told whoever asks, or a flood would look like an outage."""
    PAGE = auto()
    """What is the same for everybody: documents and pages."""
    UNKNOWN = auto()
    """What nobody knows, or who cannot be known."""
    ENTER = auto()
    """To register, log in or refresh; names and attempts are counted where they are known."""
    CONNECT = auto()
    TRANSPORT = auto()
    """A request that only carries what others ask for, such as a poll: those are counted."""
    FRAME = auto()
    """A frame, before anything is known of it."""
    PING = auto()
    """To be answered that both are alive: else who is told to wait takes the server for dead."""
    LEAVE = auto()
    """To log out."""
    TICKET = auto()
    PROFILE = auto()
    LOOK = auto()
    """To be told of one thing, or of a short list."""
    LIST = auto()
    HISTORY = auto()
    SESSION_HISTORY = auto()
    """A history that may be a customer's."""
    CONTEXT = auto()
    SEARCH = auto()
    """Counted again by how long it took; see `Entrance.charge`."""
    SEND = auto()
    """A message, an edit, a deletion or a reaction."""
    MANAGE = auto()
    """To change a conversation, who is in it, or what two people are to each other."""
    OPEN = auto()
    """To begin a conversation or a session."""
    MEET = auto()
    """To begin with a stranger, or to guess at a name; its cost is how many."""
    SIGNAL = auto()
    """A sign that is not kept, or merged with the next."""
    FOLLOW = auto()
    """To listen to a conversation: a few bytes that may ask for a long past."""
    UPLOAD = auto()
    DOWNLOAD = auto()
    STAFF_LOOK = auto()
    """What only some roles may see."""
    STAFF_ACT = auto()

    @property
    def rules(self) -> Rules:
        """What holds for it."""
        return _RULES[self]


_RULES: Final[Mapping[IntentionKind, Rules]] = {
    IntentionKind.HEALTH: Rules(is_open=True, max_bytes=OPEN_BYTES),
    IntentionKind.PAGE: Rules(is_open=True, max_bytes=OPEN_BYTES),
    IntentionKind.UNKNOWN: Rules(((Allowance.UNKNOWN, 1),), is_open=True, max_bytes=OPEN_BYTES),
    IntentionKind.ENTER: Rules(((Allowance.UNKNOWN, 1),), is_open=True, max_bytes=OPEN_BYTES),
    IntentionKind.CONNECT: Rules(((Allowance.CONNECT, 1),), is_open=True, slot=Slot.CONNECTION),
    IntentionKind.TRANSPORT: Rules(is_open=True),
    IntentionKind.FRAME: Rules(((Allowance.FRAME, 1),)),
    IntentionKind.PING: Rules(),
    IntentionKind.LEAVE: Rules(((Allowance.PROFILE, 1),)),
    IntentionKind.TICKET: Rules(((Allowance.READ, 1),)),
    IntentionKind.PROFILE: Rules(((Allowance.PROFILE, 1),)),
    IntentionKind.LOOK: Rules(((Allowance.READ, 1),)),
    IntentionKind.LIST: Rules(((Allowance.READ, 2),)),
    IntentionKind.HISTORY: Rules(((Allowance.READ, 3),)),
    IntentionKind.SESSION_HISTORY: Rules(((Allowance.READ, 3),), traced=Traced.BY_STAFF),
    IntentionKind.CONTEXT: Rules(((Allowance.READ, 10),), traced=Traced.BY_STAFF),
    IntentionKind.SEARCH: Rules(((Allowance.SEARCH, 1),), slot=Slot.SEARCH, traced=Traced.BY_STAFF),
    IntentionKind.SEND: Rules(((Allowance.SEND, 1),)),
    IntentionKind.MANAGE: Rules(((Allowance.SEND, 1),)),
    IntentionKind.OPEN: Rules(((Allowance.SEND, 1), (Allowance.OPEN, 1)), slot=Slot.OPENING),
    IntentionKind.MEET: Rules(((Allowance.STRANGER, 1),)),
    IntentionKind.SIGNAL: Rules(((Allowance.SIGNAL, 1),)),
    IntentionKind.FOLLOW: Rules(((Allowance.SIGNAL, 1),)),
    IntentionKind.UPLOAD: Rules(
        ((Allowance.UPLOAD, 1),), slot=Slot.UPLOAD, traced=Traced.BY_SETTING
    ),
    IntentionKind.DOWNLOAD: Rules(
        ((Allowance.DOWNLOAD, 1),), slot=Slot.DOWNLOAD, traced=Traced.BY_STAFF
    ),
    IntentionKind.STAFF_LOOK: Rules(((Allowance.READ, 2),), traced=Traced.ALL),
    IntentionKind.STAFF_ACT: Rules(((Allowance.SEND, 1),), traced=Traced.ALL),
}
