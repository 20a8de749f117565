"""``custodes version``: which program this is. It reads no settings and no data directory."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed_version

from custodes.cli.options import JsonOption
from custodes.cli.output import show


def version(as_json: JsonOption = False) -> None:
    """Show the version."""
    facts = {"version": installed_version("custodes"), "python": platform.python_version()}
    show(facts, f"custodes {facts['version']}", as_json=as_json)
