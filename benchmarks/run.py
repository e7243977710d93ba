"""`make bench`: every server under the same load on one machine, and the figures side by side."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.cast import Cast
from benchmarks.rest import Rest
from benchmarks.servers import (
    CONTENDERS,
    HOST,
    ROOT,
    Contender,
    Server,
    Stage,
    is_installed,
    on_core,
)
from benchmarks.wire import SHAPES

RESULTS = Path(__file__).resolve().parent / "results" / "latest.json"
LOADS = (
    "fanout",
    "fanout-w1",
    *(f"fanout-{contract}" for contract in ("sessions", "friends", "assistant", "support")),
    "pairs",
    "latency",
    "idle",
    "idle-support",
    "start",
)
LOAD_SECONDS = 90
# Descriptors that a server or the loader needs beside its sockets.
SPARE_FILES = 200


@dataclass(frozen=True)
class Scenario:
    """One line of the programme: which load, how big."""

    name: str
    kind: str
    options: dict[str, Any]
    contract: str = "conversations"

    @property
    def staffed(self) -> bool:
        """Whether everybody but the customer is of staff."""
        return self.kind == "fanout" and self.contract == "support"

    def targets(self, cast: Cast) -> Sequence[tuple[int | str, ...]]:
        match self.kind:
            case "fanout":
                return cast.hall_targets(self.options["listeners"], self.contract)
            case "idle":
                return cast.crowd_targets(
                    self.options["connections"] + self.options["warm_up"], self.contract
                )
            case _:
                return cast.pair_targets(self.options["pairs"])


def programme(options: argparse.Namespace) -> list[Scenario]:
    """What is played, in order, at full size or just enough to show that it works."""
    quick = options.quick
    hall = {"listeners": options.listeners, "warm_up": 3 if quick else 20}
    few = {"pairs": options.pairs, "warm_up": 1 if quick else 5}
    talk = {"messages_a_pair": 5, "seconds": 1} if quick else {"messages_a_pair": 200, "seconds": 2}
    rate = {"rate": 100, "seconds": 0.5} if quick else {"rate": 200, "seconds": 3}
    crowd = {
        "connections": options.connections,
        "warm_up": 5 if quick else 50,
        "steady_samples": 3 if quick else 10,
    }
    many, fewer = (20, 10) if quick else (600, 250)
    scenarios = [
        Scenario("fanout", "fanout", hall | {"window": options.window, "messages": many}),
        Scenario("fanout-w1", "fanout", hall | {"window": 1, "messages": fewer}),
        *(
            Scenario(
                f"fanout-{contract}",
                "fanout",
                hall | {"window": options.window, "messages": many},
                contract=contract,
            )
            for contract in ("sessions", "friends", "assistant", "support")
        ),
        Scenario("pairs", "pairs", few | talk),
        Scenario("latency", "latency", few | rate),
        Scenario("idle", "idle", crowd),
        Scenario("idle-support", "idle", crowd, contract="support"),
        Scenario("start", "start", {}),
    ]
    if options.only:
        return [s for s in scenarios if options.only in (s.name, s.kind)]
    # Window 1 runs the same code as window 10: a smoke test learns nothing from it.
    return [s for s in scenarios if not (quick and s.name == "fanout-w1")]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean nothing"
    )
    parser.add_argument(
        "--only",
        choices=LOADS,
    )
    parser.add_argument("--servers", help=f"some of {','.join(CONTENDERS)}; all that are installed")
    parser.add_argument("--repeats", type=int, help="runs of each scenario on each server (3)")
    parser.add_argument("--listeners", type=int, help="who hears each message in fan-out (200)")
    parser.add_argument(
        "--window", type=int, default=10, help="unanswered messages in fan-out (10)"
    )
    parser.add_argument("--pairs", type=int, help="two-person conversations (50)")
    parser.add_argument("--connections", type=int, help="idle connections (2000)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    sizes = {"repeats": (1, 3), "listeners": (10, 200), "pairs": (5, 50), "connections": (50, 2000)}
    for name, (quick, full) in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    return options


def choose_contenders(wanted: str | None) -> list[Contender]:
    """The named servers, or all that can be started here; says which are missing."""
    names = wanted.split(",") if wanted else list(CONTENDERS)
    if unknown := set(names) - set(CONTENDERS):
        sys.exit(
            f"no such server: {', '.join(sorted(unknown))}; choose from {', '.join(CONTENDERS)}"
        )
    chosen = [CONTENDERS[name] for name in names]
    missing = [contender for contender in chosen if not is_installed(contender)]
    for contender in missing:
        print(f"{contender.name} cannot be started here and is left out")
    return [contender for contender in chosen if contender not in missing]


def choose_cores() -> dict[str, int | None]:
    """One core for the server, another for the loader, where the system has both to give."""
    if not hasattr(os, "sched_getaffinity"):
        print("this system pins no processes: the figures will be noisy")
        return {"server": None, "loader": None}
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        print("one core only: the loader takes time from the server, so compare CPU figures alone")
    return {"server": allowed[0], "loader": allowed[-1]}


def raise_file_limit(connections: int) -> None:
    """Let this process and its children open as many sockets as the system permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        sys.exit(f"{connections} idle connections need {needed} open files, the limit is {hard}: "
                 "raise `ulimit -Hn` or lower --connections")  # fmt: skip
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def load(server: Server, cast: Cast, scenario: Scenario, core: int | None) -> dict[str, Any]:
    """Play the scenario from a process of its own; its figures, problems and what was said."""
    plan = {
        "kind": scenario.kind,
        "host": HOST,
        "port": server.rest.port,
        "pid": server.pid,
        "targets": scenario.targets(cast),
        "options": scenario.options,
    }
    with on_core(core):
        loader = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        printed, _ = loader.communicate(json.dumps(plan), timeout=LOAD_SECONDS)
        return json.loads(printed)
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        loader.kill()
        loader.wait()
        return {"figures": {}, "problems": [f"the loader failed: {error}"], "said": {}}


def check_history(
    rest: Rest, cast: Cast, said: dict[str, list[str]], contract: str
) -> Iterator[str]:
    """What was said and what history keeps must be the same, message for message, in order."""
    for conversation, contents in said.items():
        address = SHAPES[contract].history.format(conversation)
        kept = rest.history(address, cast.token_for(conversation), SHAPES[contract].content)
        if kept != contents:
            yield f"conversation {conversation}: {len(contents)} said, {len(kept)} in history"
            if len(kept) == len(contents):
                yield f"conversation {conversation}: the words or their order differ"


def measure(
    stage: Stage, contender: Contender, scenario: Scenario, cores: dict[str, int | None]
) -> dict[str, Any]:
    """One run. It is void, and counts for nothing, if anything at all went wrong in it."""
    result: dict[str, Any] = {"figures": {}, "problems": [], "said": {}}
    last_words = ""
    try:
        stage_is_set = stage.performance(contender, cores["server"], scenario.staffed)
        with stage_is_set as (server, cast):
            if scenario.kind == "start":
                result["figures"] = server.start
            else:
                result = load(server, cast, scenario, cores["loader"])
            result["problems"] += check_history(
                server.rest, cast, result["said"], scenario.contract
            )
            if result["problems"]:
                last_words = server.last_words()
    except (OSError, LookupError, ValueError) as error:
        result["problems"].append(f"{type(error).__name__}: {error}")
    return {
        "scenario": scenario.name,
        "contender": contender.name,
        "options": scenario.options,
        "figures": result["figures"],
        "stored_messages": sum(len(contents) for contents in result["said"].values()),
        "problems": result["problems"],
        "void": bool(result["problems"]),
        "server_log": last_words,
    }


def play_all(
    options: argparse.Namespace, contenders: list[Contender], cores: dict[str, int | None]
) -> list[dict[str, Any]]:
    """All runs. Servers take turns within a scenario, so that a slow minute hits each of them."""
    scenarios = programme(options)
    cast_size = max(options.listeners + 1, 2 * options.pairs)
    runs = []
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        stage = Stage(Path(folder), cast_size)
        for turn in range(options.repeats):
            for scenario in scenarios:
                for contender in contenders:
                    if scenario.contract not in contender.contracts:
                        continue
                    start = time.monotonic()
                    run = {"turn": turn} | measure(stage, contender, scenario, cores)
                    runs.append(run)
                    verdict = "VOID: " + "; ".join(run["problems"]) if run["void"] else "ok"
                    seconds = time.monotonic() - start
                    print(f"{turn + 1}/{options.repeats} {scenario.name:15} {contender.name:15}"
                          f" {seconds:5.1f} s  {verdict}", flush=True)  # fmt: skip
    return runs


def main() -> int:
    options = parse()
    contenders = choose_contenders(options.servers)
    cores = choose_cores()
    raise_file_limit(options.connections)
    facts = report.machine(cores)
    runs = play_all(options, contenders, cores)
    summary = report.summarise(runs)
    titles = {contender.name: contender.title for contender in contenders}
    report.print_tables(summary, titles, facts)
    document = {
        "machine": facts,
        "quick": options.quick,
        "runs": runs,
        "summary": summary,
        "ratios": report.ratios(summary),
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=2) + "\n")
    for name in report.short_of_loader(runs):
        print(f"{name}: the loader was as busy as it can be, so the server's rate is a lower bound")
    void = sum(run["void"] for run in runs)
    if void:
        print(f"{void} of {len(runs)} runs are void and count for nothing; the JSON says why")
    print(f"all figures: {options.output}")
    return 1 if void else 0


if __name__ == "__main__":
    sys.exit(main())
