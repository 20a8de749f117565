"""DetectModerationLabels between AWS members and commands."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.edge.aws.translate.members import image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.moderation import Concern, ConcernsFound, ContentKind
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
    """Output of DetectModerationLabels."""
    return {**found_output(result.found, result.model_version), "ProjectVersion": result.project_version}


def found_output(found: ConcernsFound, model_version: str) -> Output:
    """What was found in one picture; the first level has an empty parent."""
    return {
        "ModerationLabels": [label_output(concern) for concern in found.concerns],
        "ModerationModelVersion": model_version,
        "ContentTypes": content_types(found.kinds),
    }


def label_output(concern: Concern) -> Output:
    """The structure ``ModerationLabel``."""
    return {
        "Name": concern.name,
        "ParentName": concern.parent,
        "TaxonomyLevel": concern.level,
        "Confidence": concern.confidence_pct,
    }


def content_types(kinds: Sequence[ContentKind]) -> list[Output]:
    """Structures ``ContentType``."""
    return [{"Name": kind.name, "Confidence": kind.confidence_pct} for kind in kinds]
