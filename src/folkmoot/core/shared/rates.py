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
        """0.0 when the tokens were taken, else the seconds until they could be."""
        level, since = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._per_second)
        wait = 0.0 if level >= tokens else (tokens - level) / self._per_second
        self._levels[key] = (level if wait else level - tokens, now)
        if len(self._levels) > self._max_keys:
            del self._levels[next(iter(self._levels))]
        return wait
