"""Signed JSON requests beside the API's own: who sent one, held to the same limits, answered with the same errors.

In: a request with a signature for the API's service and region, and the work to do for whoever signed it. Out: a JSON
answer, or an error in the API's form. It knows no operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.errors import INVALID_PARAMETER, ApiError, api_error, body
from custodes.edge.aws.sigv4 import Scope, SignatureRefused, SigningKeys, claim, verify
from custodes.edge.endpoints.api import origin
from custodes.edge.http.body import Body, BodyTooLongError, Buffer
from custodes.edge.http.exchange import Exchange
from custodes.edge.http.workers import Workers
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.requests.context import Context
from custodes.operations.requests.ports import KeyLookup

MAX_BODY_BYTES = 16 * 1024
_BUFFERED_BYTES = 4 * 1024 * 1024
_TIMEOUT_S = 20.0
_JSON = "application/json"

Work = Callable[[Context, bytes], Mapping[str, Any]]
"""Called on a worker thread with the body; raises what handlers of the API raise."""


@dataclass(frozen=True, slots=True)
class SignedEndpoint:
    """Receives signed requests."""

    keys: KeyLookup
    scope: Scope
    clock: Clock
    throttle: Throttle
    workers: Workers
    signing_keys: SigningKeys
    buffer: Buffer

    @classmethod
    def open(cls, keys: KeyLookup, scope: Scope, clock: Clock, throttle: Throttle, workers: Workers) -> SignedEndpoint:
        """An endpoint for holders of ``keys`` that sign for ``scope``."""
        return cls(keys, scope, clock, throttle, workers, SigningKeys(), Buffer(_BUFFERED_BYTES))

    async def serve(self, request: Request, operation: str, work: Work) -> Response:
        """Answer one request by ``work``."""
        exchange = Exchange.of(request.scope)
        exchange.operation = operation
        headers = join_headers(request.scope["headers"])
        declared = headers.get("content-length", "")
        length = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else None
        incoming = Body(request.receive, length, self.buffer, _TIMEOUT_S)
        extra: dict[str, str] = {}
        try:
            content, status = await self._answer(request, headers, incoming, exchange, work), 200
        except (ApiError, CustodesError) as error:
            refusal = error if isinstance(error, ApiError) else api_error(error)
            exchange.code = refusal.code
            content, status = body(refusal, exchange.request_id), refusal.status
            extra["x-amzn-errortype"] = refusal.code
            if not incoming.complete:
                extra["connection"] = "close"
        finally:
            incoming.release()
        return Response(content, status, extra, media_type=_JSON)

    async def _answer(
        self, request: Request, headers: Mapping[str, str], incoming: Body, exchange: Exchange, work: Work
    ) -> bytes:
        scope = request.scope
        signed = SignedRequest(scope["method"], scope["raw_path"], scope["query_string"], headers)
        claimed = claim(signed, self.keys, self.clock.now_ms(), self.scope)
        if isinstance(claimed, SignatureRefused):
            raise ApiError(claimed.code, claimed.message)
        try:
            raw, sha256 = await incoming.read(MAX_BODY_BYTES)
        except BodyTooLongError:
            raise ApiError(INVALID_PARAMETER, f"The body is longer than {MAX_BODY_BYTES} bytes.") from None
        caller = verify(signed, sha256, claimed, self.scope, self.signing_keys)
        if isinstance(caller, SignatureRefused):
            raise ApiError(caller.code, caller.message)
        exchange.account = caller.account_id
        context = Context(caller, exchange.request_id, self.clock.now_ms(), origin(scope, headers))
        with self.throttle.passing(caller.account_id, exchange.operation or ""):
            found = await self.workers.run(caller.account_id, work, context, raw)
        return orjson.dumps(found)
