"""Policy: which of the provider's rules are in force, what waits and how long, and why a request was decided so.

In: visits of the operator. Out: views over the commands ``policy``. Officers sign changes in their own browser, or on a
machine of their own with ``custodes policy sign``: a private key never comes here.
"""

from __future__ import annotations

import json
from typing import Any

from custodes.console.visit import FileView, GoTo, View, Visit
from custodes.core.errors import InvalidParameterError

SHOWING = ("policy status", "policy history")
EXPLAINING = ("policy explain",)
PROPOSING = ("policy propose", "policy examine")
APPLYING = ("policy apply",)


def show(visit: Visit) -> View:
    """The rules in force and the changes that led to them."""
    status, history = visit.admin("policy status"), visit.admin("policy history")["changes"]
    return View("policy.html", {"policy": status, "history": history})


def explain(visit: Visit) -> View:
    """One decision, by its request's id or by its entry."""
    asked = visit.query.get("request", "").strip()
    if not asked:
        raise InvalidParameterError(visit.words("policy.say_which"))
    given = {"index": int(asked)} if asked.isascii() and asked.isdigit() and len(asked) < 18 else {"request_id": asked}
    return View("policy_explained.html", {"found": visit.admin("policy explain", **given), "asked": asked})


def propose(visit: Visit) -> View | FileView:
    """A change: written down from the chosen packs, or brought along as a file or from this page, also to keep it."""
    form = visit.form
    brought = form.files.get("file", b"").decode("utf-8", "replace") or form.text("proposal")
    if brought:
        found = visit.admin("policy examine", proposal=_json(visit, brought))
    else:
        found = visit.admin("policy propose", packs=list(form.all("pack")))
    text = json.dumps(found["proposal"], indent=1)
    if form.text("keep"):
        return FileView("proposal.json", text.encode() + b"\n")
    return View("policy_proposal.html", {"found": found, "text": text})


def apply(visit: Visit) -> GoTo:
    """Put a signed change on record."""
    visit.admin("policy apply", proposal=_json(visit, visit.form.text("proposal")))
    return GoTo("/console/policy")


def _json(visit: Visit, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidParameterError(visit.words("policy.no_proposal"))
    return found
