"""DetectProtectiveEquipment between AWS members and commands."""

from __future__ import annotations

from custodes.core.box import Size
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.equipment import BodyPart, Equipment, EquippedPerson, Worn
from custodes.operations.images.detect_equipment import (
    DetectProtectiveEquipment,
    EquipmentDetected,
    Protection,
    Requirement,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, protection: Protection) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {"DetectProtectiveEquipment": gated(gate, detect_command, protection.detect, detect_output)}


def detect_command(params: Params) -> DetectProtectiveEquipment:
    """Parameters of DetectProtectiveEquipment."""
    asked = params.get("SummarizationAttributes")
    required = None
    if asked is not None:
        kinds = frozenset(Equipment(kind) for kind in asked["RequiredEquipmentTypes"])
        required = Requirement(kinds, asked["MinConfidence"])
    return DetectProtectiveEquipment(image=image_input(params["Image"]), required=required)


def detect_output(result: EquipmentDetected) -> Output:
    """Output of DetectProtectiveEquipment."""
    found, summary = result.found, result.summary
    output: Output = {
        "ProtectiveEquipmentModelVersion": result.model_version,
        "Persons": [_person(index, person, found.size) for index, person in enumerate(found.persons)],
    }
    if summary is not None:
        output["Summary"] = {
            "PersonsWithRequiredEquipment": list(summary.having),
            "PersonsWithoutRequiredEquipment": list(summary.lacking),
            "PersonsIndeterminate": list(summary.unclear),
        }
    return output


def _person(index: int, person: EquippedPerson, size: Size) -> Output:
    return {
        "Id": index,
        "BoundingBox": bounding_box(person.box_px.to_ratio(size)),
        "Confidence": person.confidence_pct,
        "BodyParts": [_part(part, size) for part in person.parts],
    }


def _part(part: BodyPart, size: Size) -> Output:
    return {
        "Name": part.part.value,
        "Confidence": part.confidence_pct,
        "EquipmentDetections": [_worn(worn, size) for worn in part.worn],
    }


def _worn(worn: Worn, size: Size) -> Output:
    return {
        "Type": worn.kind.value,
        "BoundingBox": bounding_box(worn.box_px.to_ratio(size)),
        "Confidence": worn.confidence_pct,
        "CoversBodyPart": {"Value": worn.covers.value, "Confidence": worn.covers.confidence_pct},
    }
