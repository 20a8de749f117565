"""Home: what there is to do, and what needs a hand. In: a visit. Out: the first page."""

from __future__ import annotations

from custodes.console.visit import View, Visit

OPERATIONS = ("ListCollections",)


def page(visit: Visit) -> View:
    """The first page."""
    collections = visit.api("ListCollections", MaxResults=5)["CollectionIds"]
    return View("home.html", {"collections": collections})
