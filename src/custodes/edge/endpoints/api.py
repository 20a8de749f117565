"""``POST /``: the life of one API request, top to bottom.

In: an ASGI request. Out: an answer in the protocol of its service, or a modelled error. Every known error becomes its
answer here; what nobody expected passes on to the border in ``app``.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from custodes.core.errors import CustodesError, NotReadyError
from custodes.edge.aws.canonical import SignedRequest
from custodes.edge.aws.errors import INVALID_PARAMETER, THROTTLED, UNKNOWN_OPERATION, ApiError
from custodes.edge.aws.model import Operation, first_blob
from custodes.edge.aws.parse import too_long
from custodes.edge.aws.wire import Wire
from custodes.edge.endpoints.authentication import Arrival, Authentication
from custodes.edge.endpoints.dispatch import Dispatcher
from custodes.edge.http.body import Buffer, ClientGoneError
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.requests.receipts import Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may use up.

    Attributes:
        worker_threads: handlers running at the same time.
        in_flight: requests held at the same time; more are throttled.
        buffered_bytes: bodies held at the same time, all together.
        body_timeout_s: seconds in which a body must be complete.
        dropped_bytes: how much of a refused body is read away before the connection is cut.
    """

    worker_threads: int = 8
    in_flight: int = 256
    buffered_bytes: int = 512 * 1024 * 1024
    body_timeout_s: float = 60.0
    dropped_bytes: int = 64 * 1024 * 1024


class Api:
    """The ASGI application at ``/``, and at the paths of operations that only this server has."""

    def __init__(
        self, wire: Wire, dispatcher: Dispatcher, authentication: Authentication, throttle: Throttle, limits: Limits
    ) -> None:
        """Speak ``wire`` with whoever ``authentication`` lets through, as fast as ``throttle`` allows."""
        self._wire = wire
        self._dispatcher = dispatcher
        self._authentication = authentication
        self._throttle = throttle
        self._limits = limits
        self._buffer = Buffer(limits.buffered_bytes)
        self._in_flight = 0

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        arrival = Arrival.of(scope, receive, self._buffer, self._limits.body_timeout_s)
        exchange = arrival.exchange
        exchange.operation = "Unknown"
        self._in_flight += 1
        try:
            response = await self._respond(arrival)
        except ClientGoneError:
            exchange.code = "ClientGone"
            return
        finally:
            self._in_flight -= 1
            arrival.body.release()
        await response(scope, receive, send)

    async def _respond(self, arrival: Arrival) -> Response:
        exchange = arrival.exchange
        extra: dict[str, str] = {}
        try:
            released, status = await self._answer(arrival), 200
            content, exchange.receipt = released.result, released.receipt
        except (ApiError, CustodesError) as error:
            refusal = arrival.refused(error)
            await arrival.body.drop(self._limits.dropped_bytes)
            content, refusal = self._wire.failure(refusal, exchange.request_id)
            exchange.code, status = refusal.code, refusal.status
            extra["x-amzn-errortype"] = refusal.code
            if isinstance(error, NotReadyError):
                extra["retry-after"] = str(error.retry_after_s)
            if status == 405:
                extra["allow"] = "POST"
            if not arrival.body.complete:
                extra["connection"] = "close"
        return Response(content, status, extra, media_type=self._wire.content_type)

    async def _answer(self, arrival: Arrival) -> Released[bytes]:
        """The steps. A stranger is turned away by the third, before the body is read."""
        self._admit(arrival.request)
        announced = self._wire.announced(arrival.request)
        arrival.exchange.operation = announced.name
        limit = announced.max_body_bytes
        context, raw = await self._authentication.context(arrival, limit, lambda: _body_too_long(announced))
        operation = self._wire.operation(announced, raw)
        arrival.exchange.operation = operation.name
        with self._throttle.passing(context.caller.account_id, operation.name):
            return await self._dispatcher.answer(operation, context, raw)

    def _admit(self, request: SignedRequest) -> None:
        if request.method != "POST":
            raise ApiError(UNKNOWN_OPERATION, "The API answers POST only.", 405)
        if self._in_flight > self._limits.in_flight:
            raise ApiError(THROTTLED, "Slow down; sudden increase in rate of requests.")


def _body_too_long(operation: Operation) -> ApiError:
    blob = first_blob(operation.input)
    if blob is not None:
        return too_long(operation, *blob)
    return ApiError(INVALID_PARAMETER, f"The request body is longer than {operation.max_body_bytes} bytes.")
