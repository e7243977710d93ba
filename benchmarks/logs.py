"""How fast logs are read into their index, in how much memory, and how long a question takes.

    python -m benchmarks.logs [LINES ...]

prints JSON. The reading process is the real one; its memory is the most that it ever had.
"""

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from folkmoot.bots.logs.index import FILE_NAME, Logs, made_of
from folkmoot.core.accounts.model import Role
from folkmoot.core.logs.model import FOR_EVERYBODY, LogQuery, SourceAudience, withheld_sources_of
from folkmoot.server.programs import log_reader
from folkmoot.server.system import SystemClock
from folkmoot.storage.log_index import LogIndexFile

SIZES = (100_000, 1_000_000)
THINGS = ("payment", "worker", "database", "upstream", "order", "session", "cache", "invoice")
DEEDS = ("accepted", "failed", "started", "refused", "finished", "retried", "dropped", "queued")
QUESTIONS = (
    "why was the payment refused?",
    "order_id=4711",
    "which worker failed on web-7 and what did the database say",
    "payment worker database upstream order session cache invoice",
    "info",
    "/api/v1/invoice/123 timeout",
    "error",
    "did the cache drop a session of the upstream again last night " * 20,
)


def lines(count: int, now: datetime) -> Iterator[str]:
    """A quarter each of JSON, plain, syslog and access lines, of about 120 characters."""
    chance = random.Random(count)
    for number in range(count):
        at = now - timedelta(days=1) + timedelta(seconds=number * 80_000 / count)
        thing, deed = chance.choice(THINGS), chance.choice(DEEDS)
        what = f"{thing} {deed} order_id={chance.randrange(10**6)} host=web-{chance.randrange(40)}"
        path = f"/api/v1/{chance.choice(THINGS)}/{chance.randrange(10**5)}"
        kind = number % 4
        if kind == 0:
            entry = {"timestamp": at.isoformat(), "level": "info", "message": what, "path": path}
            yield json.dumps(entry)
        elif kind == 1:
            yield f"{at:%Y-%m-%d %H:%M:%S},{number % 1000:03} INFO shop.{thing}: {what} {path}"
        elif kind == 2:
            yield f"{at:%b %d %H:%M:%S} attic shop[{number % 9999}]: {what} {path}"
        else:
            when = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
            asked = f'"GET {path} HTTP/1.1" 200 {number} "-" "x/5"'
            yield f"192.0.2.{number % 250} - - [{when}] {asked}"


async def measured(folder: Path, count: int) -> dict[str, object]:
    """The figures for so many lines."""
    clock = SystemClock()
    source = folder / "all.log"
    with source.open("w") as file:
        file.writelines(f"{line}\n" for line in lines(count, clock.now()))
    index = LogIndexFile(
        folder / FILE_NAME, made_of=made_of([str(source)], SourceAudience.EVERYBODY)
    )
    logs = Logs(
        sources=[str(source)], folder=folder, index=index, reader=log_reader.__name__, clock=clock
    )
    begun, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    reading = await logs.read_anew(7, lambda _: None)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    asked = {role.value: await _asked(logs, role) for role in (Role.USER, Role.ADMIN)}
    await index.close()
    return {
        "lines": count,
        "entries": reading.entries,
        "seconds": round(seconds, 1),
        "lines_per_second": round(count / seconds),
        "lines_per_cpu_second": round(count / (used.ru_utime - cpu.ru_utime)),
        "peak_mib": round(used.ru_maxrss / 1024),
        "index_mib": round((folder / FILE_NAME).stat().st_size / 1024 / 1024),
        "question_ms": asked,
    }


async def _asked(logs: Logs, role: Role) -> dict[str, float]:
    audiences = FOR_EVERYBODY | withheld_sources_of(role)
    took = []
    for _ in range(5):
        for words in QUESTIONS:
            begun = time.perf_counter()
            await logs.find(LogQuery(words, audiences))
            took.append((time.perf_counter() - begun) * 1000)
    return {"median": round(median(took)), "longest": round(max(took))}


def main(arguments: list[str]) -> None:
    """Measure each size and print the figures."""
    sizes = [int(one) for one in arguments] or SIZES
    results = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            results.append(asyncio.run(measured(Path(folder), count)))
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
