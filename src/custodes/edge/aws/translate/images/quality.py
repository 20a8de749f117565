"""AssessFaceQuality and AssessLiveness between members of our own model and commands."""

from __future__ import annotations

from custodes.core.box import BoxPx, Size
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.liveness import LivenessFound
from custodes.engine.results.portrait import Check, Inspections
from custodes.operations.images.assess import DEFAULT_MAX_FACES, AssessFaceQuality, AssessLiveness, PortraitAssessment
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, assessment: PortraitAssessment) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "AssessFaceQuality": gated(gate, quality_command, assessment.quality, quality_output),
        "AssessLiveness": gated(gate, liveness_command, assessment.liveness, liveness_output),
    }


def quality_command(params: Params) -> AssessFaceQuality:
    """Parameters of AssessFaceQuality."""
    return AssessFaceQuality(image=image_input(params["Image"]), max_faces=params.get("MaxFaces", DEFAULT_MAX_FACES))


def liveness_command(params: Params) -> AssessLiveness:
    """Parameters of AssessLiveness."""
    return AssessLiveness(image=image_input(params["Image"]), max_faces=params.get("MaxFaces", DEFAULT_MAX_FACES))


def quality_output(found: Inspections) -> Output:
    """Output of AssessFaceQuality."""
    return {
        "Faces": [
            {
                **_found(face.box_px, found.size, face.confidence_pct),
                "Passed": face.passed,
                "Checks": [_check(check) for check in face.checks],
            }
            for face in found.faces
        ]
    }


def liveness_output(found: LivenessFound) -> Output:
    """Output of AssessLiveness."""
    return {
        "Faces": [
            {
                **_found(face.box_px, found.size, face.confidence_pct),
                "Score": face.score_pct,
                "NetworkScore": face.network_pct,
                "BrightnessPeak": face.brightness_peak,
                "ColourPeak": face.colour_peak,
            }
            for face in found.faces
        ]
    }


def _found(box: BoxPx, size: Size, confidence_pct: float) -> Output:
    return {"BoundingBox": bounding_box(box.to_ratio(size)), "Confidence": confidence_pct}


def _check(check: Check) -> Output:
    return {"Name": check.name, "Value": check.value, "Low": check.low, "High": check.high, "Passed": check.passed}
