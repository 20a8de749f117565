"""The ASGI application: the API, health, metrics, and the border behind which no error passes.

In: an ``AppParts`` record from the composition root. Out: an ASGI application for any server. It reads no settings and
starts no server. The server (uvicorn) adds the ``Date`` header, which clients with a wrong clock correct themselves
by, so that option stays on; ``SERVER_OPTIONS`` holds what else the server needs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from traceback import extract_tb
from types import MappingProxyType
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.edge.aws.errors import INTERNAL, UNKNOWN_OPERATION, ApiError, body
from custodes.edge.aws.eventstream.event_stream import MAX_MESSAGE_BYTES
from custodes.edge.aws.model import CONTENT_TYPE, SERVICE, Service
from custodes.edge.aws.query import FORM
from custodes.edge.aws.sigv4 import Scope
from custodes.edge.aws.sts import SERVICE as STS
from custodes.edge.aws.sts import open_sts
from custodes.edge.aws.wire import Handler, JsonWire, Wire
from custodes.edge.endpoints.api import Api, Limits
from custodes.edge.endpoints.authentication import Authentication
from custodes.edge.endpoints.dispatch import Dispatcher
from custodes.edge.endpoints.event_stream import EventParts, EventStreamLimits, EventStreams
from custodes.edge.endpoints.liveness_stream import LivenessStreams, StreamLimits
from custodes.edge.endpoints.reviews import Act, routes
from custodes.edge.endpoints.signed import SignedEndpoint
from custodes.edge.http.cors import CrossOrigin
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.metrics import Metrics
from custodes.edge.http.protocol import GuardedProtocol
from custodes.edge.http.workers import Workers
from custodes.governance.limits import AccountLimits
from custodes.jobs.schedule import ScheduleState
from custodes.operations.accounts.throttle import Throttle, no_overrides
from custodes.operations.liveness.use_cases import FaceLiveness
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.ports import KeyLookup
from custodes.operations.requests.receipts import receipt_of
from custodes.operations.requests.recent import RecentRequests
from custodes.operations.screening.ports import ScreeningFreshness
from custodes.operations.streams.events import StreamEvents

SERVER_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "http": GuardedProtocol,
        "ws": "websockets-sansio",
        "ws_max_size": MAX_MESSAGE_BYTES,
        # What is compressed may be a thousand times as large as it looks.
        "ws_per_message_deflate": False,
        "server_header": False,
        "date_header": True,
        "access_log": False,
        "proxy_headers": False,
    }
)
"""Keyword arguments for ``uvicorn.Config`` that this application counts on."""


_MAX_REASON_LENGTH = 200
_DEFECT, _RESTARTS = 1011, 1012
"""Source: RFC 6455, 7.4.1, and its registry of close codes: an unexpected condition, the service restarts."""
_STOPPED = "ServerStopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParts:
    """What the application is made of.

    Attributes:
        service: the API's model, from ``load_service``.
        handlers: by operation name; all other operations are refused, saying so.
        reasons: why an operation has no handler, where there is more to say than that.
        throttle: who may send more requests now.
        sts_handlers: the same for operations of STS.
        keys: access keys. ``find`` is called on the event loop, so it answers from memory.
        clock: tells when a signature is too old.
        region: ours, that stands in ARNs.
        accepted_regions: regions that requests may be signed for beside it; None for every region of AWS.
        page_origins: origins whose web pages may call the API, ``*`` for all.
        request_ids: gives a new id for each request.
        ready: whether ``/healthz`` may answer 200. Must not block.
        limits: what clients may use up.
        metrics_public: answer ``/metrics`` to anybody. Otherwise only to the machine itself (a loopback address, and
            not on behalf of somebody else through a proxy).
        extra_routes: looked at before our own, but for ``POST /``.
        failed: what a request of these routes that failed as nobody expected is answered, by the request and its id;
            None for an error as the API has them.
        review_actions: what ``/custodes/v1/reviews`` does, by operation; without any, nothing is there.
        schedules: how fresh periodic work is, for ``/metrics``.
        health: what ``/healthz`` tells beside whether the server is ready. Must not block.
        screening: how fresh the screening of customers is, for ``/metrics``.
        recent: remembers the last requests, for people.
        gate, liveness: what streams of face liveness pass, and what serves them; without, there are none.
        stream_limits: what these may use up.
        events: what serves streams of events, within ``gate``; without, there are none.
        event_limits: what these may use up.
    """

    service: Service
    handlers: Mapping[str, Handler]
    keys: KeyLookup
    clock: Clock
    region: str
    request_ids: Callable[[], RequestId]
    ready: Callable[[], bool]
    accepted_regions: frozenset[str] | None = None
    page_origins: Sequence[str] = ("*",)
    reasons: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=lambda: Throttle(AccountLimits(), no_overrides, time.monotonic))
    sts_handlers: Mapping[str, Handler] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    metrics_public: bool = False
    extra_routes: Sequence[BaseRoute] = ()
    failed: Callable[[Request, RequestId], Response | None] = lambda *_: None
    review_actions: Mapping[str, Act] = field(default_factory=dict)
    schedules: Callable[[], Sequence[ScheduleState]] = tuple
    health: Callable[[], Mapping[str, object]] = dict
    screening: Callable[[], ScreeningFreshness] | None = None
    recent: RecentRequests = field(default_factory=RecentRequests)
    gate: Gate | None = None
    liveness: FaceLiveness | None = None
    stream_limits: StreamLimits = field(default_factory=StreamLimits)
    events: StreamEvents | None = None
    event_limits: EventStreamLimits = field(default_factory=EventStreamLimits)


def create_app(parts: AppParts) -> ASGIApp:
    """Put the application together.

    Raises:
        ValueError: a handler or a reason is for an operation that the API does not have.
    """
    metrics = Metrics(parts.schedules, parts.screening)
    json_wire, workers = JsonWire(parts.service), Workers(parts.limits.worker_threads)
    json = Dispatcher(parts.service, json_wire, parts.handlers, parts.reasons, workers)
    sts_service, sts_wire = open_sts()
    sts = Dispatcher(sts_service, sts_wire, parts.sts_handlers, {}, workers)
    rekognition = _api(parts, json_wire, json, SERVICE)
    services = _ServiceRouter(rekognition, _api(parts, sts_wire, sts, STS))
    signed = SignedEndpoint(_authentication(parts, SERVICE), parts.throttle, workers)
    router = Router(
        routes=[
            *parts.extra_routes,
            *routes(signed, parts.review_actions),
            *_streams(parts),
            *_events(parts),
            Route("/", CrossOrigin(services, parts.page_origins)),
            *(Route(path, CrossOrigin(rekognition, parts.page_origins)) for path in parts.service.own),
            Route("/healthz", _health(parts.ready, parts.health)),
            Route("/metrics", _figures(metrics, public=parts.metrics_public)),
        ],
        redirect_slashes=False,
        default=_nothing_here,
    )
    return _ErrorBoundary(_FastPath(services, router), Watchers(metrics, parts.recent), parts)


def _api(parts: AppParts, wire: Wire, dispatcher: Dispatcher, service: str) -> Api:
    return Api(wire, dispatcher, _authentication(parts, service), parts.throttle, parts.limits)


def _streams(parts: AppParts) -> Sequence[BaseRoute]:
    if parts.gate is None or parts.liveness is None:
        return ()
    authentication = _authentication(parts, SERVICE)
    return LivenessStreams(
        parts.gate, parts.liveness, authentication, parts.throttle, parts.clock, parts.stream_limits
    ).routes()


def _events(parts: AppParts) -> Sequence[BaseRoute]:
    if parts.gate is None or parts.events is None:
        return ()
    authentication = _authentication(parts, SERVICE)
    event_parts = EventParts(parts.service, parts.gate, parts.events, authentication, parts.throttle, parts.clock)
    return EventStreams(event_parts, parts.event_limits).routes()


def _authentication(parts: AppParts, service: str) -> Authentication:
    return Authentication(parts.keys, Scope(parts.region, service, parts.accepted_regions), parts.clock)


class _FastPath:
    """Requests to the API that come from no web page, which nearly all are, go past the router."""

    def __init__(self, services: ASGIApp, router: ASGIApp) -> None:
        self._services = services
        self._router = router

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        api = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/"
        plain = api and not any(name == b"origin" for name, _ in scope["headers"])
        await (self._services if plain else self._router)(scope, receive, send)


class _ServiceRouter:
    """Two APIs at one address: forms are for STS, everything else is for Rekognition."""

    def __init__(self, rekognition: ASGIApp, sts: ASGIApp) -> None:
        self._rekognition = rekognition
        self._sts = sts

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        form = headers.get(b"content-type", b"").lower().startswith(FORM.encode())
        inner = self._sts if form and b"x-amz-target" not in headers else self._rekognition
        await inner(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told of every request: figures over all time for machines, and of the last minutes for people."""

    metrics: Metrics
    recent: RecentRequests


class _ErrorBoundary:
    """Gives every request an id, counts and logs it, and answers for what nobody expected."""

    def __init__(self, inner: ASGIApp, watchers: Watchers, parts: AppParts) -> None:
        self._inner = inner
        self._watchers = watchers
        self._request_ids = parts.request_ids
        self._failed = parts.failed
        self._log = structlog.get_logger("custodes.edge")

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        exchange = Exchange(self._request_ids())
        exchange.put(scope)
        started = time.perf_counter()
        self._watchers.metrics.arrived()

        open_ended = False

        async def send_with_id(message: Message) -> None:
            nonlocal open_ended
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *exchange.headers()]
            open_ended = message["type"] == "http.response.start" or bool(message.get("more_body"))
            await send(message)

        try:
            await self._inner(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # The server stops, and has waited for as long as it may.
            exchange.code = _STOPPED
            await _cut_off(scope, send, started=bool(exchange.status), open_ended=open_ended)
        except Exception as error:  # noqa: BLE001 the outermost border: the client gets an answer, the log the reason
            exchange.code, exchange.receipt = INTERNAL, receipt_of(error)
            self._explain(error, exchange)
            if scope["type"] == "websocket":
                exchange.status = 500
                await send({"type": "websocket.close", "code": _DEFECT})
            elif not exchange.status:
                page = self._failed(Request(scope), exchange.request_id)
                response = page or _error(ApiError(INTERNAL, "Internal server error"), exchange)
                await response(scope, receive, send_with_id)
        finally:
            # The server writes the answer out when this returns; the line in the log can wait for that.
            asyncio.get_running_loop().call_soon(self._record, exchange, time.perf_counter() - started)

    def _explain(self, error: Exception, exchange: Exchange) -> None:
        # Not the exception itself: renderers of logs may print local variables, and those hold pictures and secrets.
        self._log.error(
            "unexpected error",
            request_id=exchange.request_id,
            operation=exchange.operation,
            error=type(error).__name__,
            reason=str(error)[:_MAX_REASON_LENGTH],
            frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)],
        )

    def _record(self, exchange: Exchange, seconds: float) -> None:
        self._watchers.metrics.left(exchange.operation or "-", exchange.code, seconds)
        if exchange.operation is not None:
            self._watchers.recent.add(exchange.operation, seconds, failed=exchange.status >= HTTPStatus.BAD_REQUEST)
            self._log.info(
                "request",
                request_id=exchange.request_id,
                operation=exchange.operation,
                code=exchange.code,
                status=exchange.status,
                ms=round(seconds * 1000, 2),
                # Who could not be told from the signature has no account.
                **({} if exchange.account is None else {"account": exchange.account}),
            )


def _error(error: ApiError, exchange: Exchange) -> Response:
    headers = {"x-amzn-errortype": error.code}
    return Response(body(error, exchange.request_id), error.status, headers, media_type=CONTENT_TYPE)


def _health(ready: Callable[[], bool], more: Callable[[], Mapping[str, object]]) -> Callable[[Request], Any]:
    async def health(_: Request) -> Response:
        serving = ready()
        return JSONResponse({"status": "ready" if serving else "starting", **more()}, 200 if serving else 503)

    return health


def _figures(metrics: Metrics, *, public: bool) -> Callable[[Request], Any]:
    async def figures(request: Request) -> Response:
        if public or _is_local(request):
            return Response(metrics.text(), media_type="text/plain; version=0.0.4")
        return PlainTextResponse("metrics are for this machine only\n", 403)

    return figures


def _is_local(request: Request) -> bool:
    """Whether the machine itself asks, and not a proxy on it for somebody else."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _cut_off(scope: AsgiScope, send: Send, *, started: bool, open_ended: bool) -> None:
    """End an answer that the server does not wait for any more, so that the client sees an end and no defect is logged.

    What had a length is left short, which clients notice; what had not begun is told to come back.
    """
    with suppress(OSError, RuntimeError):
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _RESTARTS})
        elif not started:
            headers = [(b"content-length", b"0"), (b"retry-after", b"1"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        elif open_ended:
            await send({"type": "http.response.body", "body": b""})


async def _nothing_here(scope: AsgiScope, receive: Receive, send: Send) -> None:
    """Any path that is not ours."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    exchange = Exchange.of(scope)
    exchange.code = UNKNOWN_OPERATION
    response = _error(ApiError(UNKNOWN_OPERATION, "Nothing is here; the API is at POST /.", 404), exchange)
    await response(scope, receive, send)
