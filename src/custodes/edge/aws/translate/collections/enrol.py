"""IndexFaces, ListFaces and DeleteFaces between AWS members and commands."""

from __future__ import annotations

from custodes.core.ids import ExternalImageId, UserId
from custodes.edge.aws.translate.face_detail import face_detail, unindexed_face
from custodes.edge.aws.translate.members import collection_id, face, face_ids, image_input, quality_filter, refusal
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.face import QualityFilter
from custodes.operations.collections.enrol import (
    MAX_FACES_PER_IMAGE,
    DeleteFaces,
    FaceOperations,
    FacesDeleted,
    FacesIndexed,
    FacesListed,
    IndexFaces,
    ListFaces,
)
from custodes.operations.images.attributes import requested
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, enrolment: FaceOperations) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "IndexFaces": gated(gate, index_command, enrolment.index_faces, index_output),
        "ListFaces": gated(gate, list_command, enrolment.list_faces, list_output),
        "DeleteFaces": gated(gate, delete_command, enrolment.delete_faces, delete_output),
    }


def index_command(params: Params) -> IndexFaces:
    """Parameters of IndexFaces."""
    external_id = params.get("ExternalImageId")
    return IndexFaces(
        collection_id=collection_id(params),
        image=image_input(params["Image"]),
        external_image_id=None if external_id is None else ExternalImageId(external_id),
        attributes=requested(params.get("DetectionAttributes")),
        max_faces=params.get("MaxFaces", MAX_FACES_PER_IMAGE),
        quality_filter=quality_filter(params, QualityFilter.AUTO),
    )


def index_output(result: FacesIndexed) -> Output:
    """Output of IndexFaces."""
    size, attributes = result.size, result.attributes
    return {
        "FaceRecords": [
            {"Face": face(indexed.face), "FaceDetail": face_detail(indexed.detected, size, attributes)}
            for indexed in result.indexed
        ],
        "FaceModelVersion": result.model_version,
        "UnindexedFaces": [unindexed_face(refused, size, attributes) for refused in result.refused],
    }


def list_command(params: Params) -> ListFaces:
    """Parameters of ListFaces."""
    user_id = params.get("UserId")
    return ListFaces(
        collection_id=collection_id(params),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
        user_id=None if user_id is None else UserId(user_id),
        face_ids=face_ids(params) if "FaceIds" in params else None,
    )


def list_output(result: FacesListed) -> Output:
    """Output of ListFaces."""
    return {
        "Faces": [face(stored) for stored in result.faces],
        "NextToken": result.next_token,
        "FaceModelVersion": result.model_version,
    }


def delete_command(params: Params) -> DeleteFaces:
    """Parameters of DeleteFaces."""
    return DeleteFaces(collection_id=collection_id(params), face_ids=face_ids(params))


def delete_output(result: FacesDeleted) -> Output:
    """Output of DeleteFaces."""
    return {
        "DeletedFaces": list(result.face_ids),
        "UnsuccessfulFaceDeletions": [refusal(refused, confidence=False) for refused in result.refused],
    }
