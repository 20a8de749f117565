"""Which pages the menu leads to, in groups. In: who asks. Out: names of messages and paths below ``/console``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from custodes.console.visit import Visit

_USE = (
    ("home", "/"),
    ("try", "/try/compare"),
    ("collections", "/collections"),
    ("tasks", "/tasks"),
    ("liveness", "/liveness"),
    ("jobs", "/jobs"),
    ("streams", "/streams"),
    ("labels", "/labels"),
)
_CONTROL = (
    ("reviews", "/reviews"),
    ("subjects", "/subjects"),
    ("ledger", "/ledger"),
    ("statement", "/statement"),
    ("verify", "/verify"),
    ("bills", "/bills"),
)
_OPERATE = (("customers", "/customers"), ("policy", "/policy"), ("server", "/server"))


def navigation(visit: Visit) -> Sequence[Mapping[str, Any]]:
    """The groups of the menu; those of the operator for the operator only."""
    groups = [("use", _USE), ("control", _CONTROL)]
    if visit.is_operator:
        groups.append(("operate", _OPERATE))
    return [
        {"name": name, "items": [{"name": item, "path": path} for item, path in items]}
        for name, items in groups
        if items
    ]
