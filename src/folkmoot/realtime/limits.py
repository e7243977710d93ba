"""How much one account, or one address, may ask of the live side in a time."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from folkmoot.auth.login_limits import network_of
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.rates import Buckets, Rate
from folkmoot.core.shared.refusals import TooMany, TooManyRequests

UPLOADS = Rate(60, 20)
STRANGERS = Rate(60, 500)


class Cost(Enum):
    """What something that a client asks for is counted as."""

    FREE = auto()
    SIGNAL = auto()
    SEND = auto()


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The limits as they are set; ``enabled`` false switches rates and counts off, not sizes."""

    send: Rate
    signal: Rate
    connect: Rate
    max_connections_per_account: int
    enabled: bool
    upload: Rate = UPLOADS
    stranger: Rate = STRANGERS


class TooManyConnections(TooMany):
    """The account has as many sockets open as it may."""

    code = "too_many_connections"
    sentence = "An account may have {max_connections} connections at once."


class Limits:
    """Counts what is asked; every refusal says in how many seconds it would pass.

    ``time`` reads a clock in seconds that never goes back. Sending is counted for an account,
    whichever contract and however many sockets it uses.
    """

    def __init__(self, settings: LimitSettings, time: Callable[[], float]) -> None:
        self._settings = settings
        self._time = time
        self._sends = Buckets(settings.send)
        self._signals = Buckets(settings.signal)
        self._connects = Buckets(settings.connect)
        self._uploads = Buckets(settings.upload)
        self._strangers = Buckets(settings.stranger)

    def count(self, account_id: AccountId, cost: Cost) -> None:
        """Count what an account asks for.

        Raises:
            TooManyRequests
        """
        match cost:
            case Cost.FREE:
                pass
            case Cost.SIGNAL:
                self.signal(account_id)
            case Cost.SEND:
                self.send(account_id)
            case _:
                assert_never(cost)

    def send(self, account_id: AccountId) -> None:
        """Count a message, an edit, a deletion or a reaction."""
        self._take(self._sends, account_id)

    def signal(self, account_id: AccountId) -> None:
        """Count a sign that is not kept, such as typing."""
        self._take(self._signals, account_id)

    def upload(self, account_id: AccountId) -> None:
        """Count a file on its way here."""
        self._take(self._uploads, account_id)

    def meet(self, account_id: AccountId, strangers: int) -> None:
        """Count the strangers with whom an account begins something, or whose names it guesses."""
        if strangers:
            most = self._settings.stranger.burst
            self._take(self._strangers, account_id, tokens=min(strangers, most))

    def connect(self, address: str) -> None:
        """Count a connection from an address; of IPv6, from its /64."""
        self._take(self._connects, network_of(address))

    def count_connections(self, present: int) -> None:
        """Refuse one connection more than an account may have."""
        most = self._settings.max_connections_per_account
        if self._settings.enabled and present >= most:
            raise TooManyConnections(retry_after=60.0, max_connections=most)

    def _take(self, buckets: Buckets, key: AccountId | str, *, tokens: int = 1) -> None:
        if not self._settings.enabled:
            return
        wait = buckets.take(key, self._time(), tokens=tokens)
        if wait:
            raise TooManyRequests(retry_after=wait)
