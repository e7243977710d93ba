"""The port to what is stored between accounts."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from folkmoot.core.shared.ids import AccountId


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

    async def blocks_among(
        self, accounts: Collection[AccountId]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        """Every block (blocker, blocked) that stands between two of these accounts."""
        ...


class SocialWork(Protocol):
    """What deciding between accounts needs of a unit of work."""

    @property
    def social(self) -> SocialStore:
        """What stands between accounts."""
        ...

    def record(self, event: object) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...
