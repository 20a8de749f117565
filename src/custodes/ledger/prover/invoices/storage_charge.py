"""What keeping faces costs: each for the part of a month that it was kept.

In: for how long faces were kept. Out: one line of a bill, exact. Uses are metered in ``verifier.invoices``.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from custodes.ledger.verifier.invoices.meter import Charge, Month
from custodes.ledger.verifier.invoices.prices import PriceList

# Fractions of a face-month are rounded to this; far below what an invoice shows.
_PLACES = Decimal("0.000000001")


def storage_charge(face_ms: int, month: Month, prices: PriceList) -> Charge | None:
    """Price of the faces kept in ``month``, each for the part of the month that it was kept; None if there were none.

    Args:
        face_ms: milliseconds of the month for which faces were kept, of all faces together.
        month: the month.
        prices: price of one face for a whole month.
    """
    if face_ms <= 0:
        return None
    # The quantity is rounded, so that anybody gets the amount from what stands on the bill.
    quantity = (Decimal(face_ms) / Decimal(month.end - month.begin)).quantize(_PLACES, ROUND_HALF_EVEN)
    return Charge("storage", "Faces kept", "face-month", ((quantity, prices.storage),))
