"""Receipts on their way from the gate to the headers of an answer, whichever way that answer takes.

In: a receipt under its request's id, from the gate's worker thread. Out: two headers, once. Results, refusals and
defects leave by different ways; only the outermost border sees all of them, so that is where receipts are put on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from custodes.core.ids import RequestId
from custodes.operations.requests.gate import GateReceipt

INDEX_HEADER = "x-custodes-ledger-index"
RECEIPT_HEADER = "x-custodes-receipt"


class ReceiptDesk:
    """Receipts of the requests that are being answered."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._waiting: dict[RequestId, GateReceipt] = {}

    def leave(self, request_id: RequestId, receipt: GateReceipt) -> None:
        """Keep ``receipt`` until the answer to its request leaves."""
        with self._lock:
            self._waiting[request_id] = receipt

    def take(self, request_id: RequestId) -> GateReceipt | None:
        """The receipt of ``request_id``, once."""
        with self._lock:
            return self._waiting.pop(request_id, None)

    def headers(self, request_id: RequestId) -> Mapping[str, str]:
        """Headers for the answer to ``request_id``; nothing for one without an entry, or when asked again."""
        receipt = self.take(request_id)
        return {} if receipt is None else {INDEX_HEADER: str(receipt.index), RECEIPT_HEADER: receipt.token}
