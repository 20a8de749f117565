"""What keeping faces costs: each for the part of a month that it was kept.

In: changes in the number of stored faces. Out: one line of a bill, exact. Uses are metered in ``verifier.invoices``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from custodes.ledger.verifier.invoices.meter import Charge, Month
from custodes.ledger.verifier.invoices.prices import PriceList

# Fractions of a face-month are rounded to this; far below what an invoice shows.
_PLACES = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class StorageChange:
    """At ``t`` (ms) the number of faces that an account keeps changed by ``delta``."""

    t: int
    delta: int


def storage_charge(changes: Iterable[StorageChange], month: Month, prices: PriceList) -> Charge | None:
    """Price of the faces kept in ``month``, each for the part of the month that it was kept; None if there were none.

    Args:
        changes: all changes since the account was opened, in any order; those after the month do not matter.
        month: the month.
        prices: price of one face for a whole month.
    """
    face_ms = sum(change.delta * (month.end - max(change.t, month.begin)) for change in changes if change.t < month.end)
    if face_ms <= 0:
        return None
    # The quantity is rounded, so that anybody gets the amount from what stands on the bill.
    quantity = (Decimal(face_ms) / Decimal(month.end - month.begin)).quantize(_PLACES, ROUND_HALF_EVEN)
    return Charge("storage", "Faces kept", "face-month", ((quantity, prices.storage),))
