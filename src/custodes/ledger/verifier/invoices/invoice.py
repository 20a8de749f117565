"""An invoice that proves its place in the total that the log states, and the check of it.

In: bytes and a trust policy. Out: PRESENT (the invoice is part of the month's total), UNDETERMINED or INVALID.
Shape: ``{"digest": .., "invoice": {"bill", "checkpoint", "entry", "path", "proof", "v": 1}}``, as in ``statement``. A
bill stands in the month's sum tree under its own hash, which a nonce in it keeps from being guessed; its sums are the
number of its uses and its total in hundredths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

from custodes.ledger.tlog.entry import EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import NONE, TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, canonical, unwrap
from custodes.ledger.verifier.map_proof import MapError, MapNode, Value, look_up, parse_path
from custodes.ledger.verifier.multiproof import check_in_log

_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill (JSON object) with the ``bil`` entry that commits to it and the proofs."""

    bill: Mapping[str, object]
    checkpoint: bytes
    entry: PlacedEntry
    path: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class InvoiceVerdict:
    """``word`` is PRESENT, UNDETERMINED or INVALID, ``reasons`` why; ``limits`` are what it does not show."""

    word: str
    reasons: tuple[str, ...]
    limits: tuple[str, ...] = ()


LIMITS = (
    "That the uses on the bill are all uses of this account, and only those: ask for a statement about the same month "
    "and compare the number of uses and units.",
    "That the prices are the ones that were agreed.",
)


def bill_key(bill: Mapping[str, object]) -> bytes:
    """Where a bill stands in the month's tree, and what stands there as its root: its hash."""
    return sha256(b"custodes bill v1\n" + canonical(bill)).digest()


def parse(data: bytes) -> Invoice:
    """Read an invoice file.

    Raises:
        StatementError: the bytes are not exactly those of an invoice.
    """
    inner = Members(unwrap("invoice", data))
    if inner.index("v") != 1:
        raise StatementError("this invoice is of another version")
    bill = inner.take("bill")
    if not isinstance(bill, dict):
        raise StatementError("the bill is no object")
    result = Invoice(
        bill,
        inner.text("checkpoint").encode(),
        inner.placed("entry"),
        inner.binary("path"),
        inner.hashes("proof"),
    )
    inner.end()
    return result


def verify_invoice(data: bytes, policy: TrustPolicy) -> InvoiceVerdict:
    """Check an invoice."""
    try:
        invoice = parse(data)
        trusted = open_trusted(invoice.checkpoint, policy)
        check_in_log([(invoice.entry.index, invoice.entry.envelope)], trusted.checkpoint, invoice.proof)
        reasons = _check_bill(invoice)
    except (StatementError, TrustError, ProofError, EntryError, MapError) as error:
        return InvoiceVerdict("INVALID", (str(error),))
    if not trusted.quorum_met:
        return InvoiceVerdict("UNDETERMINED", ("too few of the witnesses that you trust confirmed this log",))
    if policy.quorum == NONE:
        reasons.append("your trust policy asks for no witnesses, so the log is the operator's word alone")
    return InvoiceVerdict("PRESENT", tuple(reasons), LIMITS)


def _check_bill(invoice: Invoice) -> list[str]:
    entry, bill = decode(invoice.entry.envelope), Members(invoice.bill)
    count, total = entry.fields.get("n"), entry.fields.get("s")
    if entry.kind != "bil" or not isinstance(count, int) or not isinstance(total, int):
        raise EntryError("the entry shown is no invoice run")
    month, currency = bill.text("month"), bill.text("currency")
    if (month, currency) != (entry.fields.get("x"), entry.fields.get("y")):
        raise MapError("the bill is of another month or currency than the invoice run")
    uses, payable = bill.index("uses"), bill.index("total")
    key = bill_key(invoice.bill)
    head = MapNode(from_b64url(str(entry.fields["r"])), count, total)
    if look_up(head, key, parse_path(invoice.path)) != Value(uses, payable, key):
        raise MapError("the bill is not part of the invoice run, or counts there with another total")
    _check_sum(bill, payable)
    return [
        f"account {bill.text('account')}, {month}: {_money(payable)} {currency} for {uses} uses",
        f"the amount is part of {_money(total)} {currency} that the operator billed for that month, as entry "
        f"{invoice.entry.index} of the log states",
        f"all bills of the month together are for {count} uses; anyone can count the uses of that month in the log",
    ]


def _check_sum(bill: Members, payable: int) -> None:
    lines = bill.take("lines")
    if not isinstance(lines, list):
        raise StatementError("the bill has no lines")
    exact = sum((_amount(Members(line).text("amount")) for line in lines), Decimal(0))
    if exact != _amount(bill.text("sum")):
        raise MapError("the lines of the bill do not add up to its sum")
    if int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP)) != payable:
        raise MapError("the total of the bill is not its sum, rounded")


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise StatementError("an amount on the bill is no decimal number")
    return Decimal(text)


def _money(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"
