"""DetectFaces and CompareFaces between AWS members and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.face_detail import compared_face, face_detail
from custodes.edge.aws.translate.members import bounding_box, image_input, quality_filter
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.face import QualityFilter
from custodes.operations.images.attributes import requested
from custodes.operations.images.compare_faces import DEFAULT_THRESHOLD_PCT, CompareFaces, FaceComparison, FacesCompared
from custodes.operations.images.detect_faces import DetectFaces, Detection, FacesDetected
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, detection: Detection, comparison: FaceComparison) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "DetectFaces": gated(gate, detect_command, detection.detect_faces, detect_output),
        "CompareFaces": gated(gate, compare_command, comparison.compare_faces, compare_output),
    }


def detect_command(params: Params) -> DetectFaces:
    """Parameters of DetectFaces."""
    return DetectFaces(image=image_input(params["Image"]), attributes=requested(params.get("Attributes")))


def detect_output(result: FacesDetected) -> Output:
    """Output of DetectFaces."""
    size = result.found.size
    return {"FaceDetails": [face_detail(face, size, result.attributes) for face in result.found.faces]}


def compare_command(params: Params) -> CompareFaces:
    """Parameters of CompareFaces."""
    return CompareFaces(
        source=image_input(params["SourceImage"]),
        target=image_input(params["TargetImage"]),
        threshold_pct=params.get("SimilarityThreshold", DEFAULT_THRESHOLD_PCT),
        quality_filter=quality_filter(params, QualityFilter.NONE),
    )


def compare_output(result: FacesCompared) -> Output:
    """Output of CompareFaces."""
    return {
        "SourceImageFace": {
            "BoundingBox": bounding_box(result.source_face.box_px.to_ratio(result.source_size)),
            "Confidence": result.source_face.confidence_pct,
        },
        "FaceMatches": [
            {"Similarity": match.similarity_pct, "Face": compared_face(match.face, result.target_size)}
            for match in result.matches
        ],
        "UnmatchedFaces": [compared_face(face, result.target_size) for face in result.unmatched],
    }
