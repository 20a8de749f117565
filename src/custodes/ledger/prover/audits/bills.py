"""Bills held against the log: what each is for, what its entry commits to, and whether all uses of a month are in it.

In: the invoice runs of the log, the bills on disk, all uses. Out: how many agreed, or MapError with the first
difference. A month may be billed again; the last run counts. Prices are not judged: the operator sets them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from custodes.ledger.prover.invoices.invoice_files import BillingStore
from custodes.ledger.prover.ports import Use
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import Entry, b64url
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import MapError


def check_bills(bills: BillingStore, log: LogFiles, uses: Iterable[Use]) -> int:
    """How many runs agreed.

    Raises:
        MapError: the first difference.
        OSError: a file cannot be read.
    """
    newest: dict[str, tuple[int, Entry]] = {}
    for index, entry in log.billings():
        newest[str(entry.fields.get("x"))] = index, entry
    for text, (index, entry) in newest.items():
        month = Month.parse(text)
        mine = [use for use in uses if month.begin <= use.t < month.end and use.index < index]
        _check_run(month, bills, index, entry, mine)
    return len(newest)


def _check_run(month: Month, bills: BillingStore, index: int, entry: Entry, uses: list[Use]) -> None:
    try:
        run, kept = bills.run(month)
    except LookupError as error:
        raise MapError(f"the bills of {month}, which entry {index} commits to, are gone") from error
    head = run.tree.head()
    stated = (entry.fields["r"], entry.fields["s"], entry.fields.get("n"))
    if kept != index or (b64url(head.hash), head.units, head.count) != stated:
        raise MapError(f"the bills of {month} on disk are not those that entry {index} commits to")
    counted: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for use in uses:
        count, units = counted[use.account]
        counted[use.account] = count + 1, units + use.units
    for account in sorted({*run.bills, *counted}):
        bill = run.bills.get(account, {"uses": 0, "units": 0})
        if (bill["uses"], bill["units"]) != counted[account]:
            count, units = counted[account]
            raise MapError(
                f"the bill of {month} for account {account} is for {bill['uses']} uses with {bill['units']} units; the "
                f"log has {count} with {units} in front of entry {index}"
            )
