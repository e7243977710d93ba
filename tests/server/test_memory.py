"""Memory that goes back when it is free, each in a process that has nothing else to give back."""

import ctypes
import subprocess
import sys

import pytest

from tests.deadlines import WITHIN_S

pytestmark = [
    pytest.mark.program,
    pytest.mark.skipif(
        not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps what is freed"
    ),
]

STORM = """
import asyncio
from folkmoot.server.ops.memory import GROWN_BYTES, MemoryReturn, resident_bytes

def storm(of_bytes=16 * 1024, mib=64):
    # A little at the end stays, as a storm leaves it.
    return [bytearray(of_bytes) for _ in range(mib * 1024 * 1024 // of_bytes)][-1]

memory = MemoryReturn()
before = resident_bytes()
kept = storm()
meanwhile = resident_bytes()
assert meanwhile > before + GROWN_BYTES
asyncio.run(memory.look())
"""


def ends_well(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=WITHIN_S
    )
    assert ended.returncode == 0, ended.stderr


def test_what_a_storm_took_goes_back_once_it_has_passed():
    ends_well(f"{STORM}asyncio.run(memory.look())\nassert resident_bytes() < before + GROWN_BYTES")


def test_while_more_is_taken_nothing_is_given_back():
    ends_well(f"{STORM}assert resident_bytes() > meanwhile - GROWN_BYTES // 2")
