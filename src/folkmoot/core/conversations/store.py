"""The port to stored conversations and members."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from folkmoot.core.accounts.store import AccountStore
from folkmoot.core.conversations.events import ConversationChange, ConversationEvent
from folkmoot.core.conversations.model import (
    Conversation,
    DeskChange,
    DeskFilter,
    Head,
    Member,
    NewConversation,
    ReadMark,
)
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.pages import Slice
from folkmoot.core.social.store import FriendStore, SocialStore

Change = TypeVar("Change", contravariant=True)


class ConversationStore(Protocol):
    """Conversations and members within one unit of work."""

    async def add(self, new: NewConversation) -> Conversation:
        """The conversation as stored, its number given; the creator is its owner."""
        ...

    async def heads(self, ids: Collection[ConversationId]) -> dict[ConversationId, Conversation]:
        """Those that exist. Within a writing unit of work nobody else can change them, or their
        members, until it ends; they are locked in the order of their numbers."""
        ...

    async def ids_of(self, uids: Collection[Uid]) -> dict[Uid, ConversationId]:
        """The numbers of those that exist."""
        ...

    async def memberships(
        self, keys: Collection[tuple[ConversationId, AccountId]]
    ) -> dict[tuple[ConversationId, AccountId], Member]:
        """The present members among these."""
        ...

    async def sharing(
        self, account_id: AccountId, others: Collection[AccountId]
    ) -> frozenset[AccountId]:
        """Those of the others with whom the account is in some conversation."""
        ...

    async def members(self, ids: Collection[ConversationId]) -> dict[ConversationId, list[Member]]:
        """All present members of each, in the order in which they joined: an empty list where
        everybody has left, and where there is no conversation."""
        ...

    async def change_members(
        self,
        conversation_id: ConversationId,
        *,
        joined: Sequence[AccountId] = (),
        left: Sequence[AccountId] = (),
        owner: AccountId | None = None,
        at: datetime,
    ) -> None:
        """Add and remove members, and keep ``member_count``; who comes back keeps their marks.

        With an ``owner``, that one owns it from now on, and whoever did is a member like others.
        """
        ...

    async def rename(self, conversation_id: ConversationId, title: str | None) -> None:
        """Set the title."""
        ...

    async def advance(self, heads: Sequence[Head]) -> None:
        """Move the ends of timelines, and the time of the last activity, forward."""
        ...

    async def move_read(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:
        """Raise read watermarks of present members; those that rose. They never go back."""
        ...


class ReceiptStore(Protocol):
    """Who has been handed, and has read, what, within one unit of work; beside `move_read`."""

    async def move_delivered(self, marks: Sequence[ReadMark], at: datetime) -> list[ReadMark]:
        """Raise the delivered watermarks of present members; those that rose. What was read was
        also delivered, and neither ever goes back."""
        ...

    async def reads(
        self, conversation_id: ConversationId, reader: AccountId, since_seq: int
    ) -> list[tuple[int, datetime]]:
        """When a member's read watermark came to which ``seq``, from ``since_seq`` on, in order."""
        ...

    async def newest(self, marks: Collection[ReadMark]) -> dict[ReadMark, Uid]:
        """The newest message that is not the member's own and that each mark covers, deleted ones
        too; marks that cover none are left out."""
        ...


class DirectStore(Protocol):
    """Direct conversations within one unit of work."""

    async def between(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> dict[tuple[AccountId, AccountId], ConversationId]:
        """The direct conversations of these pairs (in the order of `pair_key`), where there are."""
        ...

    async def partners_of(self, account_id: AccountId) -> dict[ConversationId, AccountId]:
        """All direct conversations of an account, and with whom each is."""
        ...


class DeskStore(Protocol):
    """What only session conversations have, within one unit of work."""

    async def change(self, conversation_id: ConversationId, change: DeskChange) -> None:
        """Change what is said about a session conversation."""
        ...

    async def listed(self, which: DeskFilter, stretch: Slice) -> list[ConversationId]:
        """The session conversations that a filter lets through, newest activity first."""
        ...

    async def served_by(self, agent_id: AccountId) -> list[ConversationId]:
        """Open session conversations that this one of staff is in charge of, the oldest first."""
        ...

    async def release(self, conversation_id: ConversationId) -> None:
        """Have nobody be in charge of a session conversation."""
        ...

    async def idle_since(self, cutoff: datetime, *, limit: int) -> list[ConversationId]:
        """Open session conversations without activity since then, the longest idle first."""
        ...


class ChangeStore(Protocol[Change]):
    """The changes of conversations within one unit of work."""

    async def keep(self, events: Sequence[Change]) -> None:
        """Write down what took its ``seq`` in the timeline."""
        ...


class ConversationWork(Protocol):
    """What deciding about conversations needs of a unit of work."""

    @property
    def accounts(self) -> AccountStore:
        """The accounts."""
        ...

    @property
    def social(self) -> SocialStore:
        """What stands between them."""
        ...

    @property
    def conversations(self) -> ConversationStore:
        """The conversations."""
        ...

    @property
    def friends(self) -> FriendStore:
        """Who is friends with whom."""
        ...

    @property
    def receipts(self) -> ReceiptStore:
        """Who has been handed, and has read, what."""
        ...

    @property
    def directs(self) -> DirectStore:
        """The direct conversations."""
        ...

    @property
    def desks(self) -> DeskStore:
        """What only session conversations have."""
        ...

    @property
    def timeline(self) -> ChangeStore[ConversationChange]:
        """Where durable changes are written down."""
        ...

    def record(self, event: ConversationEvent) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...
