"""Counters for Prometheus.

In: finished exchanges. Out: the text that ``GET /metrics`` answers. Labels come from closed sets (operations of the
model, codes of our tables), so a client cannot make them grow.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# From a listing (a millisecond) to a large picture on a busy machine.
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The API's own registry; nothing is shared with other applications of the process."""

    def __init__(self) -> None:
        """Start from zero."""
        self._registry = CollectorRegistry()
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
