"""The load generator: one process that plays one scenario against one server and prints figures.

It reads a plan as JSON from standard input and writes the result as JSON to standard output.
Starting servers, making accounts and checking history are `run.py`'s.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import uvloop

from benchmarks import gauge
from benchmarks.wire import SHAPES, Socket, SocketTarget, open_sockets

# About what people type; the number in front lets the checks tell every message from every other.
FILLER = "so we meet at the old oak at noon, bring bread"
WARM_UP = "warm-up"


@dataclass
class Bench:
    """One scenario's surroundings: whom to load, with what, and what came of it."""

    host: str
    port: int
    pid: int
    targets: list[SocketTarget]
    options: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    # conversation -> what was said in it, in order
    said: dict[int | str, list[str]] = field(default_factory=dict)

    async def open(self, targets: list[SocketTarget]) -> None:
        self.sockets += await open_sockets(self.host, self.port, targets, self.problems)

    def say(self, index: int, text: str) -> None:
        """The socket at `index` says `text`, and it is written down for the check of history."""
        content = f"{text} {FILLER}"
        self.said.setdefault(self.targets[index].conversation_id, []).append(content)
        self.sockets[index].say(content)

    async def quiet(self) -> None:
        """Return when the server has nothing to do, unless others keep it busy all the time."""
        if not self.options.get("beside_others"):
            await gauge.wait_until_quiet(self.pid, lambda: sum(s.frames for s in self.sockets))

    def heard_otherwise(self) -> list[str]:
        """Each socket that has not heard every message of its conversation once, its own ones too.

        Asked of a conversation in which nobody else speaks.
        """
        pairs = zip(self.targets, self.sockets, strict=True)
        counts = [
            (len(self.said.get(target.conversation_id, ())), s.messages) for target, s in pairs
        ]
        return [
            f"a socket heard {heard} of {said} messages" for said, heard in counts if heard != said
        ]

    async def all_heard(self) -> None:
        await self.until(lambda: not self.heard_otherwise(), "every delivery")

    async def until(self, done: Callable[[], bool], what: str, deadline: float = 30) -> None:
        """Wait for it, but give up when something went wrong or time is up."""
        try:
            async with asyncio.timeout(deadline):
                # Polled: telling an event of every delivery would cost more than the delivery.
                while not done() and not self.problems:  # noqa: ASYNC110  # see above
                    await asyncio.sleep(0.005)
        except TimeoutError:
            self.problems.append(f"not within {deadline:g} s: {what}")


@dataclass
class Spent:
    """Time that passed between `start` and `stop`, for the server and for this process."""

    pid: int
    wall_seconds: float = 0
    server_cpu_seconds: float = 0
    loader_cpu_seconds: float = 0

    def start(self) -> None:
        self._server = gauge.cpu_seconds(self.pid)
        self._loader = time.process_time()
        self._wall = time.perf_counter()

    def stop_clock(self) -> None:
        self.wall_seconds = time.perf_counter() - self._wall
        self.loader_cpu_seconds = time.process_time() - self._loader

    def stop_server(self) -> None:
        """Called once the server is quiet: work that it put off until later is its cost too."""
        self.server_cpu_seconds = gauge.cpu_seconds(self.pid) - self._server

    def facts(self) -> dict[str, float]:
        return {
            "wall_seconds": self.wall_seconds,
            "server_cpu_seconds": self.server_cpu_seconds,
            "loader_cpu_seconds": self.loader_cpu_seconds,
        }


def percentile_ms(seconds: list[float], percent: int) -> float:
    if len(seconds) < 2:
        return 0.0
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


async def speak_with_window(bench: Bench, label: str, count: int, window: int) -> None:
    """The first socket says `count` messages, never more than `window` of them without an echo."""
    speaker = bench.sockets[0]
    target = speaker.messages + count
    unsaid = iter(range(count))

    def say_next(_payload: bytes = b"") -> None:
        number = next(unsaid, None)
        if number is not None:
            bench.say(0, f"{label} {number}")

    speaker.on_message = say_next
    for _ in range(window):
        say_next()
    await bench.until(lambda: speaker.messages >= target, f"{count} echoes")
    speaker.on_message = None


async def fanout(bench: Bench) -> dict[str, float]:
    """One speaks, all others of the conversation listen."""
    count, window = bench.options["messages"], bench.options["window"]
    await bench.open(bench.targets)
    await speak_with_window(bench, WARM_UP, bench.options["warm_up"], window)
    await bench.quiet()
    listeners = bench.sockets[1:]
    before = sum(listener.messages for listener in listeners)
    sampled: list[bytes] = []
    listeners[-1].on_message = sampled.append

    def deliveries() -> int:
        return sum(s.messages for s in listeners) - before

    spent = Spent(bench.pid)
    spent.start()
    await speak_with_window(bench, "message", count, window)
    await bench.until(lambda: deliveries() >= count * len(listeners), "every delivery")
    spent.stop_clock()
    await bench.quiet()
    spent.stop_server()
    check_sample(bench, sampled, count)
    return spent.facts() | {
        "messages": count,
        "deliveries": deliveries(),
        "cpu_us_per_delivery": spent.server_cpu_seconds / deliveries() * 1e6,
        "deliveries_per_second": deliveries() / spent.wall_seconds,
    }


def check_sample(bench: Bench, sampled: list[bytes], count: int) -> None:
    """One listener's frames are read in full: the right words, each once, in order."""
    contract = SHAPES[bench.targets[0].contract]
    heard = [contract.content_of(payload) for payload in sampled]
    if heard != bench.said[bench.targets[0].conversation_id][-count:]:
        bench.problems.append("a listener did not hear what was said, in order")


async def take_turns(
    bench: Bench, label: str, count: int, seconds: float, waits: list[float]
) -> None:
    """In every pair the first says something, waits for its echo and goes on, all pairs at once."""
    end = time.perf_counter() + seconds
    busy = set(range(0, len(bench.sockets), 2))

    def start(index: int) -> None:
        number, sent_at = 0, time.perf_counter()

        def heard(_payload: bytes) -> None:
            nonlocal number, sent_at
            now = time.perf_counter()
            waits.append(now - sent_at)
            number += 1
            if number >= count or now >= end:
                busy.discard(index)
                return
            sent_at = now
            bench.say(index, f"{label} {number}")

        bench.sockets[index].on_message = heard
        bench.say(index, f"{label} {number}")

    for index in tuple(busy):
        start(index)
    await bench.until(lambda: not busy, "every pair's echoes", deadline=seconds + 20)


async def pairs(bench: Bench) -> dict[str, float]:
    """Many two-person conversations, each a closed loop."""
    count, seconds = bench.options["messages_a_pair"], bench.options["seconds"]
    await bench.open(bench.targets)
    await take_turns(bench, WARM_UP, bench.options["warm_up"], seconds, [])
    await bench.quiet()
    waits: list[float] = []
    before = sum(s.messages for s in bench.sockets[1::2])
    spent = Spent(bench.pid)
    spent.start()
    await take_turns(bench, "message", count, seconds, waits)

    def heard() -> int:
        return sum(s.messages for s in bench.sockets[1::2]) - before

    await bench.until(lambda: heard() >= len(waits), "delivery to every pair's other half")
    spent.stop_clock()
    await bench.quiet()
    spent.stop_server()
    return spent.facts() | {
        "messages": len(waits),
        "deliveries": heard(),
        "cpu_us_per_message": spent.server_cpu_seconds / len(waits) * 1e6,
        "messages_per_second": len(waits) / spent.wall_seconds,
        "ack_p50_ms": percentile_ms(waits, 50),
        "ack_p99_ms": percentile_ms(waits, 99),
    }


async def latency(bench: Bench) -> dict[str, float]:
    """A fixed rate, whatever the server does: how long until the other half of the pair has it?"""
    count = int(bench.options["rate"] * bench.options["seconds"])
    await bench.open(bench.targets)
    await take_turns(bench, WARM_UP, bench.options["warm_up"], 5, [])
    await bench.all_heard()
    await bench.quiet()
    sent_at: list[float] = []
    waits: list[float] = []

    def heard(payload: bytes) -> None:
        now = time.perf_counter()
        waits.append(now - sent_at[int(json.loads(payload)["content"].split()[1])])

    for index, socket in enumerate(bench.sockets):
        socket.on_message = heard if index % 2 else None
    behind = await speak_at_rate(bench, count, bench.options["rate"], sent_at)
    await bench.all_heard()
    await bench.quiet()
    return {
        "messages": count,
        "deliveries": len(waits),
        "delivery_p50_ms": percentile_ms(waits, 50),
        "delivery_p99_ms": percentile_ms(waits, 99),
        # How late the loader itself was with its sends; near the figures above means a bad run.
        "loader_behind_p99_ms": percentile_ms(behind, 99),
    }


async def speak_at_rate(bench: Bench, count: int, rate: float, sent_at: list[float]) -> list[float]:
    """Say message after message on the beat, pair by pair; return how late each was."""
    behind = []
    start = time.perf_counter()
    for number in range(count):
        due = start + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        sent_at.append(time.perf_counter())
        behind.append(sent_at[-1] - due)
        bench.say(number * 2 % len(bench.sockets), f"message {number}")
    return behind


async def idle(bench: Bench) -> dict[str, float]:
    """Many connections that do nothing: what does the server keep for each?"""
    # The first few carry what a server sets up once (pools, caches, imports); they stay open.
    first = bench.options["warm_up"]
    await bench.open(bench.targets[:first])
    await bench.quiet()
    samples = bench.options["steady_samples"]
    rss_before = await gauge.steady_rss_bytes(bench.pid, samples)
    start = time.perf_counter()
    await bench.open(bench.targets[first:])
    connecting_seconds = time.perf_counter() - start
    await bench.quiet()
    rss_after = await gauge.steady_rss_bytes(bench.pid, samples)
    connections = len(bench.targets) - first
    return {
        "connections": connections,
        "rss_before_bytes": rss_before,
        "rss_after_bytes": rss_after,
        "kib_per_connection": (rss_after - rss_before) / connections / 1024,
        "connections_per_second": connections / connecting_seconds,
    }


SCENARIOS: dict[str, Callable[[Bench], Awaitable[dict[str, float]]]] = {
    "fanout": fanout,
    "pairs": pairs,
    "latency": latency,
    "idle": idle,
}


async def play(plan: dict[str, Any]) -> dict[str, Any]:
    bench = Bench(
        host=plan["host"],
        port=plan["port"],
        pid=plan["pid"],
        targets=[SocketTarget(*target) for target in plan["targets"]],
        options=plan["options"],
    )
    figures: dict[str, float] = {}
    try:
        figures = await SCENARIOS[plan["kind"]](bench)
        bench.problems += bench.heard_otherwise()
    # RuntimeError is what uvloop says of a write on a socket that the server has closed.
    except (ExceptionGroup, OSError, RuntimeError, ZeroDivisionError, psutil.Error) as error:
        causes = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        bench.problems += [f"{type(cause).__name__}: {cause}" for cause in causes[:3]]
    finally:
        for socket in bench.sockets:
            socket.leave()
    said = {str(conversation): contents for conversation, contents in bench.said.items()}
    problems = [
        problem if times == 1 else f"{problem} ({times} times)"
        for problem, times in Counter(bench.problems).most_common(10)
    ]
    return {"figures": figures, "problems": problems, "said": said}


def main() -> None:
    plan = json.load(sys.stdin)
    # The loader lives for seconds: a collection would only show up as somebody's latency.
    gc.disable()
    json.dump(uvloop.run(play(plan)), sys.stdout)


if __name__ == "__main__":
    main()
