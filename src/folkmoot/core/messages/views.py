"""What lists show of conversations and messages."""

from dataclasses import dataclass

from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.messages.model import Message


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
