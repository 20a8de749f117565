"""Counters for Prometheus.

In: finished exchanges, the states of schedules and of screening. Out: the text that ``GET /metrics`` answers. Labels
come from closed sets (operations of the model, codes of our tables, names of schedules), so a client cannot make them
grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from custodes.jobs.schedule import ScheduleState
from custodes.operations.screening.ports import ScreeningFreshness

# From a listing (a millisecond) to a large picture on a busy machine.
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The API's own registry; nothing is shared with other applications of the process."""

    def __init__(
        self,
        schedules: Callable[[], Iterable[ScheduleState]] = tuple,
        screening: Callable[[], ScreeningFreshness] | None = None,
    ) -> None:
        """Start from zero; ``schedules`` and ``screening`` are asked each time the figures are."""
        self._registry = CollectorRegistry()
        self._registry.register(_Schedules(schedules))
        if screening is not None:
            self._registry.register(_Screening(screening))
        self._requests = Counter(
            "custodes_requests", "Requests answered.", ("operation", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "custodes_request_seconds",
            "Time from the request's first byte to the answer's last.",
            ("operation",),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._in_flight = Gauge("custodes_requests_in_flight", "Requests being worked on.", registry=self._registry)

    def arrived(self) -> None:
        """A request to the API came in."""
        self._in_flight.inc()

    def left(self, operation: str, code: str, seconds: float) -> None:
        """A request that had arrived is done."""
        self._in_flight.dec()
        self._requests.labels(operation, code).inc()
        self._seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """All figures in the Prometheus text format."""
        return generate_latest(self._registry)


class _Schedules(Collector):
    """How fresh periodic work is: when each schedule last did its work, and how its runs ended."""

    def __init__(self, schedules: Callable[[], Iterable[ScheduleState]]) -> None:
        self._schedules = schedules

    def collect(self) -> Iterable[Metric]:
        """The figures of this moment."""
        fresh = GaugeMetricFamily(
            "custodes_schedule_last_success_timestamp_seconds",
            "When scheduled work was last done, since the epoch; 0 before the first time.",
            labels=("schedule",),
        )
        due = GaugeMetricFamily(
            "custodes_schedule_due_timestamp_seconds", "When it is due next, since the epoch.", labels=("schedule",)
        )
        runs = CounterMetricFamily(
            "custodes_schedule_runs", "Runs of scheduled work, by how they ended.", labels=("schedule", "outcome")
        )
        for state in self._schedules():
            fresh.add_metric((state.name,), (state.succeeded_ts_ms or 0) / 1000)
            due.add_metric((state.name,), state.due_ts_ms / 1000)
            for outcome, count in (
                ("succeeded", state.succeeded),
                ("failed", state.failed),
                ("defect", state.defects),
            ):
                runs.add_metric((state.name, outcome), count)
        return (fresh, due, runs)


class _Screening(Collector):
    """How fresh the screening of customers is."""

    def __init__(self, screening: Callable[[], ScreeningFreshness]) -> None:
        self._screening = screening

    def collect(self) -> Iterable[Metric]:
        """The figures of this moment."""
        found = self._screening()
        customers = GaugeMetricFamily(
            "custodes_screening_customers", "Customers by the verdict of their screening.", labels=("verdict",)
        )
        for verdict in ("clear", "review", "blocked"):
            customers.add_metric((verdict,), found.verdicts.get(verdict, 0))
        behind = GaugeMetricFamily(
            "custodes_screening_customers_behind", "Customers not yet held against the newest lists.", found.behind
        )
        oldest = GaugeMetricFamily(
            "custodes_screening_oldest_timestamp_seconds",
            "When the customer that was screened longest ago was, since the epoch; 0 without customers.",
            (found.oldest_at_ms or 0) / 1000,
        )
        return (customers, behind, oldest)
