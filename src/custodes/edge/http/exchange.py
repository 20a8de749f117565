"""One request and its answer as logs and metrics see them: who, what, how it ended. Never what was in it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope as AsgiScope

from custodes.core.ids import AccountId, RequestId

OK = "OK"
_KEY = "custodes.exchange"


@dataclass(slots=True)
class Exchange:
    """Filled in on the way.

    Attributes:
        request_id: given on arrival.
        operation: name of the operation once known, ``Unknown`` for any other request to the API, None elsewhere.
        account: once the signature was verified.
        code: ``OK`` or the code of the error answered.
        status: HTTP status once an answer was started, else 0.
    """

    request_id: RequestId
    operation: str | None = None
    account: AccountId | None = None
    code: str = OK
    status: int = 0

    def put(self, scope: AsgiScope) -> None:
        """Attach to ``scope``."""
        scope[_KEY] = self

    @staticmethod
    def of(scope: AsgiScope) -> Exchange:
        """The exchange that ``scope`` belongs to."""
        exchange: Exchange = scope[_KEY]
        return exchange
