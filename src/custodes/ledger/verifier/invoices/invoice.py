"""An invoice that proves its place in the total that the log states, and the check of it.

In: bytes and a trust policy; if at hand, all public entries of the log. Out: PRESENT (the invoice is part of the
month's total), UNDETERMINED (also for a bill that a later one replaced) or INVALID.
Shape: ``{"digest": .., "invoice": {"bill", "checkpoint", "entry", "head", "path", "proof", "v": 3}}``, as in
``statement``, and ``clock`` as there. A bill stands in the month's sum tree under its own hash, which a nonce in it
keeps from being guessed; its sums are the number of its uses and its total in hundredths. Every amount on it is the sum
of quantities times prices. The head is one of the account map behind the run: it counts the entries on a wrong clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from custodes.ledger.tlog.entry import EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import NONE, Trusted, TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, canonical, unwrap
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, check_key, parse_head
from custodes.ledger.verifier.maps.proof import MapError, MapNode, Value, look_up, parse_path
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.public_log import Entries
from custodes.ledger.verifier.uncertainty import wrong_clock

_DIGITS = 18
_AMOUNT = re.compile(rf"(0|[1-9][0-9]{{0,14}})(?:\.([0-9]{{1,{_DIGITS}}}))?")


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill (JSON object) with the ``bil`` entry that commits to it and the proofs."""

    bill: Mapping[str, object]
    checkpoint: bytes
    entry: PlacedEntry
    path: bytes
    proof: tuple[bytes, ...]
    head: PlacedEntry
    clock: tuple[PlacedEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceVerdict:
    """``word`` is PRESENT, UNDETERMINED or INVALID, ``reasons`` why; ``limits`` are what it does not show."""

    word: str
    reasons: tuple[str, ...]
    limits: tuple[str, ...] = ()


LIMITS = (
    "That the uses on the bill are all uses of this account, and only those: ask for a statement about the same month "
    "and compare the number of uses and units.",
    "That the prices are the ones that were agreed. Tiers count from the first unit of the month on.",
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
    if inner.index("v") != 3:
        raise StatementError(
            "this invoice is of another version; earlier ones say nothing of the clock: ask for a new one"
        )
    bill = inner.take("bill")
    if not isinstance(bill, dict):
        raise StatementError("the bill is no object")
    result = Invoice(
        bill,
        inner.text("checkpoint").encode(),
        inner.placed("entry"),
        inner.binary("path"),
        inner.hashes("proof"),
        inner.placed("head"),
        tuple(PlacedEntry.read(one) for one in inner.some("clock")),
    )
    inner.end()
    return result


def verify_invoice(
    data: bytes, policy: TrustPolicy, entries: Entries | None = None, now_ms: int | None = None
) -> InvoiceVerdict:
    """Check an invoice.

    Args:
        data: bytes of the file.
        policy: whom the reader trusts.
        entries: gives index and public bytes of all entries of the log of a size, if at hand: the uses of the month are
            counted then, and the invoice runs of the same month looked at.
        now_ms: the reader's own clock, if it is to be compared.
    """
    try:
        invoice = parse(data)
        trusted = open_trusted(invoice.checkpoint, policy)
        shown = {(one.index, one.envelope) for one in (invoice.entry, invoice.head, *invoice.clock)}
        check_in_log(list(shown), trusted.checkpoint, invoice.proof)
        reasons = _check_bill(invoice)
        doubts = _doubts(invoice, trusted, policy, now_ms)
        replaced = None if entries is None else _check_month(invoice, entries(trusted.checkpoint.size))
    except (StatementError, TrustError, ProofError, EntryError, MapError, ValueError) as error:
        return InvoiceVerdict("INVALID", (str(error),))
    if not trusted.quorum_met:
        return InvoiceVerdict("UNDETERMINED", ("too few of the witnesses that you trust confirmed this log",))
    if doubts:
        return InvoiceVerdict("UNDETERMINED", tuple(doubts))
    if replaced is not None:
        return InvoiceVerdict("UNDETERMINED", (f"this bill was replaced by the one in entry {replaced} of the log",))
    if entries is None:
        reasons.append("whether a later bill replaced it, and how many uses the month had, only the log's entries tell")
    else:
        reasons.append("you supplied the log's public entries: they hold as many uses in that month, and no later bill")
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
    before = bill.time("replaces")
    if before != entry.fields.get("o") or (before is not None and before >= invoice.entry.index):
        raise MapError("the bill and the log say something else about which bill it replaces")
    uses, payable = bill.index("uses"), bill.index("total")
    key = bill_key(invoice.bill)
    head = MapNode(from_b64url(str(entry.fields["r"])), count, total)
    if look_up(head, key, parse_path(invoice.path)) != Value(uses, payable, key):
        raise MapError("the bill is not part of the invoice run, or counts there with another total")
    _check_sum(bill, payable)
    reasons = [
        f"account {bill.text('account')}, {month}: {_money(payable)} {currency} for {uses} uses",
        f"the amount is part of {_money(total)} {currency} that the operator billed for that month, as entry "
        f"{invoice.entry.index} of the log states",
        f"all bills of the month together are for {count} uses; anyone can count the uses of that month in the log",
        "every line is the sum of quantities times prices, and the lines add up to the total, rounded to hundredths",
    ]
    return reasons if before is None else [*reasons, f"it replaces the bill of entry {before}"]


def _doubts(invoice: Invoice, trusted: Trusted, policy: TrustPolicy, now_ms: int | None) -> list[str]:
    """Why nobody can tell which uses were in the month, though nothing is false."""
    head = parse_head(decode(invoice.head.envelope))
    check_key(head, invoice.head.index, policy.vrf_keys)
    if head.name != ACCOUNT_MAP or not invoice.entry.index < head.size <= invoice.head.index:
        raise MapError("the head shown is not one of the account map behind the invoice run")
    month = Month.parse(str(decode(invoice.entry.envelope).fields.get("x")))
    found, edges = [], (month.begin, month.end)
    # Within a stretch nobody knows the order; one that lies inside of the month moves no use out of it.
    if any(one.begin < edge <= one.end for one in wrong_clock(invoice.clock, head) for edge in edges):
        found.append("the operator's clock was wrong at an edge of the month, as the log itself says")
    if now_ms is not None and month.end > now_ms:
        found.append("the month is not over by your clock")
    if trusted.seen_at is not None and month.end > (trusted.seen_at + 1) * 1000:
        found.append("the witnesses confirmed this state before the month was over")
    return found


def _check_month(invoice: Invoice, entries: Iterable[tuple[int, bytes]]) -> int | None:
    """Count the month's uses, and follow its invoice runs; the index of a later one, if there is one."""
    run = decode(invoice.entry.envelope)
    month = Month.parse(str(run.fields.get("x")))
    uses, runs = 0, list[tuple[int, int | str | None]]()
    shown = False
    for index, envelope in entries:
        shown = shown or (index == invoice.entry.index and envelope == invoice.entry.envelope)
        if b'"k":"use"' not in envelope and b'"k":"bil"' not in envelope:
            continue
        entry = decode(envelope)
        uses += entry.kind == "use" and month.begin <= entry.t < month.end
        if entry.kind == "bil" and entry.fields.get("x") == str(month):
            runs.append((index, entry.fields.get("o")))
    if not shown:
        raise ProofError("the public entries at hand are not those of the log that was signed")
    if uses != run.fields.get("n"):
        raise MapError(f"the log holds {uses} uses in {month}, but the bills are for {run.fields.get('n')}")
    if [replaced for _, replaced in runs] != [None, *(index for index, _ in runs[:-1])]:
        raise MapError(f"the log has invoice runs of {month} that contradict each other: none says which it replaces")
    return None if runs[-1][0] == invoice.entry.index else runs[-1][0]


def _check_sum(bill: Members, payable: int) -> None:
    exact = 0
    for line in bill.items("lines"):
        members = Members(line)
        parts = [Members(part) for part in members.items("parts")]
        counts = [(_exact(part.text("quantity")), _exact(part.text("price"))) for part in parts]
        if sum(quantity for quantity, _ in counts) != _exact(members.text("quantity")):
            raise MapError("the parts of a line of the bill do not add up to its quantity")
        amount = _exact(members.text("amount"))
        if sum(quantity * price for quantity, price in counts) != amount * 10**_DIGITS:
            raise MapError("a line of the bill is not the sum of its quantities times prices")
        exact += amount
    if exact != _exact(bill.text("sum")):
        raise MapError("the lines of the bill do not add up to its sum")
    hundredth = 10 ** (_DIGITS - 2)
    if (exact + hundredth // 2) // hundredth != payable:
        raise MapError("the total of the bill is not its sum, rounded")


def _exact(text: str) -> int:
    """A decimal number in units of 10^-18."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise StatementError("an amount on the bill is no decimal number")
    return int(found[1] + (found[2] or "").ljust(_DIGITS, "0"))


def _money(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"
