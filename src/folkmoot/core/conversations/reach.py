"""Whom an account may begin something with: a conversation, a friendship, a third one's company.

Whom it may not, is to it as if they were not there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import STAFF, Account, AccountName
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.social.model import pair_key


class ContactPolicy(StrEnum):
    """Who may begin with whom; staff may with everybody."""

    ANYONE = "anyone"
    KNOWN = "known"
    """Friends, staff, and people one shares a conversation with."""
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of some names: who was found for each, and how many told something about strangers.

    ``strangers`` counts names of nobody too: to whoever guesses, either answer is worth as much.
    """

    names: tuple[AccountName, ...]
    found: tuple[Account | None, ...]
    strangers: int

    @property
    def accounts(self) -> list[Account]:
        """The accounts, in the order of their names.

        Raises:
            NoSuchAccount: the first name that means none, or none to whoever asks.
        """
        there = []
        for name, account in zip(self.names, self.found, strict=True):
            if account is None:
                raise NoSuchAccount(account=name.value)
            there.append(account)
        return there


class Reach:
    """Who reaches whom, by the policy of this server."""

    def __init__(self, accounts: Accounts, policy: ContactPolicy = ContactPolicy.ANYONE) -> None:
        self._accounts = accounts
        self._policy = policy

    async def find(
        self, work: ConversationWork, actor: Account, names: Sequence[AccountName]
    ) -> Reached:
        """Those with whom the actor may begin something, by their names."""
        found = await self._accounts.look_up(work, names)
        known = await self._known(work, actor, [one for one in found if one is not None])
        met = [account is not None and account.id in known for account in found]
        strangers = {name.value for name, is_met in zip(names, met, strict=True) if not is_met}
        there = [
            account
            if account is not None and self._is_reached(actor, account, is_met=is_met)
            else None
            for account, is_met in zip(found, met, strict=True)
        ]
        return Reached(tuple(names), tuple(there), len(strangers))

    async def named(self, work: ConversationWork, actor: Account, name: int | str) -> Account:
        """Somebody about whom the actor may learn that they are there.

        Raises:
            NoSuchAccount
        """
        account = await self._accounts.named(work, name)
        if self._policy is ContactPolicy.ANYONE:
            return account
        if account.id not in await self._known(work, actor, [account]):
            raise NoSuchAccount(account=name)
        return account

    def _is_reached(self, actor: Account, account: Account, *, is_met: bool) -> bool:
        if not account.is_active:
            return False
        if actor.id == account.id or STAFF & {actor.role, account.role}:
            return True
        match self._policy:
            case ContactPolicy.ANYONE:
                return True
            case ContactPolicy.KNOWN:
                return is_met
            case ContactPolicy.STAFF:
                return False

    async def _known(
        self, work: ConversationWork, actor: Account, others: Collection[Account]
    ) -> frozenset[AccountId]:
        """Those of these accounts whom the actor knows."""
        ids = frozenset(other.id for other in others)
        if actor.role in STAFF:
            return ids
        known = {other.id for other in others if other.role in STAFF or other.id == actor.id}
        unsure = ids - known
        if not unsure:
            return ids
        pairs = await work.friends.pairs_among([pair_key(actor.id, other) for other in unsure])
        friends = frozenset(one for pair in pairs for one in pair) - {actor.id}
        shared = await work.conversations.sharing(actor.id, unsure - friends)
        return frozenset(known) | friends | shared
