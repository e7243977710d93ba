"""Decisions between accounts."""

from folkmoot.core.shared.ids import AccountId, Clock
from folkmoot.core.social.errors import SelfBlock
from folkmoot.core.social.events import BlockLifted, BlockSet
from folkmoot.core.social.store import SocialWork


class Social:
    """Who wants nothing of whom. Setting twice, or lifting what is not there, changes nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def block(self, work: SocialWork, blocker: AccountId, blocked: AccountId) -> None:
        """Set a block.

        Raises:
            SelfBlock: both are the same account.
        """
        if blocker == blocked:
            raise SelfBlock(field="user_id")
        if await work.social.block(blocker, blocked, self._clock.now()):
            work.record(BlockSet(blocker, blocked))

    async def unblock(self, work: SocialWork, blocker: AccountId, blocked: AccountId) -> None:
        """Lift a block."""
        if await work.social.unblock(blocker, blocked):
            work.record(BlockLifted(blocker, blocked))
