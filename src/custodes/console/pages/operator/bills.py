"""Bills: what a month costs whom, as sums over entries of the ledger, and invoices to print or to check.

In: visits of the operator. Out: views over ``billing preview``, ``billing run`` and ``billing invoice``.
"""

from __future__ import annotations

from custodes.console.pages.moments import month_of
from custodes.console.visit import FileView, GoTo, View, Visit
from custodes.console.web.rendering import segment

SHOWING = ("billing preview",)
RUNNING = ("billing run",)
INVOICE = ("billing invoice",)


def show(visit: Visit) -> View:
    """A month so far; the running one by default."""
    now = month_of(visit.parts.clock.now_ms())
    month = visit.query.get("month") or now
    bills = visit.admin("billing preview", month=month)
    return View("bills.html", {"bills": bills, "month": month, "over": month < now})


def run(visit: Visit) -> GoTo:
    """Bill a month that is over; it becomes an entry of the ledger."""
    month = visit.form.text("month")
    visit.admin("billing run", month=month)
    return GoTo(f"/console/bills?month={segment(month)}")


def invoice(visit: Visit) -> FileView:
    """An invoice with its proof."""
    month, account = visit.path["month"], visit.path["account"]
    text = str(visit.admin("billing invoice", month=month, account=account)["file"])
    return FileView(f"invoice-{account}-{month}.json", text.encode())
