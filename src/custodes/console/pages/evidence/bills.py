"""Bills: what a month costs whom, as sums over entries of the ledger, and invoices to print or to check.

In: visits. Out: for the operator, who signed in on the machine, views over ``billing preview``, ``billing run`` and
``billing invoice``; for everybody else their own invoices, over ListInvoices and GetInvoice.
"""

from __future__ import annotations

from custodes.console.pages.moments import month_of
from custodes.console.pages.stretches import stretch
from custodes.console.visit import FileView, GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.ledger.verifier.invoices.invoice import parse

SHOWING = ("billing preview", "ListInvoices")
RUNNING = ("billing run",)
INVOICE = ("billing invoice", "GetInvoice")


def show(visit: Visit) -> View:
    """A month so far, the running one by default; or the invoices of the account."""
    if not visit.is_operator:
        return View("own_bills.html", {"invoices": visit.api("ListInvoices")["Invoices"]})
    now = month_of(visit.parts.clock.now_ms())
    month = visit.query.get("month") or now
    found = visit.admin("billing preview", month=month)
    bills, after = stretch(found["bills"].items(), lambda one: one[0], visit.query.get("after", ""))
    values = {"bills": dict(bills), "after": after, "continued": "after" in visit.query}
    return View(
        "bills.html",
        {**values, "currency": found["currency"], "billed": found["billed"], "month": month, "over": month < now},
    )


def run(visit: Visit) -> GoTo:
    """Bill a month that is over; it becomes an entry of the ledger."""
    month = visit.form.text("month")
    visit.admin("billing run", month=month)
    return GoTo(f"/console/bills?month={segment(month)}")


def show_invoice(visit: Visit) -> View | FileView:
    """An invoice with its proof, to print, to check at once, or to keep."""
    month, account = visit.path["month"], visit.path["account"]
    text = _invoice(visit, month, account)
    if visit.query.get("keep"):
        return FileView(f"invoice-{account}-{month}.json", text.encode())
    invoice = parse(text.encode())
    values = {"file": text, "bill": invoice.bill, "entry": invoice.entry.index, "month": month, "account": account}
    return View("invoice.html", values)


def _invoice(visit: Visit, month: str, account: str) -> str:
    if visit.is_operator:
        return str(visit.admin("billing invoice", month=month, account=account)["file"])
    if account != visit.caller.account_id:
        raise NotFoundError("There is no such invoice.")
    try:
        return str(visit.api("GetInvoice", Month=month)["File"])
    except InvalidParameterError:  # what is no month has no page
        raise NotFoundError("There is no such invoice.") from None
