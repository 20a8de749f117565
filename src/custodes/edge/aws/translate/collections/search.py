"""The four searches between AWS members and commands."""

from __future__ import annotations

from custodes.core.ids import FaceId, UserId
from custodes.edge.aws.translate.face_detail import face_detail, unsearched_face
from custodes.edge.aws.translate.members import bounding_box, collection_id, face, image_input, quality_filter, sealed
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.face import QualityFilter
from custodes.operations.collections.search import (
    DEFAULT_THRESHOLD_PCT,
    MAX_FACE_MATCHES,
    MAX_USER_MATCHES,
    FaceMatch,
    FacesMatched,
    Search,
    SearchFaces,
    SearchFacesByImage,
    SearchUsers,
    SearchUsersByImage,
    UsersMatched,
)
from custodes.operations.images.attributes import DEFAULT_ATTRIBUTES
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, search: Search) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "SearchFaces": gated(gate, faces_command, search.search_faces, faces_output),
        "SearchFacesByImage": gated(gate, faces_by_image_command, search.search_faces_by_image, faces_by_image_output),
        "SearchUsers": gated(gate, users_command, search.search_users, users_output),
        "SearchUsersByImage": gated(gate, users_by_image_command, search.search_users_by_image, users_by_image_output),
    }


def faces_command(params: Params) -> SearchFaces:
    """Parameters of SearchFaces."""
    return SearchFaces(
        collection_id=collection_id(params),
        face_id=FaceId(params["FaceId"]),
        max_faces=params.get("MaxFaces", MAX_FACE_MATCHES),
        threshold_pct=params.get("FaceMatchThreshold", DEFAULT_THRESHOLD_PCT),
    )


def faces_output(result: FacesMatched) -> Output:
    """Output of SearchFaces."""
    return {
        "SearchedFaceId": result.face_id,
        "FaceMatches": _face_matches(result),
        "FaceModelVersion": result.model_version,
    }


def faces_by_image_command(params: Params) -> SearchFacesByImage:
    """Parameters of SearchFacesByImage."""
    return SearchFacesByImage(
        collection_id=collection_id(params),
        image=image_input(params["Image"]),
        max_faces=params.get("MaxFaces", MAX_FACE_MATCHES),
        threshold_pct=params.get("FaceMatchThreshold", DEFAULT_THRESHOLD_PCT),
        quality_filter=quality_filter(params, QualityFilter.NONE),
    )


def faces_by_image_output(result: FacesMatched) -> Output:
    """Output of SearchFacesByImage."""
    output: Output = {"FaceMatches": _face_matches(result), "FaceModelVersion": result.model_version}
    if result.detected is not None and result.size is not None:
        output["SearchedFaceBoundingBox"] = bounding_box(result.detected.box_px.to_ratio(result.size))
        output["SearchedFaceConfidence"] = result.detected.confidence_pct
    return output


def users_command(params: Params) -> SearchUsers:
    """Parameters of SearchUsers."""
    user_id, face_id = params.get("UserId"), params.get("FaceId")
    return SearchUsers(
        collection_id=collection_id(params),
        user_id=None if user_id is None else UserId(user_id),
        face_id=None if face_id is None else FaceId(face_id),
        max_users=params.get("MaxUsers", MAX_USER_MATCHES),
        threshold_pct=params.get("UserMatchThreshold", DEFAULT_THRESHOLD_PCT),
    )


def users_output(result: UsersMatched) -> Output:
    """Output of SearchUsers."""
    return {
        "UserMatches": _user_matches(result),
        "FaceModelVersion": result.model_version,
        "SearchedFace": None if result.face_id is None else {"FaceId": result.face_id},
        "SearchedUser": None if result.user_id is None else {"UserId": result.user_id},
    }


def users_by_image_command(params: Params) -> SearchUsersByImage:
    """Parameters of SearchUsersByImage."""
    return SearchUsersByImage(
        collection_id=collection_id(params),
        image=image_input(params["Image"]),
        max_users=params.get("MaxUsers", MAX_USER_MATCHES),
        threshold_pct=params.get("UserMatchThreshold", DEFAULT_THRESHOLD_PCT),
        quality_filter=quality_filter(params, QualityFilter.NONE),
    )


def users_by_image_output(result: UsersMatched) -> Output:
    """Output of SearchUsersByImage; without a searched face there is no SearchedFace."""
    output: Output = {
        "UserMatches": _user_matches(result),
        "FaceModelVersion": result.model_version,
        "UnsearchedFaces": [],
    }
    if result.size is not None:
        size = result.size
        output["UnsearchedFaces"] = [unsearched_face(face, size, DEFAULT_ATTRIBUTES) for face in result.unsearched]
        if result.detected is not None:
            output["SearchedFace"] = {"FaceDetail": face_detail(result.detected, size, DEFAULT_ATTRIBUTES)}
    return output


def _face_matches(result: FacesMatched) -> list[Output]:
    return [
        {
            "Similarity": match.similarity_pct,
            "Face": face(match.face) if isinstance(match, FaceMatch) else sealed(match),
        }
        for match in result.matches
    ]


def _user_matches(result: UsersMatched) -> list[Output]:
    return [
        {
            "Similarity": match.similarity_pct,
            "User": {"UserId": match.user.user_id, "UserStatus": match.user.status.value},
        }
        for match in result.matches
    ]
