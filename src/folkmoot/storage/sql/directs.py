"""Direct conversations in SQL."""

from collections.abc import Collection

from sqlalchemy import BigInteger, bindparam, select, union_all

from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.storage.keys import numbers
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import among_directs, conversations

_pairs = Sent("pairs", low=int, high=int)
_low, _high = conversations.c.direct_low, conversations.c.direct_high
_account_id = bindparam("account_id", type_=BigInteger())

_BETWEEN = Statement(
    select(_low, _high, conversations.c.id).join_from(
        _pairs, conversations, (_low == _pairs.c.low) & (_high == _pairs.c.high)
    ),
    _pairs,
)
_PARTNERS_OF = Statement(
    union_all(
        select(conversations.c.id, _high).where(among_directs, _low == _account_id),
        select(conversations.c.id, _low).where(among_directs, _high == _account_id),
    )
)


class SqlDirects:
    """`DirectStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def between(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> dict[tuple[AccountId, AccountId], ConversationId]:
        wanted = [pair for pair in set(pairs) if len(numbers(pair)) == len(set(pair))]
        rows = await self._executor.rows(_BETWEEN, {"pairs": wanted})
        return {(low, high): number for low, high, number in rows}

    async def partners_of(self, account_id: AccountId) -> dict[ConversationId, AccountId]:
        rows = await self._executor.rows(_PARTNERS_OF, {"account_id": account_id})
        return {number: partner for number, partner in rows}  # noqa: C416 - a row is no tuple
