"""Customers: accounts with who stands behind them, what screening found, and their states.

In: visits of the operator. Out: views over commands about accounts and screening. A finding is decided by officers, who
sign in their own browser: a private key never comes here.
"""

from __future__ import annotations

import base64

from custodes.console.pages.stretches import stretch
from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.governance.provider.guardrails import SECTORS

_SECTORS = sorted(set(SECTORS) - {"unknown", "operator"})
LISTING = ("account list", "screening list")
ONE = ("account show", "screening show")
DECIDING = ("screening decide",)
MOVES = ("account activate", "account suspend", "account close")


def listing(visit: Visit) -> View:
    """Every account, by number."""
    continued = "after" in visit.query
    accounts, after = stretch(
        visit.admin("account list")["accounts"], lambda one: str(one["account_id"]), visit.query.get("after", "")
    )
    cases = {case["account_id"]: case for case in visit.admin("screening list")["cases"]}
    values = {"accounts": accounts, "cases": cases, "after": after, "continued": continued}
    return View("customers.html", {**values, "sectors": _SECTORS})


def create(visit: Visit) -> View:
    """Open an account; its secret is shown this once."""
    form = visit.form
    profile = {"legal_name": form.text("name"), "sector": form.text("sector"), "country": form.text("country").upper()}
    return View("customer_opened.html", {"made": visit.admin("account create", profile=profile), "profile": profile})


def show(visit: Visit) -> View:
    """One account, with the picture of who stands behind it."""
    account = visit.path["account"]
    facts = visit.admin("account show", account=account)
    case, drawn = None, ""
    if facts["kind"] != "operator":
        try:
            case = visit.admin("screening show", account=account, picture=True)
            drawn = base64.b64encode(str(case.get("picture", "")).encode()).decode()
        except CustodesError:
            case = None  # not screened yet
    return View("customer.html", {"account": facts, "case": case, "drawn": drawn})


def move(visit: Visit) -> GoTo:
    """Activate, suspend or close it."""
    account, wanted = visit.path["account"], f"account {visit.form.text('move')}"
    if wanted not in MOVES:
        raise InvalidParameterError("An account is activated, suspended or closed.")
    visit.admin(wanted, account=account, reason=visit.form.text("reason"))
    return GoTo(f"/console/customers/{segment(account)}")


def decide(visit: Visit) -> GoTo:
    """An officer's signed decision about a finding."""
    form = visit.form
    signed_at = form.text("at_ms")
    visit.admin(
        "screening decide",
        finding=form.text("finding"),
        call=form.text("call"),
        officer=form.text("officer"),
        reason=form.text("why"),
        at_ms=int(signed_at) if signed_at.isascii() and signed_at.isdigit() and len(signed_at) < 16 else 0,
        signature=form.text("signature"),
    )
    return GoTo(f"/console/customers/{segment(visit.path['account'])}")
