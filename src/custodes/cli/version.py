"""``custodes version``: which program this is. It reads no settings and no data directory."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version as installed_version

import typer

from custodes.cli.options import JsonOption


def version(as_json: JsonOption = False) -> None:
    """Show the version."""
    facts = {"version": installed_version("custodes"), "python": platform.python_version()}
    typer.echo(json.dumps(facts) if as_json else f"custodes {facts['version']}")
