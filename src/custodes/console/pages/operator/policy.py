"""Policy: which of the provider's rules are in force, what waits and how long, and why a request was decided so.

In: visits of the operator. Out: views over ``policy status``, ``policy history`` and ``policy explain``. Changes are
signed by officers on machines of their own and applied with ``custodes policy``; here they are read.
"""

from __future__ import annotations

from custodes.console.visit import View, Visit
from custodes.core.errors import InvalidParameterError

SHOWING = ("policy status", "policy history")
EXPLAINING = ("policy explain",)


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
