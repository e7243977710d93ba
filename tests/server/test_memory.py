"""Memory that goes back when it is free."""

import ctypes

import pytest

from folkmoot.server.ops.memory import GROWN_BYTES, MemoryReturn, resident_bytes

MIB = 1024 * 1024
BLOCK_BYTES = 16 * 1024

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps what is freed"
)


def grown() -> None:
    """Have much more memory, and free it but for a little at its end, as a storm leaves it."""
    blocks = [bytearray(BLOCK_BYTES) for _ in range(64 * MIB // BLOCK_BYTES)]
    KEPT.append(blocks[-1])


KEPT: list[bytearray] = []


async def test_what_a_storm_took_goes_back_once_it_has_passed():
    memory = MemoryReturn()
    before = resident_bytes()
    grown()
    assert resident_bytes() > before + GROWN_BYTES
    await memory.look()
    await memory.look()
    assert resident_bytes() < before + GROWN_BYTES


async def test_while_more_is_taken_nothing_is_given_back():
    memory = MemoryReturn()
    grown()
    before = resident_bytes()
    await memory.look()
    assert resident_bytes() == pytest.approx(before, abs=MIB)
