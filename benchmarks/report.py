"""From runs to medians, ratios, a table and a JSON file."""

import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from rich.console import Console
from rich.table import Table

PACKAGES = ("folkmoot", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "websockets",
            "sqlalchemy", "aiosqlite", "msgspec", "python-socketio")  # fmt: skip
OURS = "folkmoot"
LOADER_LIMIT = 0.9


@dataclass(frozen=True)
class Metric:
    """A figure worth a line in the table."""

    scenario: str
    key: str
    title: str
    lower_is_better: bool = True

    @property
    def is_of_a_desk(self) -> bool:
        return self.scenario.endswith("-support")


METRICS = (
    Metric("fanout", "cpu_us_per_delivery", "fan-out: server CPU a delivery, µs"),
    Metric("fanout", "deliveries_per_second", "fan-out: deliveries/s", lower_is_better=False),
    Metric("fanout-w1", "cpu_us_per_delivery", "fan-out, window 1: CPU a delivery, µs"),
    Metric("fanout-sessions", "cpu_us_per_delivery", "fan-out, sessions: CPU a delivery, µs"),
    Metric("fanout-friends", "cpu_us_per_delivery", "fan-out, friends: CPU a delivery, µs"),
    Metric("fanout-assistant", "cpu_us_per_delivery", "fan-out, assistant: CPU a delivery, µs"),
    Metric("fanout-support", "cpu_us_per_delivery", "fan-out, support: CPU a delivery, µs"),
    Metric("pairs", "cpu_us_per_message", "pairs: server CPU a message, µs"),
    Metric("pairs", "messages_per_second", "pairs: messages/s", lower_is_better=False),
    Metric("pairs", "ack_p50_ms", "pairs: acknowledged, p50 ms"),
    Metric("pairs", "ack_p99_ms", "pairs: acknowledged, p99 ms"),
    Metric("latency", "delivery_p50_ms", "fixed rate: delivered, p50 ms"),
    Metric("latency", "delivery_p99_ms", "fixed rate: delivered, p99 ms"),
    Metric("idle", "kib_per_connection", "idle: KiB a connection"),
    Metric("idle", "connections_per_second", "idle: connects/s", lower_is_better=False),
    Metric("start", "cpu_ms", "start: server CPU until ready, ms"),
    Metric("start", "ready_ms", "start: ready after, ms"),
    Metric("idle-support", "kib_per_connection", "idle, support: KiB a connection"),
)

Summary = dict[str, dict[str, dict[str, dict[str, float]]]]


def machine(cores: Mapping[str, int | None]) -> dict[str, Any]:
    """Facts without which a figure means nothing."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "pinned": dict(cores),
        "load_average_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": versions,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 - not a file of ours
            return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def summarise(runs: list[dict[str, Any]]) -> Summary:
    """scenario -> contender -> figure -> median, min, max and number of the runs that count."""
    collected: dict[str, dict[str, dict[str, list[float]]]] = {}
    for run in runs:
        if not run["void"]:
            figures = collected.setdefault(run["scenario"], {}).setdefault(run["contender"], {})
            for key, figure in run["figures"].items():
                figures.setdefault(key, []).append(figure)
    return {
        scenario: {
            contender: {key: _spread(values) for key, values in figures.items()}
            for contender, figures in contenders.items()
        }
        for scenario, contenders in collected.items()
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "runs": len(values),
    }


def short_of_loader(runs: list[dict[str, Any]]) -> list[str]:
    """Where the loader's core, not the server's, set the pace; CPU figures still hold there."""
    busy = set()
    for run in runs:
        wall = run["figures"].get("wall_seconds", 0)
        if wall and run["figures"]["loader_cpu_seconds"] > LOADER_LIMIT * wall:
            busy.add(f"{run['scenario']} on {run['contender']}")
    return sorted(busy)


def ratios(summary: Summary) -> list[dict[str, Any]]:
    """For every metric, how many times better folkmoot's median is than each peer's."""
    rows = []
    for metric in METRICS:
        contenders = summary.get(metric.scenario, {})
        ours = contenders.get(OURS, {}).get(metric.key, {}).get("median")
        for contender, figures in contenders.items():
            if contender != OURS and ours:
                theirs = figures[metric.key]["median"]
                better = theirs / ours if metric.lower_is_better else ours / theirs
                rows.append({"metric": metric.title, "against": contender, "times_better": better})
    return rows


def print_tables(summary: Summary, titles: Mapping[str, str], facts: Mapping[str, Any]) -> None:
    """The chats and, against other servers, the desks; then the machine they were measured on."""
    console = Console()
    # Piped into a file there is no terminal to fit into; a cut-off figure would be no use there.
    console.width = max(console.width, 140)
    for desks in (False, True):
        metrics = [m for m in METRICS if m.scenario in summary and m.is_of_a_desk == desks]
        if metrics:
            console.print(_table(metrics, summary, titles))
    pinned = facts["pinned"]
    console.print(
        f"{facts['processor']}, {facts['cores']} cores (server on {pinned['server']}, loader on "
        f"{pinned['loader']}), Python {facts['python']}, {facts['system']}",
        highlight=False,
    )


def _table(metrics: list[Metric], summary: Summary, titles: Mapping[str, str]) -> Table:
    """Absolute figures as median (min-max), then how many times better folkmoot is."""
    table = Table(title="median (min-max) of the runs; x = times better for folkmoot")
    table.add_column("")
    present = {name for metric in metrics for name in summary[metric.scenario]}
    names = [name for name in titles if name in present]
    peers = [name for name in names if name != OURS] if OURS in names else []
    for name in names:
        table.add_column(titles[name], justify="right")
    for peer in peers:
        table.add_column(f"x {peer}", justify="right")
    better = {(row["metric"], row["against"]): row["times_better"] for row in ratios(summary)}
    for metric in metrics:
        figures = summary[metric.scenario]
        cells = [_cell(figures.get(name, {}).get(metric.key)) for name in names]
        times = [better.get((metric.title, peer)) for peer in peers]
        shown = ["-" if ratio is None else f"{ratio:.1f}" for ratio in times]
        table.add_row(metric.title, *cells, *shown)
    return table


def _cell(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "-"
    numbers = (_number(spread[key]) for key in ("median", "min", "max"))
    return "{} ({}-{})".format(*numbers)


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
