"""How often something may happen: a token bucket that is told the time."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, and ``per_minute`` in the long run."""

    per_minute: float
    burst: int


class Buckets:
    """One token bucket a key, under one rate; buckets that have filled up again are forgotten.

    ``now`` is in seconds on a clock that never goes back. At most ``max_keys`` are remembered:
    past that the longest untouched are let go, so a hostile caller cannot grow the table.
    """

    def __init__(self, rate: Rate, *, max_keys: int = 100_000) -> None:
        self._per_second = rate.per_minute / 60
        self._burst = float(rate.burst)
        self._max_keys = max_keys
        self._levels: dict[Hashable, tuple[float, float]] = {}

    def take(self, key: Hashable, now: float, *, tokens: float = 1.0) -> float:
        """0.0 when the tokens were taken, else the seconds until they could be.

        More than a burst are as many as a burst: nobody is told to wait for ever.
        """
        level, tokens = self._level(key, now), min(tokens, self._burst)
        wait = 0.0 if level >= tokens else (tokens - level) / self._per_second
        self._keep(key, level if wait else level - tokens, now)
        return wait

    def charge(self, key: Hashable, now: float, tokens: float) -> None:
        """Take tokens that are spent already: into debt, but never for more than one burst."""
        self._keep(key, max(-self._burst, self._level(key, now) - tokens), now)

    def level(self, key: Hashable, now: float) -> float:
        """How many tokens there are."""
        level, since = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._per_second)

    def _level(self, key: Hashable, now: float) -> float:
        level = self.level(key, now)
        self._levels.pop(key, None)
        return level

    def _keep(self, key: Hashable, level: float, now: float) -> None:
        self._levels[key] = (level, now)
        if len(self._levels) > self._max_keys:
            del self._levels[next(iter(self._levels))]
