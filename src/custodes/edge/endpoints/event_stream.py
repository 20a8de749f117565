"""``GET /custodes/v1/events``: events of live searches as they come, as a page, as server-sent events or by WebSocket.

In: a signed request without a body, in its head or as a presigned URL, with the members of ListStreamEvents in its
query; ``Last-Event-ID`` counts as ``After``. Out: events in their order, each with its place, from which the next
request goes on without gap or repetition, also after a restart of either side. Whenever there is something to tell, the
request passes the gate again: it is decided for whoever opened the stream, and is a use on record, before anything is
sent. A stream ends after an hour at most, so that who may not sign any more does not listen on.

Source: HTML standard, "Server-sent events"; RFC 6455.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, ThrottledError
from custodes.core.ids import AccountId
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.errors import INVALID_PARAMETER, SERIALIZATION, ApiError, api_error, body
from custodes.edge.aws.model import CONTENT_TYPE, Operation, Service, ShapeKind
from custodes.edge.aws.parse import parse
from custodes.edge.aws.serialize import serialize
from custodes.edge.aws.translate.streams.events import events_command, events_output
from custodes.edge.aws.validate import validate
from custodes.edge.endpoints.authentication import Authentication
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.stopping import sleep_until, stopping
from custodes.edge.http.workers import Workers
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import Released, receipt_of
from custodes.operations.streams.events import EventPage, ListStreamEvents, StreamEvents

OPERATION = "ListStreamEvents"
EVENT_STREAM = "text/event-stream"
_FIELDS = 64
_CLOSED, _REFUSED = 1000, 1008
"""Source: RFC 6455, 7.4.1: a normal end; against the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStreamLimits:
    """What streams may use up.

    Attributes:
        streams: at the same time, of all accounts.
        account_streams: of these, of one account.
        stream_s: how long one may last.
        look_s: how often it is looked whether there is something new.
        idle_s: how often something is sent while there is nothing to tell, so that nobody in between hangs up.
        readers: looks at the same time.
    """

    streams: int = 256
    account_streams: int = 64
    stream_s: float = 3600.0
    look_s: float = 0.25
    idle_s: float = 15.0
    readers: int = 2


@dataclass(frozen=True, slots=True)
class EventParts:
    """What the streams are made of."""

    service: Service
    gate: Gate
    events: StreamEvents
    authentication: Authentication
    throttle: Throttle
    clock: Clock


class EventStreams:
    """Serves streams of events."""

    def __init__(self, parts: EventParts, limits: EventStreamLimits) -> None:
        """Serve ``parts`` within ``limits``."""
        self._parts = parts
        self._limits = limits
        self._operation = parts.service.known[OPERATION]
        self._path = next(path for path, own in parts.service.own.items() if own.name == OPERATION)
        self._readers = Workers(limits.readers)
        self._open: Counter[AccountId] = Counter()

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [Route(self._path, self.get, methods=["GET"]), WebSocketRoute(self._path, self.socket)]

    async def get(self, request: Request) -> Response:
        """One page, or server-sent events where the client accepts these."""
        exchange = Exchange.of(request.scope)
        exchange.operation = OPERATION
        try:
            context, command = self._asked(request, exchange)
            if EVENT_STREAM not in request.headers.get("accept", ""):
                with self._parts.throttle.passing(context.caller.account_id, OPERATION):
                    released = await self._read(context, command)
                exchange.receipt = released.receipt
                return Response(self._page(released.result), media_type=CONTENT_TYPE)
            with self._parts.throttle.passing(context.caller.account_id, OPERATION):
                self._check_room(context.caller.account_id)
        except (ApiError, CustodesError) as error:
            return _refusal(error, exchange)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        events = self._sent_events(context, command, stopping(request.scope))
        return StreamingResponse(events, 200, headers, media_type=EVENT_STREAM)

    async def socket(self, websocket: WebSocket) -> None:
        """Events as JSON texts, and ``{"After": PLACE}`` while there is nothing to tell; the client says nothing."""
        exchange = Exchange.of(websocket.scope)
        exchange.operation = OPERATION
        await websocket.accept()
        try:
            context, command = self._asked(websocket, exchange)
            with self._parts.throttle.passing(context.caller.account_id, OPERATION):
                self._check_room(context.caller.account_id)
            await self._tell(websocket, context, command)
            exchange.status = 200
        except (ApiError, CustodesError) as error:
            refusal = _noted(error, exchange)
            await websocket.send_text(body(refusal, exchange.request_id).decode())
            await websocket.close(_REFUSED)
        except WebSocketDisconnect:
            exchange.code = "ClientGone"
        else:
            if websocket.application_state is WebSocketState.CONNECTED:
                await websocket.close(_CLOSED)

    async def _tell(self, websocket: WebSocket, context: Context, command: ListStreamEvents) -> None:
        """Pages until the stream's time is over or the client is gone, whichever is first."""
        gone = asyncio.create_task(_until_gone(websocket))
        sending = asyncio.create_task(self._send_pages(websocket, context, command))
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise WebSocketDisconnect
            await sending
        finally:
            gone.cancel()
            sending.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)

    async def _send_pages(self, websocket: WebSocket, context: Context, command: ListStreamEvents) -> None:
        # A socket is closed by the server itself when that stops.
        async with aclosing(self._pages(context, command, asyncio.Event())) as pages:
            async for page in pages:
                for _, event in self._spelled(page):
                    await websocket.send_text(event.decode())
                if not page.events:
                    await websocket.send_text(orjson.dumps({"After": page.after}).decode())

    async def _sent_events(
        self, context: Context, command: ListStreamEvents, ends: asyncio.Event
    ) -> AsyncGenerator[bytes, None]:
        """Blocks of a text/event-stream. Refusals that come later end it with an event of their own."""
        yield b"retry: 1000\n\n"
        try:
            async with aclosing(self._pages(context, command, ends)) as pages:
                async for page in pages:
                    for place, event in self._spelled(page):
                        kind = orjson.loads(event)["Kind"].lower()
                        yield b"id: %d\nevent: %s\ndata: %s\n\n" % (place, kind.encode(), event)
                    # A block with an id alone is no event, but a client that comes back goes on from there.
                    yield b"id: %d\n\n" % page.after
        except (ApiError, CustodesError) as error:
            refusal = error if isinstance(error, ApiError) else api_error(error)
            yield b"event: refused\ndata: %s\n\n" % body(refusal, context.request_id)

    async def _pages(
        self, context: Context, command: ListStreamEvents, ends: asyncio.Event
    ) -> AsyncGenerator[EventPage, None]:
        """What is there and what comes until ``ends``; an empty page now and then while nothing does."""
        loop, limits, account_id = asyncio.get_running_loop(), self._limits, context.caller.account_id
        end_s, told_s, seen = loop.time() + limits.stream_s, loop.time(), command.after
        with self._counted(account_id):
            while loop.time() < end_s and not ends.is_set():
                if await self._readers.run(account_id, self._parts.events.newest, account_id) > seen:
                    now = replace(context, ts_ms=self._parts.clock.now_ms())
                    page = (await self._read(now, replace(command, after=seen))).result
                    seen, told_s = page.after, loop.time()
                    yield page
                elif loop.time() - told_s >= limits.idle_s:
                    told_s = loop.time()
                    yield EventPage((), seen)
                else:
                    await sleep_until(ends, limits.look_s)

    async def _read(self, context: Context, command: ListStreamEvents) -> Released[EventPage]:
        parts = self._parts
        return await self._readers.run(
            context.caller.account_id, parts.gate.perform, context, command, parts.events.listing
        )

    def _asked(self, connection: HTTPConnection, exchange: Exchange) -> tuple[Context, ListStreamEvents]:
        """Who asks for what. Raises ApiError for a stranger, before anything is read."""
        scope = connection.scope
        path = scope.get("raw_path") or scope["path"].encode()
        request = SignedRequest("GET", path, scope["query_string"], join_headers(scope["headers"]))
        caller = self._parts.authentication.without_body(request)
        exchange.account = caller.account_id
        client, secure = scope.get("client"), scope.get("scheme") in ("https", "wss")
        origin = Origin(client[0] if client else "", secure, request.headers.get("user-agent", ""))
        now_ms = self._parts.clock.now_ms()
        params = parse(orjson.dumps(_members(connection, self._operation)), self._operation)
        validate(params, self._operation)
        return Context(caller, exchange.request_id, now_ms, origin), events_command(params, now_ms)

    def _page(self, page: EventPage) -> bytes:
        return serialize(events_output(page), self._operation)

    def _spelled(self, page: EventPage) -> Sequence[tuple[int, bytes]]:
        """Each event as the API spells it, with its place."""
        return [(event["Place"], orjson.dumps(event)) for event in orjson.loads(self._page(page))["Events"]]

    def _check_room(self, account_id: AccountId) -> None:
        limits = self._limits
        if self._open.total() >= limits.streams or self._open[account_id] >= limits.account_streams:
            raise ThrottledError("Slow down; too many streams of events are open.")

    @contextmanager
    def _counted(self, account_id: AccountId) -> Iterator[None]:
        self._check_room(account_id)
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
            if not self._open[account_id]:
                del self._open[account_id]


def _members(connection: HTTPConnection, operation: Operation) -> Mapping[str, Any]:
    """Members of the query, of the kinds that the model wants; those that the model does not have are not looked at.

    Raises:
        ApiError: a text stands for no such value, or there are too many fields.
    """
    try:
        query = parse_qs(connection.scope["query_string"].decode("latin-1"), max_num_fields=_FIELDS)
    except ValueError:
        raise ApiError(INVALID_PARAMETER, f"The query has more than {_FIELDS} fields.") from None
    found = {name: texts[-1] for name, texts in query.items() if name in operation.input.members}
    last = connection.headers.get("last-event-id")
    if last:
        found["After"] = last
    return {name: _value(name, text, operation.input.members[name].kind) for name, text in found.items()}


def _value(name: str, text: str, kind: ShapeKind) -> object:
    try:
        match kind:
            case ShapeKind.LONG | ShapeKind.INTEGER:
                return int(text)
            case ShapeKind.FLOAT:
                return float(text)
            case ShapeKind.BOOLEAN:
                return {"true": True, "false": False}[text]
            case _:
                return text
    except (ValueError, KeyError):
        raise ApiError(SERIALIZATION, f"The value at '{name}' must be of type {kind}") from None


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _noted(error: ApiError | CustodesError, exchange: Exchange) -> ApiError:
    refusal = error if isinstance(error, ApiError) else api_error(error)
    exchange.code, exchange.status, exchange.receipt = refusal.code, refusal.status, receipt_of(error)
    return refusal


def _refusal(error: ApiError | CustodesError, exchange: Exchange) -> Response:
    refusal = _noted(error, exchange)
    headers = {"x-amzn-errortype": refusal.code}
    return Response(body(refusal, exchange.request_id), refusal.status, headers, media_type=CONTENT_TYPE)
