"""Ledger: its newest checkpoint and its entries.

In: visits. Out: views. Everybody signed in may read what is public, which is what anybody may read under ``/ledger/``;
the operator also reads the private parts.
"""

from __future__ import annotations

import json

from custodes.console.visit import View, Visit
from custodes.core.errors import NotFoundError
from custodes.ledger.tlog.entry import KINDS

SHOWING = ("ledger show", "ledger entries")
ENTRY = ("ledger entry",)
PAGE_SIZE = 50


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
    values = {
        "head": head,
        "entries": found["entries"],
        "before": found["before"],
        "kind": kind,
        "kinds": sorted(KINDS),
    }
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
