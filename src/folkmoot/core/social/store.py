"""The port to what is stored between accounts."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.social.events import SocialEvent
from folkmoot.core.social.model import FriendRequest, Invitation, MarksAtBlock, RequestStatus


class SocialStore(Protocol):
    """Blocks within one unit of work."""

    async def block(self, blocker: AccountId, blocked: AccountId, at: datetime) -> bool:
        """Set a block; whether it is new."""
        ...

    async def unblock(self, blocker: AccountId, blocked: AccountId) -> bool:
        """Lift a block; whether there was one."""
        ...

    async def blocked_by(self, blocker: AccountId) -> frozenset[AccountId]:
        """Everybody whom this account blocks."""
        ...

    async def blockers_of(self, blocked: AccountId) -> frozenset[AccountId]:
        """Everybody who blocks this account."""
        ...

    async def marks_at_block(
        self, blocked: AccountId
    ) -> dict[tuple[ConversationId, AccountId], MarksAtBlock]:
        """How far each who blocks this account had come, where both were, when the block was set.

        Of what they shared only later there is nothing.
        """
        ...

    async def blocks_among(
        self, accounts: Collection[AccountId]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        """Every block (blocker, blocked) that stands between two of these accounts."""
        ...

    async def invite(
        self,
        conversation_id: ConversationId,
        accounts: Collection[AccountId],
        inviter: AccountId,
        at: datetime,
    ) -> None:
        """Ask accounts into a conversation."""
        ...

    async def invitations_of(self, account_id: AccountId) -> list[Invitation]:
        """What an account is asked into, the oldest first."""
        ...

    async def take_invitation(self, account_id: AccountId, conversation_id: ConversationId) -> bool:
        """Forget an invitation; whether there was one."""
        ...


class FriendStore(Protocol):
    """Friend requests and friendships within one unit of work; of two accounts at most one is
    pending or accepted."""

    async def add(
        self, request_id: Uid, sender: AccountId, receiver: AccountId, at: datetime
    ) -> FriendRequest:
        """A new pending request."""
        ...

    async def get(self, request_id: Uid) -> FriendRequest | None:
        """A request, whatever has become of it."""
        ...

    async def between(self, one: AccountId, other: AccountId) -> FriendRequest | None:
        """The pending or accepted request between two accounts, whoever sent it. Within a writing
        unit of work nobody else can change what is between them until it ends."""
        ...

    async def settle(self, request_id: Uid, status: RequestStatus, at: datetime) -> FriendRequest:
        """The request after it was accepted or declined."""
        ...

    async def remove(self, request_id: Uid) -> None:
        """Forget a request, and with it the friendship that it had become."""
        ...

    async def pending_of(self, account_id: AccountId) -> list[FriendRequest]:
        """Pending requests from and to an account, oldest first."""
        ...

    async def friendships_of(self, account_id: AccountId) -> list[FriendRequest]:
        """The accepted requests of an account, the oldest first."""
        ...

    async def pairs_among(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        """Those of these pairs (each in the order of `pair_key`) who are friends."""
        ...


class SocialStores(Protocol):
    """What stands between accounts, as a unit of work sees it."""

    @property
    def friends(self) -> FriendStore:
        """Friend requests and friendships."""
        ...

    @property
    def social(self) -> SocialStore:
        """What stands between accounts."""
        ...


class SocialWork(SocialStores, Protocol):
    """What deciding between accounts needs of a unit of work."""

    def record(self, event: SocialEvent) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...
