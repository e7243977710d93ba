"""How often one name, account or address may try to come in."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from folkmoot.core.accounts.model import username_key
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.rates import Buckets, Rate
from folkmoot.core.shared.refusals import TooManyRequests

_MAX_KEY_CHARS = 254
_MAX_FAMILIAR = 100_000


@dataclass(frozen=True, slots=True)
class AuthRates:
    """The rates as they are set; ``enabled`` false switches all of them off."""

    login_per_name: Rate = field(default=Rate(per_minute=10, burst=10))
    login_per_address: Rate = field(default=Rate(per_minute=30, burst=30))
    failures_per_account: Rate = field(default=Rate(per_minute=1, burst=20))
    login_while_guessed_at: Rate = field(default=Rate(per_minute=0.1, burst=3))
    register_per_address: Rate = field(default=Rate(per_minute=20, burst=20))
    refresh_per_address: Rate = field(default=Rate(per_minute=120, burst=60))
    ticket_per_account: Rate = field(default=Rate(per_minute=120, burst=60))
    password_per_account: Rate = field(default=Rate(per_minute=5, burst=5))
    enabled: bool = True


class LoginRateLimiter:
    """Counts attempts, right and wrong alike; every refusal says in how many seconds it passes.

    Attempts on an account are counted for each address: whoever guesses the password of another
    never locks them out. While an account is guessed at, from however many addresses, each has
    fewer attempts, but those from which its owner came in have as many as ever. An address is the
    peer's, as the server knows it; of IPv6, its /64.
    ``monotonic`` reads a clock in seconds that never goes back.
    """

    def __init__(
        self, rates: AuthRates | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        rates = rates or AuthRates()
        self._enabled = rates.enabled
        self._monotonic = monotonic
        self._names = Buckets(rates.login_per_name)
        self._failures = Buckets(rates.failures_per_account)
        self._fewer = Buckets(rates.login_while_guessed_at)
        self._familiar: dict[tuple[Hashable, str], None] = {}
        self._logins = Buckets(rates.login_per_address)
        self._registrations = Buckets(rates.register_per_address)
        self._refreshes = Buckets(rates.refresh_per_address)
        self._tickets = Buckets(rates.ticket_per_account)
        self._passwords = Buckets(rates.password_per_account)

    def login(self, who: AccountId | str, address: str) -> None:
        """Count an attempt to log in to an account, or under a name that none has."""
        network, key = network_of(address), _key_of(who)
        self._take(self._logins, network)
        self._take(self._names, (key, network))
        wait = self._fewer.take((key, network), self._monotonic())
        if wait and self._is_guessed_at(key) and (key, network) not in self._familiar:
            raise TooManyRequests(retry_after=wait)

    def failed(self, who: AccountId | str) -> None:
        """Count a wrong password, from wherever it came."""
        if self._enabled:
            self._failures.charge(_key_of(who), self._monotonic(), 1.0)

    def succeeded(self, who: AccountId, address: str) -> None:
        """Remember from where the owner of an account comes in; the latest are remembered."""
        known = (who, network_of(address))
        self._familiar.pop(known, None)
        self._familiar[known] = None
        if len(self._familiar) > _MAX_FAMILIAR:
            del self._familiar[next(iter(self._familiar))]

    def _is_guessed_at(self, key: Hashable) -> bool:
        return self._enabled and self._failures.level(key, self._monotonic()) < 1.0

    def register(self, address: str) -> None:
        """Count a registration."""
        self._take(self._registrations, network_of(address))

    def refresh(self, address: str) -> None:
        """Count a use of a refresh token."""
        self._take(self._refreshes, network_of(address))

    def ticket(self, account_id: AccountId) -> None:
        """Count a ticket."""
        self._take(self._tickets, account_id)

    def password(self, account_id: AccountId) -> None:
        """Count an attempt to change a password."""
        self._take(self._passwords, account_id)

    def _take(self, buckets: Buckets, key: Hashable) -> None:
        wait = buckets.take(key, self._monotonic()) if self._enabled else 0.0
        if wait:
            raise TooManyRequests(retry_after=wait)


def _key_of(who: AccountId | str) -> Hashable:
    return username_key(who[:_MAX_KEY_CHARS].strip()) if isinstance(who, str) else who


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(IPv6Address(int(ip) >> 64 << 64))
