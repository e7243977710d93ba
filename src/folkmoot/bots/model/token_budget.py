"""How many tokens a day may go to a model, for each account and for all together."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from folkmoot.bots.answerer import AnswerFailed
from folkmoot.core.shared.ids import AccountId, Clock

OWN_IS_USED_UP = (
    "You have asked the assistant as much as one account may in a day; it answers you again after "
    "midnight UTC."
)
ALL_IS_USED_UP = (
    "The assistant has answered as much as it may in a day; it answers again after midnight UTC."
)


@dataclass(slots=True)
class TokenReservation:
    """Tokens set aside for one answer; ``spent`` counts those that are really gone."""

    account: AccountId
    day: date
    tokens: int
    spent: int = 0


class TokenBudget:
    """The budgets of a day, which begins at midnight UTC; 0 is no limit.

    It counts what this process asked for since it started, in tokens by estimate.
    """

    def __init__(self, clock: Clock, *, per_account: int, for_all: int) -> None:
        self._clock = clock
        self._per_account = per_account
        self._for_all = for_all
        self._day = clock.now().date()
        self._used: dict[AccountId, int] = defaultdict(int)
        self._used_by_all = 0

    def grant(self, account: AccountId, tokens: int) -> TokenReservation:
        """Set tokens aside, all of them or none.

        Raises:
            AnswerFailed: there are not as many left today.
        """
        self._turn_the_page()
        if self._per_account and self._used[account] + tokens > self._per_account:
            raise AnswerFailed(OWN_IS_USED_UP)
        if self._for_all and self._used_by_all + tokens > self._for_all:
            raise AnswerFailed(ALL_IS_USED_UP)
        self._count(account, tokens)
        return TokenReservation(account, self._day, tokens)

    def settle(self, grant: TokenReservation) -> None:
        """Give back what a grant did not spend, or take what it spent beyond its tokens."""
        self._turn_the_page()
        if grant.day == self._day:
            self._count(grant.account, grant.spent - grant.tokens)

    def _count(self, account: AccountId, tokens: int) -> None:
        self._used[account] += tokens
        self._used_by_all += tokens

    def _turn_the_page(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            self._day = today
            self._used.clear()
            self._used_by_all = 0
