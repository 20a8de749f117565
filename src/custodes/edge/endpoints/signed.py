"""Signed JSON requests beside the API's own: who sent one, held to the same limits, answered with the same errors.

In: a request with a signature for the API's service and region, and the work to do for whoever signed it. Out: a JSON
answer, or an error in the API's form. It knows no operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from custodes.core.errors import CustodesError
from custodes.edge.aws.errors import INVALID_PARAMETER, ApiError, body
from custodes.edge.endpoints.authentication import Arrival, Authentication
from custodes.edge.http.body import Buffer
from custodes.edge.http.workers import Workers
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.requests.context import Context
from custodes.operations.requests.receipts import Released

MAX_BODY_BYTES = 16 * 1024
_BUFFERED_BYTES = 4 * 1024 * 1024
_TIMEOUT_S = 20.0
_JSON = "application/json"

Work = Callable[[Context, bytes], Released[Mapping[str, Any]]]
"""Called on a worker thread with the body; raises what handlers of the API raise."""


class SignedEndpoint:
    """Receives signed requests."""

    def __init__(self, authentication: Authentication, throttle: Throttle, workers: Workers) -> None:
        """Serve whoever ``authentication`` lets through, on ``workers``, as fast as ``throttle`` allows."""
        self._authentication = authentication
        self._throttle = throttle
        self._workers = workers
        self._buffer = Buffer(_BUFFERED_BYTES)

    async def serve(self, request: Request, operation: str, work: Work) -> Response:
        """Answer one request by ``work``."""
        arrival = Arrival.of(request.scope, request.receive, self._buffer, _TIMEOUT_S)
        exchange = arrival.exchange
        exchange.operation = operation
        extra: dict[str, str] = {}
        try:
            found, status = await self._answer(arrival, operation, work), 200
            content, exchange.receipt = found.result, found.receipt
        except (ApiError, CustodesError) as error:
            refusal = arrival.refused(error)
            exchange.code = refusal.code
            content, status = body(refusal, exchange.request_id), refusal.status
            extra["x-amzn-errortype"] = refusal.code
            if not arrival.body.complete:
                extra["connection"] = "close"
        finally:
            arrival.body.release()
        return Response(content, status, extra, media_type=_JSON)

    async def _answer(self, arrival: Arrival, operation: str, work: Work) -> Released[bytes]:
        context, raw = await self._authentication.context(arrival, MAX_BODY_BYTES, _too_long)
        account_id = context.caller.account_id
        with self._throttle.passing(account_id, operation):
            found = await self._workers.run(account_id, work, context, raw)
        return found.map(orjson.dumps)


def _too_long() -> ApiError:
    return ApiError(INVALID_PARAMETER, f"The body is longer than {MAX_BODY_BYTES} bytes.")
