"""What the parts of the server say of themselves, in Prometheus' words.

Everything is gathered when it is asked for: between two scrapes the metrics cost nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from folkmoot.bots.assistant import Assistant
from folkmoot.core.shared.refusals import ServerPart
from folkmoot.realtime.services import Services
from folkmoot.server.ops.health import Readiness
from folkmoot.storage.reporting import SECONDS, ReportingStorage
from folkmoot.tasks.runner import TaskRunner


@dataclass(frozen=True, slots=True)
class Measured:
    """The parts that are asked for their statistics."""

    services: Services
    storage: ReportingStorage
    readiness: Readiness
    assistant: Assistant
    tasks: TaskRunner
    http_refusals: Mapping[str, int]


class ServerCollector(Collector):
    """Asks each part for its statistics at every scrape."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        yield from self._writing()
        yield from self._delivering()
        yield from self._failing()
        yield from self._answering()

    def _writing(self) -> Iterator[Metric]:
        services = self._measured.services
        writer, storage = services.writer.statistics(), self._measured.storage.statistics()
        yield _count("messages_stored", "Messages that were stored", writer.messages)
        yield _count("batches_stored", "Transactions that stored something", writer.batches)
        yield _gauge("writer_waiting", "Entries that wait to be stored", writer.waiting)
        yield _counts("writer_refusals", "Refused drafts and jobs", "code", writer.refusals)
        bounds = [*map(str, SECONDS), "+Inf"]
        yield HistogramMetricFamily(
            "folkmoot_commit_seconds",
            "How long a transaction took that stored something",
            buckets=list(zip(bounds, map(float, storage.writes.counts), strict=True)),
            sum_value=storage.writes.total_seconds,
        )
        yield _count("storage_reads", "Units of work that read", storage.reads)
        yield _count("storage_failures", "Units of work that failed", storage.failed)
        yield _gauge("storage_unfinished", "Units of work that wait or run", storage.unfinished)

    def _delivering(self) -> Iterator[Metric]:
        services = self._measured.services
        hub, outboxes, bus = (
            services.hub.statistics(),
            services.tick.statistics(),
            services.bus.statistics(),
        )
        by_contract = services.hub.connections_by_contract()
        yield _gauges("connections", "Open sockets", "contract", by_contract)
        yield _gauge("accounts_connected", "Accounts with a socket", hub.accounts)
        yield _gauge("conversations_heard", "Conversations listened to here", hub.conversations)
        yield _count("slow_readers_closed", "Sockets closed as too slow", outboxes.slow_closes)
        yield _count("frames_dropped", "Frames kept from slow readers", outboxes.dropped_frames)
        yield _count("bus_published", "Batches of events published", bus.published)
        yield _count("bus_heard", "Batches of events of other processes", bus.heard)
        yield _count("bus_dropped", "Batches of events that were lost", bus.dropped)
        yield _gauge("bus_waiting", "Batches of events that wait", bus.waiting)
        yield _gauge("bus_deaf", "1 where events of others may be missing", bus.is_deaf)

    def _failing(self) -> Iterator[Metric]:
        health = self._measured.readiness.health
        failing = {failure.part for failure in health.failures()}
        is_up = {str(part): part not in failing for part in ServerPart}
        yield _gauges("part_up", "1 where a part of the server is well", "part", is_up)
        unavailable = CounterMetricFamily(
            "folkmoot_unavailable", "What could not be done", labels=["part", "code"]
        )
        for (part, code), count in health.counts.items():
            unavailable.add_metric([part, code], count)
        yield unavailable
        yield _counts(
            "http_refusals", "HTTP requests that were refused", "code", self._measured.http_refusals
        )
        lag = self._measured.readiness.statistics()
        yield _gauge("loop_lag_seconds", "How late the event loop was last", lag.lag_seconds)
        yield _gauge("loop_lag_longest_seconds", "At most so far", lag.longest_lag_seconds)

    def _answering(self) -> Iterator[Metric]:
        tasks = self._measured.tasks.statistics()
        yield _gauge("tasks_running", "Durable tasks under way", tasks.running)
        yield _count("tasks_failed", "Attempts at a task that failed", tasks.failures)
        writing = self._measured.assistant.statistics().writing
        yield _gauge("answers_writing", "Answers that are being written", writing)
        uploading = self._measured.services.files.statistics().uploading
        yield _gauge("uploads", "Uploads under way", uploading)


def _count(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"folkmoot_{name}", meaning, value=value)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"folkmoot_{name}", meaning, value=value)


def _counts(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"folkmoot_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"folkmoot_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
