"""What leaves the gate: a result or an error, each with the receipt of its record.

In: results of use cases and what was raised instead. Out: the same, with evidence. It writes no records itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")

_ATTRIBUTE = "custodes_receipt"


@dataclass(frozen=True, slots=True)
class GateReceipt:
    """Evidence of a record: its ledger index and a token that a third party can verify.

    ``body`` is the private part of the entry, for whoever made the request: it names the account, and the entry commits
    to it. Empty where nothing was used.
    """

    index: int
    token: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Released(Generic[R_co]):
    """A result that left the gate, with the receipt of its record where the recorder gives one."""

    result: R_co
    receipt: GateReceipt | None

    def map(self, change: Callable[[R_co], S]) -> Released[S]:
        """The changed result, still with its receipt; what ``change`` raises has the receipt, too."""
        with evidenced(self.receipt):
            return Released(change(self.result), self.receipt)


@contextmanager
def evidenced(receipt: GateReceipt | None) -> Iterator[None]:
    """Give ``receipt`` to whatever the block raises, for ``receipt_of``."""
    try:
        yield
    except Exception as error:
        give(error, receipt)
        raise


def give(error: Exception, receipt: GateReceipt | None) -> None:
    """Let ``error`` take ``receipt`` along.

    As an attribute and not as a wrapper, so that whoever handles errors by their class need not know of receipts.
    """
    error.__dict__[_ATTRIBUTE] = receipt


def receipt_of(error: BaseException) -> GateReceipt | None:
    """The receipt of the record of what ended in ``error``; None where there is none."""
    receipt: GateReceipt | None = error.__dict__.get(_ATTRIBUTE)
    return receipt
