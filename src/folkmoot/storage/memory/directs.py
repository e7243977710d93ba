"""Direct conversations in memory."""

from collections.abc import Collection

from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.storage.memory.state import State


class MemoryDirects:
    """`DirectStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def between(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> dict[tuple[AccountId, AccountId], ConversationId]:
        known = self._state.directs
        return {pair: known[pair] for pair in pairs if pair in known}

    async def partners_of(self, account_id: AccountId) -> dict[ConversationId, AccountId]:
        return {
            number: high if low == account_id else low
            for (low, high), number in self._state.directs.items()
            if account_id in (low, high)
        }
