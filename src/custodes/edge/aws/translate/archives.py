"""ExportFaces and ImportFaces between members of our own model and commands."""

from __future__ import annotations

from custodes.core.box import BoxRatio
from custodes.core.ids import ExternalImageId, FaceId, ImageId, ModelVersion, UserId
from custodes.edge.aws.translate.members import bounding_box, collection_id
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.operations.archives.archives import ArchivedFace, Archives, ExportFaces, FacesExported, FacesImported
from custodes.operations.archives.archives import ImportFaces as ImportCommand
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, archives: Archives) -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "ExportFaces": gated(gate, _export_command, archives.export, _exported_output),
        "ImportFaces": gated(gate, _import_command, archives.import_faces, _imported_output),
    }


def _export_command(params: Params) -> ExportFaces:
    return ExportFaces(
        collection_id=collection_id(params),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def _import_command(params: Params) -> ImportCommand:
    return ImportCommand(
        collection_id=collection_id(params),
        model_version=ModelVersion(params["FaceModelVersion"]),
        faces=tuple(_face(one) for one in params["Faces"]),
    )


def _face(one: Params) -> ArchivedFace:
    external_id, user_id, box = one.get("ExternalImageId"), one.get("UserId"), one["BoundingBox"]
    return ArchivedFace(
        FaceId(one["FaceId"]),
        ImageId(one["ImageId"]),
        None if external_id is None else ExternalImageId(external_id),
        None if user_id is None else UserId(user_id),
        BoxRatio(*(box.get(name, 0.0) for name in ("Left", "Top", "Width", "Height"))),
        one["Confidence"],
        one["EnrolledMillis"],
        one["Vector"],
    )


def _exported_output(found: FacesExported) -> Output:
    faces = [
        {
            "FaceId": one.face_id,
            "ImageId": one.image_id,
            "ExternalImageId": one.external_image_id,
            "UserId": one.user_id,
            "BoundingBox": bounding_box(one.box_ratio),
            "Confidence": one.confidence_pct,
            "EnrolledMillis": one.enrolled_ts_ms,
            "Vector": one.vector,
        }
        for one in found.faces
    ]
    return {"FaceModelVersion": found.model_version, "Faces": faces, "NextToken": found.next_token}


def _imported_output(found: FacesImported) -> Output:
    return {
        "Added": found.added,
        "Present": found.present,
        "Joined": found.joined,
        "Erased": list(found.erased),
    }
