"""Settings and networks of the server, to read. In: visits of the operator. Out: a view over ``server show``."""

from __future__ import annotations

from custodes.console.visit import View, Visit

SHOWING = ("server show",)


def show(visit: Visit) -> View:
    """Every setting but secrets, every network with its licence."""
    return View("server.html", {"server": visit.admin("server show")})
