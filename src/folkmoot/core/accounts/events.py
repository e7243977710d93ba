"""What happened to accounts and logins; these concern connections, not a timeline."""

from dataclasses import dataclass

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.ids import AccountId, Uid


@dataclass(frozen=True, slots=True)
class LoginsEnded:
    """Logins were revoked: whatever is connected through them has lost its right."""

    account_id: AccountId
    login_ids: frozenset[Uid]


@dataclass(frozen=True, slots=True)
class AccountDeactivated:
    """The account may no longer do anything."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """An account looks different to others, or has another role."""

    person: Person


LoginEvent = LoginsEnded | AccountDeactivated | AccountChanged
