"""What lists show of conversations and messages."""

from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId


@dataclass(frozen=True, slots=True)
class Overview:
    """A conversation as one of its members sees it in a list.

    ``last_message`` is the newest that is not deleted and that the viewer may see; ``unread_count``
    counts the messages of others after the viewer's read watermark that the viewer may see.
    """

    conversation: Conversation
    members: tuple[Member, ...]
    last_message: Message | None
    unread_count: int


@dataclass(frozen=True, slots=True)
class DeskCustomer:
    """Somebody who has sessions, as the whole of staff sees them in a list.

    ``last_message`` is the newest in any of their sessions that is not deleted; ``unread_count``
    counts what they wrote after the ``seq`` up to which the furthest reader among staff has read.
    """

    person: Person
    last_message: Message
    unread_count: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much is stored: accounts, conversations of the kind session, messages of any."""

    accounts: int
    sessions: int
    messages: int


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What somebody searches for: words, and where and between which times to look."""

    words: str
    limit: int
    conversation_id: ConversationId | None = None
    author_id: AccountId | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that answers a search. ``snippet`` is a piece of its text; ``marks`` are the
    (start, end) positions in the snippet, in characters, of what was found."""

    message: Message
    snippet: str
    marks: tuple[tuple[int, int], ...]
    rank: float
