"""No operation is forgotten: what passes the gate is in the schema of the provider's rules, in a group that fits."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import custodes.operations
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.operations.requests.command import Command

GUARDRAILS = load(shipped(DEFAULT_PACKS), shipped_schema())


def commands(kind: type[Command] = Command) -> Iterator[type[Command]]:
    for found in kind.__subclasses__():
        yield from commands(found)
        # Other tests of the same process have commands of their own.
        if "operation" in found.__dict__ and found.__module__.startswith("custodes."):
            yield found


for module in pkgutil.walk_packages(custodes.operations.__path__, "custodes.operations."):
    importlib.import_module(module.name)


@pytest.mark.parametrize("command", sorted(commands(), key=lambda found: found.operation), ids=lambda it: it.operation)
def test_every_command_is_known_to_the_rules(command: type[Command]) -> None:
    assert command.operation in GUARDRAILS.groups, "add it to governance/provider/packs/schema.cedarschema"
    assert GUARDRAILS.groups[command.operation] & {"FaceComparison", "FaceEnrolment", "FaceAnalysis", "Other"}


def test_whatever_compares_by_a_threshold_is_a_comparison() -> None:
    comparing = {found.operation for found in commands() if "threshold_pct" in found.__dataclass_fields__}
    assert comparing - {"AssociateFaces"} <= {*GUARDRAILS.operations_in("FaceComparison")}
