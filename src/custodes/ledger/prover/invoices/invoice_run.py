"""Invoices of a month, and the one entry that commits to all of them.

In: counts of the uses of the log by account, a price list, random nonces. Out: a bill per account, and the fields of
the ``bil`` entry: root and totals of a sum tree over all bills. So every customer can check that the own bill is part
of the total that the log states, and everybody that the number of uses billed in a month is the number of uses in the
log. Amounts are exact decimals; only the total of a bill is rounded, half up, to hundredths. It does not send anything,
and knows no taxes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.invoices.storage_charge import storage_charge
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.maps.tree import SumTree
from custodes.ledger.prover.ports import LogReader
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import b64url, decode
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry, canonical
from custodes.ledger.verifier.invoices.invoice import Invoice, bill_key
from custodes.ledger.verifier.invoices.meter import Charge, Meter, Month
from custodes.ledger.verifier.invoices.prices import PriceList, parse_prices
from custodes.ledger.verifier.maps.head import parse_head
from custodes.ledger.verifier.maps.proof import Value

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class BillingRun:
    """All bills of a month. ``bills`` are JSON objects by account; ``fields`` go into the ``bil`` entry."""

    month: Month
    bills: Mapping[str, dict[str, object]]
    tree: SumTree
    fields: Mapping[str, int | str]


def load_prices(data: bytes) -> PriceList:
    """Read a price list file.

    Raises:
        PriceError: it is malformed.
        ValueError: it is not JSON.
    """
    return parse_prices(json.loads(data))


def bill_month(
    month: Month,
    tally: UseTally,
    prices: PriceList,
    nonce: Callable[[], bytes],
    replaces: int | None = None,
) -> BillingRun:
    """The bills of ``month``.

    Args:
        month: the month, which should be over: a ``bil`` entry counts all of its uses.
        tally: counts of the uses of the log that include all of the month.
        prices: the price list.
        nonce: gives 16 random bytes, so that nobody can guess a bill from its hash.
        replaces: index of the ``bil`` entry of the same month that this run takes the place of, if there is one.
    """
    tree = SumTree()
    bills: dict[str, dict[str, object]] = {}
    for account in sorted(tally.accounts(month)):
        meter, used = Meter(prices), (0, 0)
        for one in tally.calls(account, month):
            meter.add(one.facts, one.units, one.calls)
            used = (used[0] + one.calls, used[1] + one.units)
        kept = storage_charge(tally.face_ms(account, month), month, prices)
        charges = meter.charges() + ([kept] if kept else [])
        if charges:
            bill = _bill(account, month, charges, used, prices)
            bills[account] = bill = {**bill, "nonce": b64url(nonce()), "replaces": replaces}
            key = bill_key(bill)
            tree.put(key, Value(used[0], minor(_sum(charges)), key))
    head = tree.head()
    fields: dict[str, int | str] = {
        "n": head.count,
        "r": b64url(head.hash),
        "s": head.units,
        "x": str(month),
        "y": prices.currency,
        **({} if replaces is None else {"o": replaces}),
    }
    return BillingRun(month, bills, tree, fields)


def invoice(account: str, run: BillingRun, places: tuple[int, int], log: LogReader) -> Invoice:
    """The invoice of ``account`` with its proof, once the ``bil`` entry of ``run`` is in a published checkpoint.

    Args:
        account: whose.
        run: the bills of the month.
        places: where the ``bil`` entry stands, and a head of the account map behind it.
        log: the log.

    Raises:
        KeyError: the account has no bill in this month.
        ProofError: the checkpoint does not hold the entry yet.
    """
    bill = run.bills[account]
    checkpoint = log.checkpoint()
    size = parse_checkpoint(parse_note(checkpoint).text).size
    entry, head = (PlacedEntry(index, log.entry(index)) for index in places)
    counted = parse_head(decode(head.envelope))
    clock = tuple(log.clock_entries(counted.size)) if counted.clock_entries else ()
    proof = tuple(multiproof.make(sorted({*places, *(one.index for one in clock)}), size, log.node))
    return Invoice(bill, checkpoint, entry, encode_path(run.tree.path(bill_key(bill))), proof, head, clock)


def minor(amount: Decimal) -> int:
    """An amount in hundredths of the currency, rounded half up."""
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def price_digest(prices: PriceList) -> bytes:
    """Digest over all that a price list says."""
    groups = [
        [group.id, sorted(group.operations), group.feature, [[tier.up_to, str(tier.price)] for tier in group.tiers]]
        for group in prices.groups
    ]
    return sha256(canonical([prices.name, prices.currency, groups, str(prices.storage)])).digest()


def _sum(charges: Iterable[Charge]) -> Decimal:
    return sum((charge.amount for charge in charges), Decimal(0))


def _bill(
    account: str, month: Month, charges: list[Charge], used: tuple[int, int], prices: PriceList
) -> dict[str, object]:
    return {
        "account": account,
        "currency": prices.currency,
        "lines": [_line(charge) for charge in charges],
        "month": str(month),
        "prices": {"digest": b64url(price_digest(prices)), "name": prices.name},
        "sum": plain(_sum(charges)),
        "total": minor(_sum(charges)),
        "units": used[1],
        "uses": used[0],
    }


def _line(charge: Charge) -> dict[str, object]:
    return {
        "amount": plain(charge.amount),
        "group": charge.group,
        "operations": dict(charge.operations),
        "parts": [{"price": plain(price), "quantity": plain(count)} for count, price in charge.parts],
        "quantity": plain(charge.quantity),
        "title": charge.title,
        "unit": charge.unit,
    }


def plain(amount: Decimal) -> str:
    """A decimal number without exponent and without zeros at the end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
