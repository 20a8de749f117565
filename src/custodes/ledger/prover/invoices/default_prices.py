"""The price list that applies where the operator gives none: data beside this file.

Source: AWS's public price page for us-east-1; prices marked as assumptions in our notes (user operations, top tier of
group 2, liveness) should be checked before anybody is billed.
"""

from __future__ import annotations

from importlib import resources


def default_prices() -> bytes:
    """JSON of the default price list."""
    return resources.files("custodes.ledger.prover.invoices").joinpath("prices.json").read_bytes()
