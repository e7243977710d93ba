"""What a model that is down or slow does to the chat beside it.

    python -m benchmarks.assistant [--quick] [--repeats 12] [--output FILE]

One folkmoot runs throughout. Fifty pairs chat at a fixed rate; beside them twenty customers sit in
sessions, each on a socket that streams, and ask: an assistant that is switched off, a model that
answers at once, or one that never answers, drips without end, or refuses. They take turns, several
times, and each counts against its round.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from websockets.asyncio.client import connect

from benchmarks import report
from benchmarks.cast import Cast, hire
from benchmarks.run import Scenario, choose_cores, load
from benchmarks.servers import CONTENDERS, HOST, Contender, Server, on_core, running

Loading = Callable[[Server, Cast], dict[str, Any]]
RESULTS = Path(__file__).resolve().parent / "results" / "assistant.json"
IDLE = "idle"
# A model in no trouble: what questions cost that have an answer.
WELL = "answers"
TROUBLES = ("hangs", "drips", "refuses")
WAYS = (IDLE, WELL, *TROUBLES)
GOAL = 1.1
ASKERS = 20
DRIP_SECONDS = 0.1
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
ANSWER = "It is so because it was so yesterday, and nobody has found a reason to change it since."
# Between two questions of one customer; of all together there are four a second.
ASKING_SECONDS = 5.0
SETTLE_SECONDS = 60
# A loader that is later than this was kept waiting by the machine, and the server with it.
LATE_MS = 10
FIGURES = ("delivery_p50_ms", "delivery_p99_ms", "loader_behind_p99_ms")


class Stub:
    """A model's endpoint, in a trouble or well: ``way`` says in which.

    It tells how many requests it had, and has at the moment.
    """

    def __init__(self) -> None:
        self.way = WELL
        self.requests = 0
        self.at_work = 0
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> "Stub":
        self._server = await asyncio.start_server(self._on_connection, HOST, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                self.at_work += 1
                try:
                    await self._answer(reader, writer)
                finally:
                    self.at_work -= 1
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.way == "refuses":
            body = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            writer.write(body)
            await writer.drain()
            return
        if self.way == WELL:
            words = [_piece(f"{word} ") for word in ANSWER.split()]
            writer.write(b"".join([STREAM_HEAD, *words, _piece("", "stop"), b"data: [DONE]\n\n"]))
            await writer.drain()
            return
        gone = asyncio.create_task(_until_gone(reader))
        try:
            if self.way == "drips":
                await self._drip(writer, gone)
            await gone
        finally:
            gone.cancel()

    async def _drip(self, writer: asyncio.StreamWriter, gone: "asyncio.Task[None]") -> None:
        writer.write(STREAM_HEAD)
        # Models do not speak in chorus.
        await asyncio.sleep(self.requests % ASKERS * DRIP_SECONDS / ASKERS)
        while not gone.done():
            writer.write(_piece("drip "))
            await writer.drain()
            await asyncio.wait([gone], timeout=DRIP_SECONDS)


def _piece(text: str, end: str | None = None) -> bytes:
    """The event that says a piece of an answer."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": end}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


async def _until_gone(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


@dataclass(frozen=True)
class Advised(Contender):
    """folkmoot with a model."""

    model: str = ""
    at_once: int = 4

    def environment(self, data: Path) -> dict[str, str]:
        return super().environment(data) | {
            "FOLKMOOT_ASSISTANT_BASE_URL": self.model,
            "FOLKMOOT_ASSISTANT_MODEL": "in-trouble",
            "FOLKMOOT_ASSISTANT_AT_ONCE": str(self.at_once),
            "FOLKMOOT_ASSISTANT_SECONDS": "600",
            "FOLKMOOT_ASSISTANT_TOKENS_PER_ACCOUNT_A_DAY": "0",
            "FOLKMOOT_ASSISTANT_TOKENS_A_DAY": "0",
        }


@dataclass
class Askers:
    """Customers who ask again and again, whether they were answered or not."""

    server: Server
    tokens: list[str]
    assistant: bool
    said: int = 0
    shown: int = 0
    sessions: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, number: int, token: str, ready: asyncio.Event) -> None:
        """Ask in a session of one's own, for ever, at a pace that no answer changes."""
        rest = self.server.rest
        body = {"title": "question", "assistant": self.assistant}
        made = await asyncio.to_thread(rest.post, "/api/v1/chat/sessions", body, token)
        self.sessions.append((made["id"], token))
        async with (
            connect(f"ws://{HOST}:{rest.port}/ws/chat?token={token}") as socket,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._listen(socket))
            await socket.send(json.dumps({"type": "join_session", "session_id": made["id"]}))
            pause = ASKING_SECONDS * number / ASKERS
            while True:
                question = {"type": "chat_message", "content": "Why is it so?", "stream": True}
                await socket.send(json.dumps(question | {"session_id": made["id"]}))
                self.said += 1
                ready.set()
                await asyncio.sleep(pause)
                pause = ASKING_SECONDS

    async def _listen(self, socket: Any) -> None:
        async for frame in socket:
            self.shown += json.loads(frame)["type"] == "message_delta"


@asynccontextmanager
async def asking(server: Server, cast: Cast, *, assistant: bool) -> AsyncIterator[Askers]:
    """Every asker has asked; in the end their sessions are closed, and nothing is owed them."""
    askers = Askers(server, cast.tokens[:ASKERS], assistant)
    readies = [asyncio.Event() for _ in askers.tokens]
    pairs = enumerate(zip(askers.tokens, readies, strict=True))
    tasks = [asyncio.create_task(askers.ask(number, *pair)) for number, pair in pairs]
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            await asyncio.gather(*(ready.wait() for ready in readies))
        yield askers
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(end, asyncio.CancelledError):
                print(f"an asker failed: {end!r}", file=sys.stderr)
        for session, token in askers.sessions:
            path = f"/api/v1/chat/sessions/{session}/close"
            await asyncio.to_thread(server.rest.post, path, {}, token)


async def measured(
    server: Server, cast: Cast, stub: Stub, way: str, begun: int, loading: Loading
) -> dict[str, Any]:
    """The figures of the chat beside this way, and how much of it there was.

    The load begins once ``begun`` questions have come as far as the model.
    """
    stub.way, before = way, stub.requests
    async with asking(server, cast, assistant=way != IDLE) as askers:
        async with asyncio.timeout(SETTLE_SECONDS):
            # Polled: the stub is told of in numbers, and nothing is measured yet.
            while way != IDLE and stub.requests - before < begun:  # noqa: ASYNC110  # see above
                await asyncio.sleep(0.05)
        result = await asyncio.to_thread(loading, server, cast)
    async with asyncio.timeout(SETTLE_SECONDS):
        while stub.at_work:  # noqa: ASYNC110  # as above: nothing is measured any more
            await asyncio.sleep(0.05)
    return {
        "way": way,
        "figures": result["figures"],
        "problems": result["problems"],
        "requests": stub.requests - before,
        "questions": askers.said,
        "deltas": askers.shown,
    }


async def play(options: argparse.Namespace, cores: dict[str, int | None]) -> list[dict[str, Any]]:
    """All runs, the order turning from one round to the next."""
    quick, runs = options.quick, []
    few = {"pairs": options.pairs, "warm_up": 1 if quick else 5, "beside_others": True}
    rate = {"rate": 50, "seconds": 1} if quick else {"rate": 200, "seconds": options.seconds}
    scenario = Scenario("latency", "latency", few | rate)
    loading = partial(load, scenario=scenario, core=cores["loader"])
    begun = min(ASKERS, options.at_once)
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        async with Stub() as stub:
            ours = CONTENDERS["folkmoot"]
            contender = Advised(
                ours.name,
                ours.title,
                ours.module,
                durable=True,
                model=stub.url,
                at_once=options.at_once,
            )
            data = Path(folder) / "data"
            data.mkdir()
            # Who asks and who is asked must not take the server's time either.
            with (
                running(contender, data, cores["server"]) as server,
                on_core(cores["loader"]),
            ):
                size = max(ASKERS, 2 * options.pairs)
                cast = await asyncio.to_thread(hire, server.rest, size, ("conversations",))
                for turn in range(options.repeats):
                    start = turn % len(WAYS)
                    for way in WAYS[start:] + WAYS[:start]:
                        run = await measured(server, cast, stub, way, begun, loading)
                        runs.append({"turn": turn} | run)
                        print(line_of(runs[-1]), flush=True)
    return runs


def line_of(run: dict[str, Any]) -> str:
    if run["problems"]:
        return f"{run['turn'] + 1} {run['way']:8} VOID: {'; '.join(run['problems'])}"
    p50, p99, behind = (run["figures"][name] for name in FIGURES)
    return (
        f"{run['turn'] + 1} {run['way']:8} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  "
        f"(loader late by {behind:.2f} ms; {run['questions']} questions, "
        f"{run['requests']} requests, {run['deltas']} deltas)"
    )


def summarise(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Medians of each way, and of its p99 as a multiple of two others' of the same round.

    Runs in which the loader itself was late count only where a way has no others.
    """
    sound = [run for run in runs if not run["problems"]]
    in_time = [run for run in sound if run["figures"]["loader_behind_p99_ms"] <= LATE_MS]
    ways = [{run["way"] for run in each} for each in (in_time, sound)]
    good = in_time if ways[0] == ways[1] else sound
    p99s = {(run["way"], run["turn"]): run["figures"]["delivery_p99_ms"] for run in good}
    summary: dict[str, dict[str, float]] = {}
    for way in WAYS:
        chosen = [run for run in good if run["way"] == way]
        if not chosen:
            continue
        summary[way] = {name: median(run["figures"][name] for run in chosen) for name in FIGURES}
        summary[way]["runs"] = len(chosen)
        for base in (IDLE, WELL):
            turns = [run["turn"] for run in chosen if (base, run["turn"]) in p99s]
            ratios = [p99s[way, turn] / p99s[base, turn] for turn in turns]
            if ratios:
                summary[way][f"p99_of_{base}"] = median(ratios)
    return summary


def print_summary(summary: dict[str, dict[str, float]]) -> None:
    print(f"\n{'model':10}{'p50 ms':>9}{'p99 ms':>9}{'x idle':>9}{'x answers':>11}{'runs':>6}")
    for way, facts in summary.items():
        p50, p99, _ = (facts[name] for name in FIGURES)
        idle, well = (facts.get(f"p99_of_{base}", 0.0) for base in (IDLE, WELL))
        print(f"{way:10}{p50:9.2f}{p99:9.2f}{idle:9.2f}{well:11.2f}{facts['runs']:6.0f}")
    print(f"goal: at most {GOAL} x")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assistant", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean nothing"
    )
    parser.add_argument("--repeats", type=int, help="rounds (12)")
    parser.add_argument("--pairs", type=int, help="two-person conversations (50)")
    parser.add_argument("--at-once", type=int, default=4, help="answers worked on at once (4)")
    parser.add_argument("--seconds", type=int, default=3, help="of chat in one run (3)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    for name, (quick, full) in {"repeats": (1, 12), "pairs": (10, 50)}.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    return options


def main() -> int:
    options = parse()
    cores = choose_cores()
    facts = report.machine(cores)
    runs = asyncio.run(play(options, cores))
    summary = summarise(runs)
    print_summary(summary)
    document = {"machine": facts, "quick": options.quick, "runs": runs, "summary": summary}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=2) + "\n")
    void = sum(bool(run["problems"]) for run in runs)
    print(f"all figures: {options.output}" + (f"; {void} runs are void" if void else ""))
    return 1 if void else 0


if __name__ == "__main__":
    sys.exit(main())
