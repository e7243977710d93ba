"""When each of many connections next wants to be looked at. The clock is somebody else's."""

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Generic, TypeVar

K = TypeVar("K")


class Alarms(Generic[K]):
    """One pending alarm a key; setting a later one costs nothing until the earlier one rings."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._pending: dict[K, float] = {}
        self._turn = count()

    def set(self, key: K, at: float) -> bool:
        """Ring for ``key`` no later than ``at``; whether that is now the first of all.

        An alarm that stands earlier stays: whoever is rung too early sets the next one then.
        """
        if at >= self._pending.get(key, inf):
            return False
        self._pending[key] = at
        heappush(self._heap, (at, next(self._turn), key))
        return self._heap[0][0] == at

    def forget(self, key: K) -> None:
        """Ring for ``key`` no more."""
        self._pending.pop(key, None)

    def next_at(self) -> float | None:
        """When the first alarm rings, or None where there is none."""
        while self._heap and self._pending.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[K]:
        """The keys whose alarms have rung, which are set no longer."""
        keys: list[K] = []
        while (at := self.next_at()) is not None and at <= now:
            key = heappop(self._heap)[2]
            del self._pending[key]
            keys.append(key)
        return keys
