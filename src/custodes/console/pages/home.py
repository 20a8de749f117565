"""Home: what there is to do, what was done today, and what needs a hand.

In: a visit. Out: the first page. For the operator it gathers what waits, and counts today's
uses from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from custodes.console.pages.moments import today_ms
from custodes.console.visit import View, Visit

OPERATIONS = ("ListCollections", "policy status", "screening list")
USES = ("ledger uses",)
_LATE = 3
"""Periodic work is late when so many of its turns passed without success."""
_LEAST_LATE_MS = 60_000


def page(visit: Visit) -> View:
    """The first page."""
    collections = visit.api("ListCollections", MaxResults=5)["CollectionIds"]
    warnings = tuple(_warnings(visit)) if visit.is_operator else ()
    return View("home.html", {"collections": collections, "warnings": warnings})


def uses(visit: Visit) -> View:
    """What was used today; the first page asks for it once it is there, because counting may take a moment."""
    found = visit.admin("ledger uses", since_ms=today_ms(visit.parts.clock.now_ms()))
    return View("uses.html", {"uses": found})


def _warnings(visit: Visit) -> Iterator[Mapping[str, Any]]:
    now = visit.parts.clock.now_ms()
    for schedule in visit.parts.schedules():
        since = schedule.succeeded_ts_ms if schedule.succeeded_ts_ms is not None else schedule.begun_ts_ms
        late_ms = max(_LEAST_LATE_MS, _LATE * schedule.every_ms)
        if since is not None and now - since > late_ms:
            yield {"name": "late", "what": schedule.name, "path": "/console/server"}
    waiting = visit.admin("policy status")["waiting"]
    if waiting is not None:
        yield {"name": "policy", "what": "", "path": "/console/policy"}
    for case in visit.admin("screening list")["cases"]:
        if case["verdict"] != "clear":
            yield {"name": "screening", "what": case["name"], "path": f"/console/customers/{case['account_id']}"}
