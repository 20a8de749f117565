"""Ledger: its newest checkpoint, entries, statements made, and files checked in the browser.

In: visits. Out: views. Everybody signed in may read what is public, which is what anybody may read under ``/ledger/``;
the operator also reads the private parts, and makes statements. Files that somebody drops are checked in the browser
and sent nowhere.
"""

from __future__ import annotations

import json

from custodes.console.pages.moments import day_ms
from custodes.console.visit import FileView, View, Visit
from custodes.core.errors import NotFoundError

SHOWING = ("ledger show", "ledger entries")
ENTRY = ("ledger entry",)
STATEMENT = ("statement create",)
PAGE_SIZE = 50
KINDS = ("use", "auth", "adm", "map", "acc", "pol", "org", "scr", "list", "rev", "ret", "del", "bil", "boot", "inc")


def show(visit: Visit) -> View:
    """The checkpoint, and for the operator the newest entries."""
    if not visit.is_operator:
        return View("ledger_public.html")
    before, kind = visit.query.get("before", ""), visit.query.get("kind", "")
    found = visit.admin(
        "ledger entries",
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
        kind=kind if kind in KINDS else None,
        limit=PAGE_SIZE,
    )
    head = visit.admin("ledger show") if not before else {}
    values = {"head": head, "entries": found["entries"], "before": found["before"], "kind": kind, "kinds": KINDS}
    return View("ledger.html", {**values, "continued": bool(before)})


def entry(visit: Visit) -> View:
    """One entry: its public part, its proof, and for the operator what it says in private."""
    text = visit.path["index"]
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFoundError("There is no such entry.")
    index = int(text)
    if visit.is_operator:
        return View("ledger_entry.html", {"entry": visit.admin("ledger entry", index=index)})
    envelope = visit.parts.public_entry(index)
    public = json.loads(envelope)
    shown = {"index": index, "kind": public["k"], "ts_ms": public["t"], "body": None, "envelope": envelope.decode()}
    return View("ledger_entry.html", {"entry": {**shown, "committed": "c" in public, "settles": None}})


def statement_page(visit: Visit) -> View:
    """The form for a statement."""
    return View("statement.html", {"file": None, "asked": visit.query})


def statement(visit: Visit) -> View | FileView:
    """Make one, to keep or to check at once."""
    form = visit.form
    party = tuple(line.strip() for line in form.text("party").splitlines() if line.strip())
    account = form.text("account")
    made = visit.admin(
        "statement create",
        account=account or None,
        party=None if account else party,
        from_ms=day_ms(form.text("from")),
        to_ms=day_ms(form.text("to")),
    )
    if form.text("keep"):
        return FileView(f"statement-{account or 'party'}.json", str(made["file"]).encode())
    asked = {name: form.text(name) for name in ("account", "party", "from", "to")}
    return View("statement.html", {"file": made["file"], "asked": asked})


def verify(visit: Visit) -> View:
    """Drop a file; the browser says what it proves."""
    return View("verify.html", {"policy": visit.parts.trust_policy()})
