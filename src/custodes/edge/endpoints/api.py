"""``POST /``: the life of one API request, top to bottom.

In: an ASGI request. Out: an answer in the protocol of its service, or a modelled error. Every known error becomes its
answer here; what nobody expected passes on to the border in ``app``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.errors import (
    INVALID_PARAMETER,
    THROTTLED,
    UNKNOWN_OPERATION,
    ApiError,
    api_error,
)
from custodes.edge.aws.model import Operation, first_blob
from custodes.edge.aws.parse import too_long
from custodes.edge.aws.sigv4 import Claim, Scope, SignatureRefused, SigningKeys, claim, verify
from custodes.edge.aws.wire import Wire
from custodes.edge.endpoints.dispatch import Dispatcher
from custodes.edge.http.body import Body, BodyTooLongError, Buffer, ClientGoneError
from custodes.edge.http.exchange import Exchange
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.requests.context import Caller, Context, Origin
from custodes.operations.requests.ports import KeyLookup


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
        self,
        wire: Wire,
        dispatcher: Dispatcher,
        keys: KeyLookup,
        throttle: Throttle,
        *,
        scope: Scope,
        clock: Clock,
        limits: Limits,
    ) -> None:
        """Speak ``wire`` with whoever holds one of ``keys``, signed for ``scope``, as fast as ``throttle`` allows."""
        self._wire = wire
        self._dispatcher = dispatcher
        self._keys = keys
        self._throttle = throttle
        self._scope = scope
        self._clock = clock
        self._limits = limits
        self._signing_keys = SigningKeys()
        self._buffer = Buffer(limits.buffered_bytes)
        self._in_flight = 0

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange.of(scope)
        exchange.operation = "Unknown"
        headers = join_headers(scope["headers"])
        incoming = Body(receive, _declared_length(headers), self._buffer, self._limits.body_timeout_s)
        self._in_flight += 1
        try:
            response = await self._respond(scope, headers, incoming, exchange)
        except ClientGoneError:
            exchange.code = "ClientGone"
            return
        finally:
            self._in_flight -= 1
            incoming.release()
        await response(scope, receive, send)

    async def _respond(
        self, scope: AsgiScope, headers: Mapping[str, str], incoming: Body, exchange: Exchange
    ) -> Response:
        request = SignedRequest(scope["method"], scope["raw_path"], scope["query_string"], headers)
        extra: dict[str, str] = {}
        try:
            content, status = await self._answer(request, incoming, exchange, origin(scope, headers)), 200
        except (ApiError, CustodesError) as error:
            refusal = error if isinstance(error, ApiError) else api_error(error)
            await incoming.drop(self._limits.dropped_bytes)
            content, refusal = self._wire.failure(refusal, exchange.request_id)
            exchange.code, status = refusal.code, refusal.status
            extra["x-amzn-errortype"] = refusal.code
            if status == 405:
                extra["allow"] = "POST"
            if not incoming.complete:
                extra["connection"] = "close"
        return Response(content, status, extra, media_type=self._wire.content_type)

    async def _answer(self, request: SignedRequest, incoming: Body, exchange: Exchange, origin: Origin) -> bytes:
        """The steps. A stranger is turned away by step 3, before the body is read."""
        self._admit(request)
        announced = self._wire.announced(request)
        exchange.operation = announced.name
        claimed = self._claim(request)
        raw, sha256 = await self._read(incoming, announced)
        caller = self._verify(request, sha256, claimed)
        exchange.account = caller.account_id
        operation = self._wire.operation(announced, raw)
        exchange.operation = operation.name
        context = Context(caller, exchange.request_id, self._clock.now_ms(), origin)
        with self._throttle.passing(caller.account_id, operation.name):
            return await self._dispatcher.answer(operation, context, raw)

    def _admit(self, request: SignedRequest) -> None:
        if request.method != "POST":
            raise ApiError(UNKNOWN_OPERATION, "The API answers POST only.", 405)
        if self._in_flight > self._limits.in_flight:
            raise ApiError(THROTTLED, "Slow down; sudden increase in rate of requests.")

    def _claim(self, request: SignedRequest) -> Claim:
        claimed = claim(request, self._keys, self._clock.now_ms(), self._scope)
        if isinstance(claimed, SignatureRefused):
            raise ApiError(claimed.code, claimed.message)
        return claimed

    async def _read(self, incoming: Body, operation: Operation) -> tuple[bytes, str]:
        try:
            return await incoming.read(operation.max_body_bytes)
        except BodyTooLongError:
            blob = first_blob(operation.input)
            if blob is not None:
                raise too_long(operation, *blob) from None
            text = f"The request body is longer than {operation.max_body_bytes} bytes."
            raise ApiError(INVALID_PARAMETER, text) from None

    def _verify(self, request: SignedRequest, sha256: str, claimed: Claim) -> Caller:
        caller = verify(request, sha256, claimed, self._scope, self._signing_keys)
        if isinstance(caller, SignatureRefused):
            raise ApiError(caller.code, caller.message)
        return caller


def origin(scope: AsgiScope, headers: Mapping[str, str]) -> Origin:
    """Where a request came from. Behind a proxy on this machine the server has put in what that says of its client."""
    client = scope.get("client")
    return Origin(client[0] if client else "", scope.get("scheme") == "https", headers.get("user-agent", ""))


def _declared_length(headers: Mapping[str, str]) -> int | None:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else None
