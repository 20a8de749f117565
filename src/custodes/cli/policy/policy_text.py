"""Packs of the provider's rules as files: where commands find them.

In: a folder, one pack, or nothing. Out: a set of packs with their schema. Reads only.
"""

from __future__ import annotations

from pathlib import Path

from custodes.cli.input_files import text_of
from custodes.core.errors import InvalidParameterError
from custodes.governance.provider.guardrails import DEFAULT_PACKS, shipped, shipped_schema
from custodes.governance.provider.policy_set import PolicySet

SET_HELP = "Folder with all packs. [default: those of this program that are in force on a new server]"


def policy_set(path: Path | None, packs: tuple[str, ...] = DEFAULT_PACKS) -> PolicySet:
    """The packs of a folder, one pack, or the shipped ``packs``; with the schema beside them or the shipped one."""
    if path is None:
        return PolicySet(shipped(packs), shipped_schema())
    folder = path if path.is_dir() else path.parent
    found = sorted(path.glob("*.cedar")) if path.is_dir() else [path]
    schemas = sorted(folder.glob("*.cedarschema"))
    if len(schemas) > 1:
        raise InvalidParameterError(f"{folder} has more than one schema")
    schema = text_of(schemas[0]) if schemas else shipped_schema()
    return PolicySet({pack.stem: text_of(pack) for pack in found}, schema)
