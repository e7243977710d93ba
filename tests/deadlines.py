"""How long a test waits for what must happen, and how much of a processor it may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

WITHIN_S = 60.0
"""Far longer than anything takes, so that a slow or a busy machine fails no test.

What is waited out when all is well is not measured by it; the test says how long that takes.
"""
_LOOP_S = 0.02
"""What `_loop` costs on the machine that the bounds of `costs_less_than` were written for."""


@contextmanager
def costs_less_than(seconds: float) -> Iterator[None]:
    """Fail if what is done inside costs more processor time than this.

    A slower machine, or one whose cores are shared, has as much more as a loop takes longer on it.
    """
    before = _loop()
    begun = process_time()
    yield
    spent = process_time() - begun
    slowness = max(1.0, before / _LOOP_S, _loop() / _LOOP_S)
    assert spent < seconds * slowness, f"{spent} s on a machine that is {slowness} times slower"


def _loop() -> float:
    begun = process_time()
    total = 0
    for number in range(500_000):
        total += number
    return process_time() - begun
