"""The one entrance: what every request, frame and event passes before its body is believed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final

from folkmoot.auth.login_limits import network_of
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.rates import Buckets, Rate
from folkmoot.core.shared.refusals import Refusal, TooMany, TooManyRequests, Unavailable
from folkmoot.realtime.intentions import Allowance, IntentionKind, Slot

RETRY_SECONDS: Final = 60.0
"""When to come again for a slot: nobody can tell when one will be free."""
TOKENS_PER_SECOND: Final = 10.0
"""What a second of the storage's time costs whoever asked for it, in searches."""
LEAST_IN_A_FLOOD: Final = 50
"""How many refusals whoever does not wait gets at least, however little they may ask for."""

Who = AccountId | str
"""An account, or the address of somebody unknown."""


@dataclass(frozen=True, slots=True)
class EntranceSettings:
    """The limits as they are set; ``enabled`` false switches rates and slots off, not sizes.

    ``flood_times``: how many times a rate is a flood, of frames that do not wait.
    """

    rates: Mapping[Allowance, Rate]
    per_account: Mapping[Slot, int]
    per_address: Mapping[Slot, int]
    flood_times: float = 3.0
    enabled: bool = True


class TooManyConnections(TooMany):
    """The account, or the address, has as many sockets open as it may."""

    code = "too_many_connections"
    sentence = "There may be {max_connections} connections at once."


class TooManyAtOnce(TooMany):
    """As much of something is under way as may be."""

    code = "too_many_at_once"
    sentence = "There may be {most} {what} at once."


class Reservation:
    """Slots that are taken until this is released; once is enough, and twice does no harm."""

    __slots__ = ("_held",)

    def __init__(self, held: "tuple[tuple[Counter[Who], Who], ...]") -> None:
        self._held = held

    def extend(self, other: "Reservation") -> None:
        """Hold what another holds as well, which holds nothing any more."""
        self._held += other.given_up()

    def given_up(self) -> "tuple[tuple[Counter[Who], Who], ...]":
        """What it held, for somebody else to give back."""
        held, self._held = self._held, ()
        return held

    def release(self) -> None:
        """Give the slots back."""
        for counts, who in self.given_up():
            counts[who] -= 1
            if not counts[who]:
                del counts[who]

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class Patience:
    """Whether one connection waits as long as it is told to.

    What comes sooner counts against its account, whichever sockets it comes through. Whoever
    waits is never at fault, however often they are refused and whatever else the account does.
    """

    __slots__ = ("_account", "_entrance", "_until")

    def __init__(self, entrance: "Entrance", account: AccountId) -> None:
        self._entrance = entrance
        self._account = account
        self._until = 0.0

    def ends_at(self, refusal: Refusal | Unavailable) -> bool:
        """Whether the connection is to be closed, now that it is refused this."""
        if not isinstance(refusal, TooManyRequests) or "allowance" not in refusal.facts:
            return False
        now, until = self._entrance.now(), self._until
        self._until = max(until, now + refusal.retry_after)
        return now < until and self._entrance.is_flooded(self._account, refusal.facts["allowance"])


class Entrance:
    """Counts what is asked for, and reserves slots before anything is awaited.

    An account is counted whichever contract and however many sockets it uses; of an IPv6 address,
    its /64. ``time`` reads a clock in seconds that never goes back. Every refusal says in how many
    seconds it would pass.
    """

    NOTHING: ClassVar = Reservation(())

    def __init__(self, settings: EntranceSettings, time: Callable[[], float]) -> None:
        self._settings = settings
        self._time = time
        self._buckets = {one: Buckets(settings.rates[one]) for one in Allowance}
        times = settings.flood_times
        self._endured = {one: Buckets(_endured(settings.rates[one], times)) for one in Allowance}
        self._taken: dict[Slot, Counter[Who]] = {slot: Counter() for slot in Slot}

    def enter(self, who: Who, kind: IntentionKind, *, cost: float = 1.0) -> None:
        """Count an intention of somebody; ``cost`` says how many of its kind it is worth.

        Raises:
            TooManyRequests
        """
        if not self._settings.enabled:
            return
        if isinstance(who, str):
            who = network_of(who)
        for allowance, tokens in kind.rules.counts:
            self._take(allowance, who, tokens * cost)

    def request(self, address: str) -> None:
        """Count a request of an address, whoever asks for whatever.

        Raises:
            TooManyRequests
        """
        if self._settings.enabled:
            self._take(Allowance.REQUEST, network_of(address), 1.0)

    def charge(self, who: Who, allowance: Allowance, seconds: float) -> None:
        """Count afterwards what it took: the next may have to wait for it."""
        if self._settings.enabled:
            self._buckets[allowance].charge(who, self._time(), seconds * TOKENS_PER_SECOND)

    def patience(self, account: AccountId) -> Patience:
        """What is to be known of a new connection of an account."""
        return Patience(self, account)

    def now(self) -> float:
        """The time by its clock, in seconds."""
        return self._time()

    def is_flooded(self, account: AccountId, allowance: Allowance) -> bool:
        """Whether the account has asked too often, with this, for what it was told to wait for."""
        return bool(self._endured[allowance].take(account, self._time()))

    def reserve(
        self, slot: Slot, *, account: AccountId | None = None, address: str | None = None
    ) -> Reservation:
        """Take a slot of the account, of the address, or of both.

        Raises:
            TooManyConnections, TooManyAtOnce: it has none left.
        """
        if not self._settings.enabled:
            return self.NOTHING
        counts = self._taken[slot]
        wanted: list[tuple[Counter[Who], Who]] = []
        if account is not None and slot in self._settings.per_account:
            self._check(slot, account, self._settings.per_account[slot])
            wanted.append((counts, account))
        if address is not None and slot in self._settings.per_address:
            network = network_of(address)
            self._check(slot, network, self._settings.per_address[slot])
            wanted.append((counts, network))
        for _, who in wanted:
            counts[who] += 1
        return Reservation(tuple(wanted))

    def _check(self, slot: Slot, who: Who, most: int) -> None:
        if self._taken[slot][who] < most:
            return
        if slot is Slot.CONNECTION:
            raise TooManyConnections(retry_after=RETRY_SECONDS, max_connections=most)
        raise TooManyAtOnce(retry_after=1.0, most=most, what=slot.value)

    def _take(self, allowance: Allowance, who: Who, tokens: float) -> None:
        wait = self._buckets[allowance].take(who, self._time(), tokens=tokens)
        if wait:
            raise TooManyRequests(retry_after=wait, allowance=allowance)


def _endured(rate: Rate, times: float) -> Rate:
    """How much of what does not wait may be refused before it is a flood: a minute of it.

    With what is not refused it is so many times the rate.
    """
    per_minute = rate.per_minute * (times - 1)
    return Rate(per_minute, max(LEAST_IN_A_FLOOD, int(per_minute)))
