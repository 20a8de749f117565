"""Statements: whether an account used the service, or a party was ever behind a customer, as a file that proves it.

In: visits. Out: for the operator, who signed in on the machine, views over ``statement create``; for everybody else
statements about their own account, over CreateAccountStatement. Files that somebody drops are checked in the browser
and sent nowhere.
"""

from __future__ import annotations

from custodes.console.pages.moments import day_ms
from custodes.console.visit import FileView, View, Visit

MAKING = ("statement create", "CreateAccountStatement")
_ASKED = ("account", "party", "from", "to")


def page(visit: Visit) -> View:
    """The form for a statement."""
    return View("statement.html", {"file": None, "remark": None, "asked": visit.query})


def make(visit: Visit) -> View | FileView:
    """Make one, to keep or to check at once."""
    form = visit.form
    text, remark = _made(visit)
    if form.text("keep"):
        about = form.text("account") if visit.is_operator else visit.caller.account_id
        return FileView(f"statement-{about or 'party'}.json", text.encode())
    asked = {name: form.text(name) for name in _ASKED}
    return View("statement.html", {"file": text, "remark": remark, "asked": asked})


def verify(visit: Visit) -> View:
    """Drop a file; the browser says what it proves."""
    return View("verify.html", {"policy": visit.parts.trust_policy()})


def _made(visit: Visit) -> tuple[str, str | None]:
    form = visit.form
    begin, end = day_ms(form.text("from")), day_ms(form.text("to"))
    if not visit.is_operator:
        own = visit.api("CreateAccountStatement", FromMillis=begin, ToMillis=end)
        return str(own["File"]), own.get("Remark")
    account = form.text("account")
    party = tuple(line.strip() for line in form.text("party").splitlines() if line.strip())
    made = visit.admin(
        "statement create", account=account or None, party=None if account else party, from_ms=begin, to_ms=end
    )
    return str(made["file"]), made.get("remark")
