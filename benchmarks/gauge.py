"""What a server costs, read from outside: CPU time and memory, child processes included."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import psutil

SAMPLE_SECONDS = 0.1
QUIET_SAMPLES = 3
QUIET_CPU_SECONDS = 0.003
STEADY_BYTES = 64 * 1024


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _cpu_seconds_of(process: psutil.Process) -> float:
    try:
        # The CPU clock of another process, see clock_getcpuclockid(3): nanoseconds of user and
        # system time of all its threads, where /proc/PID/stat counts in steps of 10 ms.
        return time.clock_gettime((~process.pid << 3) | 2)
    except (AttributeError, OSError):
        times = process.cpu_times()
        return times.user + times.system


def cpu_seconds(pid: int) -> float:
    """User and system time that the process, its threads and its children have used so far."""
    return sum(_cpu_seconds_of(process) for process in _family(pid))


def rss_bytes(pid: int) -> int:
    return sum(process.memory_info().rss for process in _family(pid))


async def wait_until_quiet(pid: int, frames_seen: Callable[[], int], deadline: float = 10) -> None:
    """Return when no frame arrives and the server computes nothing, or when time is up."""
    quiet, before = 0, (frames_seen(), cpu_seconds(pid))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline):
            while quiet < QUIET_SAMPLES:
                await asyncio.sleep(SAMPLE_SECONDS)
                now = (frames_seen(), cpu_seconds(pid))
                still = now[0] == before[0] and now[1] - before[1] < QUIET_CPU_SECONDS
                quiet, before = (quiet + 1 if still else 0), now


async def steady_rss_bytes(pid: int, steady_samples: int, deadline: float = 10) -> int:
    """The memory once it stood still for that many samples, or the latest when time is up."""
    samples = [rss_bytes(pid)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline):
            while (
                len(samples) < steady_samples
                or max(samples[-steady_samples:]) - min(samples[-steady_samples:]) > STEADY_BYTES
            ):
                await asyncio.sleep(SAMPLE_SECONDS)
                samples.append(rss_bytes(pid))
    return samples[-1]
