"""The port to stored messages, and to what lists show of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.messages.model import Message, NewMessage
from folkmoot.core.messages.views import Overview
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page, Slice


class MessageStore(Protocol):
    """Messages and reactions within one unit of work."""

    async def add(self, messages: Sequence[NewMessage]) -> list[Message]:
        """The messages as stored, in the same order, their numbers rising."""
        ...

    async def by_client_ids(
        self, keys: Collection[tuple[AccountId, str]]
    ) -> dict[tuple[AccountId, str], Message]:
        """What each sender has ever posted under these ``client_id``s, in any conversation."""
        ...

    async def named(
        self, conversation_id: ConversationId, names: Collection[MessageId | Uid]
    ) -> dict[MessageId | Uid, Message]:
        """Messages of one conversation by number or UUID, deleted ones too, without reactions."""
        ...

    async def edit(self, message_id: MessageId, content: str, at: datetime) -> None:
        """Replace the content."""
        ...

    async def delete(self, message_id: MessageId, at: datetime) -> None:
        """Forget the content and the reactions; keep the place."""
        ...

    async def react(
        self, message_id: MessageId, account_id: AccountId, emoji: str, at: datetime
    ) -> bool:
        """Put a reaction on a message; whether it is new."""
        ...

    async def unreact(self, message_id: MessageId, account_id: AccountId, emoji: str) -> bool:
        """Take a reaction back; whether it was there."""
        ...

    async def reactions_of(self, message_id: MessageId, account_id: AccountId) -> frozenset[str]:
        """The emojis that one account put on one message."""
        ...


class MessageViews(Protocol):
    """What lists show, within one unit of work. ``hidden`` authors' messages are left out."""

    async def page(
        self,
        conversation_id: ConversationId,
        page: Page,
        *,
        hidden: Collection[AccountId] = (),
    ) -> list[Message]:
        """A page of messages with their reactions, oldest first; deleted ones keep their place."""
        ...

    async def overviews(
        self, viewer: AccountId, stretch: Slice, *, only: ConversationId | None = None
    ) -> list[Overview]:
        """The conversations that the viewer is a member of, newest activity first, or ``only``
        one of them. Authors whom the viewer blocks count as hidden where there are three or more
        members."""
        ...

    async def conversations_of(self, account_id: AccountId) -> list[ConversationId]:
        """Every conversation that the account is a present member of."""
        ...


class MessageWork(ConversationWork, Protocol):
    """What deciding about messages needs of a unit of work."""

    @property
    def messages(self) -> MessageStore:
        """The messages."""
        ...

    @property
    def views(self) -> MessageViews:
        """What lists show."""
        ...
