"""From an operation's name to what answers it: a handler, or a plain refusal.

In: an operation, its context and the raw body. Out: bytes of the answer with their receipt, or a raised error. Handlers
are synchronous; the whole path from bytes to bytes runs in one worker thread, and accounts share these fairly. It knows
nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from custodes.core.errors import NotSupportedError
from custodes.edge.aws.model import Operation, Service
from custodes.edge.aws.validate import validate
from custodes.edge.aws.wire import Handler, Wire
from custodes.edge.http.workers import Workers
from custodes.operations.requests.context import Context
from custodes.operations.requests.receipts import Released

_GENERIC_REASON = "it is not implemented in this version"


class Dispatcher:
    """Every operation of the model, each with a handler or a reason why not."""

    def __init__(
        self,
        service: Service,
        wire: Wire,
        handlers: Mapping[str, Handler],
        reasons: Mapping[str, str],
        workers: Workers,
    ) -> None:
        """Answer with ``handlers`` on ``workers``; refuse all other operations of ``service`` with their reason.

        Raises:
            ValueError: a handler or reason is for an operation that does not exist.
        """
        strange = (handlers.keys() | reasons.keys()) - service.known.keys()
        if strange:
            raise ValueError(f"not operations of the API: {sorted(strange)}")
        self._wire = wire
        self._handlers = dict(handlers)
        self._reasons = dict(reasons)
        self._workers = workers

    async def answer(self, operation: Operation, context: Context, raw: bytes) -> Released[bytes]:
        """Answer one request.

        Raises:
            ApiError: the parameters do not fit the model.
            CustodesError: the handler refused, or NotSupportedError when there is none.
        """
        return await self._workers.run(context.caller.account_id, self._answer, operation, context, raw)

    def _answer(self, operation: Operation, context: Context, raw: bytes) -> Released[bytes]:
        handler = self._handlers.get(operation.name)
        if handler is None:
            reason = self._reasons.get(operation.name, _GENERIC_REASON)
            raise NotSupportedError(f"Operation {operation.name} is not supported by this server: {reason}")
        params = self._wire.parameters(raw, operation)
        validate(params, operation)
        return handler(context, params).map(lambda output: self._wire.answer(output, operation, context.request_id))
