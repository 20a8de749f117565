"""Home: what there is to do, and for the operator what needs a hand, how it goes, what was done today.

In: a visit. Out: the first page, and its parts that the browser asks for once the page is there: what needs a hand is
gathered from several commands, and today's uses are counted from the ledger, which may take a moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from custodes.console.pages.moments import today_ms
from custodes.console.visit import View, Visit

OPERATIONS = ("ListCollections",)
HEALTH = ("policy status", "screening list", "incident list")
USES = ("ledger uses",)
_LATE = 3
"""Periodic work is late when so many of its turns passed without success."""
_LEAST_LATE_MS = 60_000
_MOST_WARNINGS = 50
_BUSIEST = 6
"""Operations whose times are shown."""


def page(visit: Visit) -> View:
    """The first page."""
    return View("home.html", {"collections": visit.api("ListCollections", MaxResults=5)["CollectionIds"]})


def health(visit: Visit) -> View:
    """What needs a hand, and how the last minutes went."""
    warnings = tuple(islice(_warnings(visit), _MOST_WARNINGS))
    return View("health.html", {"warnings": warnings, "pace": visit.parts.pace(), "busiest": _BUSIEST})


def uses(visit: Visit) -> View:
    """What was used today."""
    found = visit.admin("ledger uses", since_ms=today_ms(visit.parts.clock.now_ms()))
    return View("uses.html", {"uses": found})


def _warnings(visit: Visit) -> Iterator[Mapping[str, Any]]:
    for incident in visit.admin("incident list")["incidents"]:
        if incident["standing"]:
            yield {"name": "incident", "what": incident["what"], "path": f"/console/ledger/entry/{incident['index']}"}
    now = visit.parts.clock.now_ms()
    for schedule in visit.parts.schedules():
        since = schedule.succeeded_ts_ms if schedule.succeeded_ts_ms is not None else schedule.begun_ts_ms
        late_ms = max(_LEAST_LATE_MS, _LATE * schedule.every_ms)
        if since is not None and now - since > late_ms:
            yield {"name": "late", "what": schedule.name, "path": "/console/server"}
    if visit.admin("policy status")["waiting"] is not None:
        yield {"name": "policy", "what": "", "path": "/console/policy"}
    for case in visit.admin("screening list")["cases"]:
        if case["verdict"] != "clear":
            yield {"name": "screening", "what": case["name"], "path": f"/console/customers/{case['account_id']}"}
