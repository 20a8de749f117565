"""No operation is forgotten: what passes the gate is in the schema of the provider's rules, in a group that fits."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import custodes.operations
from custodes.edge.aws.model import Operation, Shape, ShapeKind, load_service
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.operations.requests.admin import AdminCommand
from custodes.operations.requests.command import Command
from custodes.operations.requests.properties import Reveals, Unit

MODEL = load_service()
GUARDRAILS = load(shipped(DEFAULT_PACKS), shipped_schema())


def commands(kind: type[Command] = Command) -> Iterator[type[Command]]:
    for found in kind.__subclasses__():
        yield from commands(found)
        # Other tests of the same process have commands of their own.
        if (
            "operation" in found.__dict__
            and not issubclass(found, AdminCommand)
            and found.__module__.startswith("custodes.")
        ):
            yield found


for module in pkgutil.walk_packages(custodes.operations.__path__, "custodes.operations."):
    importlib.import_module(module.name)


@pytest.mark.parametrize("command", sorted(commands(), key=lambda found: found.operation), ids=lambda it: it.operation)
def test_the_rules_have_every_command_in_the_groups_of_its_properties(command: type[Command]) -> None:
    assert command.operation in GUARDRAILS.groups, "add it to governance/provider/packs/schema.cedarschema"
    assert GUARDRAILS.groups[command.operation] - {"Biometric", "FaceComparison"} == command.properties.groups


def test_a_command_that_does_not_say_what_it_reveals_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="declares no properties"):
        type("Watch", (Command,), {"operation": "Watch"})


def test_whatever_compares_by_a_threshold_is_a_comparison() -> None:
    fields = {found.operation: found.__dataclass_fields__.get("threshold_pct") for found in commands()}
    # None by default: what reads the results of any job has one only where these were searched with one.
    comparing = {name for name, field in fields.items() if field is not None and field.default is not None}
    comparing.add("GetFaceSearch")
    assert comparing <= {*GUARDRAILS.operations_in("FaceComparison")}


def test_prices_are_for_the_units_that_are_recorded() -> None:
    prices = load_prices(default_prices())
    for command in commands():
        if command.operation in MODEL.own:
            continue
        billed = bool(prices.groups_of(command.operation))
        assert billed is (command.properties.unit is not Unit.NOTHING), command.operation


# Names of things, in structures that are about no person.
THINGS = {
    "AuditImage", "ContentType", "CustomLabel", "DescribeStreamProcessorResponse", "Instance", "Label",
    "LabelAlias", "LabelCategory", "ModerationLabel", "Parent", "ProtectiveEquipmentBodyPart",
    "QualityCheck", "S3Object", "StreamProcessor",
}  # fmt: skip
# How sure a detector is that something is there, or how it looks; not how alike two faces are.
DETECTIONS = {
    "AssessFaceQualityResponse", "AssessLivenessResponse", "Beard", "BoundingBox", "ComparedFace",
    "ComparedSourceImageFace", "ContentType", "CoversBodyPart", "CustomLabel", "Emotion",
    "EquipmentDetection", "EyeDirection", "EyeOpen", "Eyeglasses", "Face", "FaceDetail", "FaceLiveness",
    "FaceOccluded", "FaceQuality", "Gender", "GetFaceLivenessSessionResultsResponse", "Instance",
    "KnownGender", "Label", "ModerationLabel", "MouthOpen", "Mustache", "PersonDetail",
    "ProtectiveEquipmentBodyPart", "ProtectiveEquipmentPerson", "SeenPerson", "ShotSegment", "Smile", "Sunglasses",
    "TechnicalCueSegment", "TextDetection",
}  # fmt: skip
# What an account stored or was told before, read back: no face is compared to say it.
READ_BACK = {
    "CorrectStreamEvent", "DeleteFaces", "DisassociateFaces", "GetTask", "IndexFaces", "ListFaces",
    "ListFacesToReembed", "ListStreamEvents", "ListUsers",
}  # fmt: skip
ALWAYS = frozenset({"Similarity", "MatchConfidence", "UserId", "ExternalImageId", "KnownGender"})


def telling(shape: Shape, inside: str = "", seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Members of an answer that say how alike faces are or who somebody is."""
    if shape.item is not None:
        yield from telling(shape.item, inside, seen)
    if shape.kind is not ShapeKind.STRUCTURE or shape.name in seen:
        return
    for name, member in shape.members.items():
        person = name == "Name" and shape.name not in THINGS
        match = name == "Confidence" and shape.name not in DETECTIONS
        if name in ALWAYS or person or match:
            yield f"{shape.name}.{name}"
        yield from telling(member, shape.name, seen | {shape.name})


@pytest.mark.parametrize("operation", sorted(MODEL.known.values(), key=lambda it: it.name), ids=lambda it: it.name)
def test_answers_that_tell_who_or_how_alike_are_comparisons(operation: Operation) -> None:
    found = sorted(set(telling(operation.output))) if operation.output is not None else []
    compares = operation.name in GUARDRAILS.operations_in("FaceComparison")
    if found and operation.name not in READ_BACK:
        assert compares, f"{operation.name} tells {', '.join(found)}"
    declared = {command.operation: command.properties.reveals for command in commands()}
    if operation.name in READ_BACK & declared.keys():
        assert declared[operation.name] is Reveals.RECORDS and found, operation.name


def test_no_structure_is_excused_that_the_model_does_not_have() -> None:
    names = {name for it in MODEL.known.values() if it.output is not None for name in structures(it.output)}
    assert names >= THINGS | DETECTIONS


def structures(shape: Shape) -> Iterator[str]:
    if shape.item is not None:
        yield from structures(shape.item)
    if shape.kind is ShapeKind.STRUCTURE:
        yield shape.name
        for member in shape.members.values():
            yield from structures(member)
