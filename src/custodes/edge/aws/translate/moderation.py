"""DetectModerationLabels between AWS members and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.members import image_input
from custodes.edge.aws.translate.route import Handler, Output, Params, gated
from custodes.operations.images.detect_moderation import (
    DEFAULT_CONFIDENCE_PCT,
    ConcernsDetected,
    DetectModerationLabels,
    Moderation,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, moderation: Moderation) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {"DetectModerationLabels": gated(gate, detect_command, moderation.detect, detect_output)}


def detect_command(params: Params) -> DetectModerationLabels:
    """Parameters of DetectModerationLabels."""
    return DetectModerationLabels(
        image=image_input(params["Image"]),
        min_confidence_pct=params.get("MinConfidence", DEFAULT_CONFIDENCE_PCT),
        human_loop=params.get("HumanLoopConfig") is not None,
        project_version=params.get("ProjectVersion"),
    )


def detect_output(result: ConcernsDetected) -> Output:
    """Output of DetectModerationLabels; the first level has an empty parent."""
    return {
        "ModerationLabels": [
            {
                "Name": concern.name,
                "ParentName": concern.parent,
                "TaxonomyLevel": concern.level,
                "Confidence": concern.confidence_pct,
            }
            for concern in result.found.concerns
        ],
        "ModerationModelVersion": result.model_version,
        "ContentTypes": [{"Name": kind.name, "Confidence": kind.confidence_pct} for kind in result.found.kinds],
    }
