"""One request and its answer as headers, logs and metrics see them: who, what, how it ended. Never what was in it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope as AsgiScope

from custodes.core.ids import AccountId, RequestId
from custodes.ledger.tlog.entry import b64url
from custodes.operations.requests.receipts import GateReceipt

OK = "OK"
_KEY = "custodes.exchange"
INDEX_HEADER, RECEIPT_HEADER = b"x-custodes-ledger-index", b"x-custodes-receipt"
BODY_HEADER = b"x-custodes-receipt-body"


@dataclass(slots=True)
class Exchange:
    """Filled in on the way.

    Attributes:
        request_id: given on arrival.
        operation: name of the operation once known, ``Unknown`` for any other request to the API, None elsewhere.
        account: once the signature was verified.
        code: ``OK`` or the code of the error answered.
        status: HTTP status once an answer was started, else 0.
        receipt: evidence that the request is on record, result or error, where it is.
    """

    request_id: RequestId
    operation: str | None = None
    account: AccountId | None = None
    code: str = OK
    status: int = 0
    receipt: GateReceipt | None = None

    def put(self, scope: AsgiScope) -> None:
        """Attach to ``scope``."""
        scope[_KEY] = self

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the answer, whatever it is."""
        headers = [(b"x-amzn-requestid", self.request_id.encode("ascii"))]
        if self.receipt is not None:
            headers.append((INDEX_HEADER, b"%d" % self.receipt.index))
            headers.append((RECEIPT_HEADER, self.receipt.token.encode("ascii")))
            if self.receipt.body:
                headers.append((BODY_HEADER, b64url(self.receipt.body).encode("ascii")))
        return headers

    @staticmethod
    def of(scope: AsgiScope) -> Exchange:
        """The exchange that ``scope`` belongs to."""
        exchange: Exchange = scope[_KEY]
        return exchange
