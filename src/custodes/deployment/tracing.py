"""OpenTelemetry traces of requests, when a collector is configured: where the time of a use goes.

In: the ports of a deployment. Out: the same ports, each call of which is a span: ``decide``, ``slot``, ``engine.*``,
``gallery.*``, ``record``, all below one span per request. A span has the name of the operation, its outcome and its
time; no account, no id, no picture, no text of an error. Without a collector nothing is wrapped, and the libraries
(extra ``otel``) are not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar, cast

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.engine.ports import FaceEngine
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate, Permit, Policy, Recorder, Step
from custodes.operations.requests.receipts import Released

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

P = TypeVar("P")
R = TypeVar("R")

_ENGINE = {name: f"engine.{name}" for name in ("detect", "describe", "embed", "inspect", "liveness")}
_GALLERY = {
    name: f"gallery.{name}"
    for name in ("search_faces", "search_users", "add_faces", "delete_faces", "faces", "set_user_faces")
}


class Tracing:
    """Puts spans around the ports of a deployment."""

    def __init__(self, tracer: Tracer) -> None:
        """Make spans with ``tracer``."""
        self._tracer = tracer

    def engine(self, engine: FaceEngine) -> FaceEngine:
        """The engine with a span for each look at a picture."""
        return self._spanned(engine, _ENGINE)

    def gallery(self, gallery: Gallery) -> Gallery:
        """The gallery with a span for each search and change."""
        return self._spanned(gallery, _GALLERY)

    def gate(self, policy: Policy, recorder: Recorder, active: Callable[[AccountId], bool]) -> Gate:
        """A gate with a span for each request, and below it for the decision, the slot and the record."""
        decided = self._spanned(policy, {"decide": "decide"})
        recorded = self._spanned(recorder, {"reserve": "slot", "record": "record", "enter": "record"})
        return _TracedGate(self, decided, recorded, active)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """A span; what is raised in it leaves its class, and nothing of its text."""
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except Exception as error:
                span.set_attribute("custodes.error", type(error).__name__)
                raise

    def _spanned(self, port: P, names: Mapping[str, str]) -> P:
        return cast(P, _Spanned(self, port, names))


class _Spanned:
    """Stands in front of a port; calls of the methods in ``names`` are spans, everything else goes through."""

    def __init__(self, tracing: Tracing, port: object, names: Mapping[str, str]) -> None:
        self._port = port
        for method, name in names.items():
            setattr(self, method, _in_span(tracing, name, getattr(port, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def _in_span(tracing: Tracing, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def spanned(*arguments: Any, **named: Any) -> Any:
        with tracing.span(name):
            return call(*arguments, **named)

    return spanned


class _TracedGate(Gate):
    def __init__(
        self, tracing: Tracing, policy: Policy, recorder: Recorder, active: Callable[[AccountId], bool]
    ) -> None:
        super().__init__(policy, recorder, active)
        self._tracing = tracing

    def perform(self, context: Context, command: Any, run: Callable[[Any, Any], R]) -> Released[R]:
        """See Gate."""
        with self._tracing.span(command.operation):
            return super().perform(context, command, run)

    def perform_step(self, whole: Permit, context: Context, command: Any, run: Callable[[Any, Any], R]) -> Step[R]:
        """See Gate."""
        with self._tracing.span(command.operation):
            return super().perform_step(whole, context, command, run)


@contextmanager
def open_tracing(endpoint: str) -> Iterator[Tracing | None]:
    """Spans to the collector at ``endpoint`` (OTLP over HTTP) until the end of the block; None where there is none.

    Raises:
        UnavailableError: the libraries are not installed.
    """
    if not endpoint:
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise UnavailableError("otlp_endpoint is set, but OpenTelemetry is not installed: custodes[otel]") from error
    resource = Resource.create({"service.name": "custodes", "service.version": version("custodes")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    try:
        yield Tracing(provider.get_tracer("custodes"))
    finally:
        provider.shutdown()
