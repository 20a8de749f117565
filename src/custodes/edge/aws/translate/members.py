"""Members that many operations share: pictures, filters and thresholds going in; boxes, faces and matches coming out.

In: AWS parameters, already checked against the service model. Out: command members; and back from entities to AWS
members. Ratios and percentages are made here and nowhere else.
"""

from __future__ import annotations

from custodes.core.box import BoxRatio
from custodes.core.ids import CollectionId, FaceId
from custodes.edge.aws.translate.route import Output, Params
from custodes.engine.results.face import QualityFilter
from custodes.gallery.entities import Face
from custodes.gallery.rules import Refusal
from custodes.operations.images.ports import S3Object
from custodes.operations.images.sources import ImageInput
from custodes.operations.reviews.redaction import SealedMatch


def image_input(image: Params) -> ImageInput:
    """The structure ``Image``. Whether exactly one source is given is the command's check."""
    where = image.get("S3Object")
    s3_object = None
    if where is not None:
        s3_object = S3Object(where.get("Bucket", ""), where.get("Name", ""), where.get("Version"))
    return ImageInput(image.get("Bytes"), s3_object)


def collection_id(params: Params) -> CollectionId:
    """The collection."""
    return CollectionId(params["CollectionId"])


def face_ids(params: Params) -> tuple[FaceId, ...]:
    """The member ``FaceIds``; empty when absent."""
    return tuple(FaceId(face_id) for face_id in params.get("FaceIds", ()))


def quality_filter(params: Params, default: QualityFilter) -> QualityFilter:
    """The member ``QualityFilter``."""
    return QualityFilter(params.get("QualityFilter", default))


def bounding_box(box: BoxRatio) -> Output:
    """The structure ``BoundingBox``."""
    return {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top}


def face(stored: Face) -> Output:
    """The structure ``Face``: an enrolled face."""
    return {
        "FaceId": stored.face_id,
        "BoundingBox": bounding_box(stored.box_ratio),
        "ImageId": stored.image_id,
        "ExternalImageId": stored.external_image_id,
        "Confidence": stored.confidence_pct,
        "IndexFacesModelVersion": stored.model_version,
        "UserId": stored.user_id,
    }


def sealed(match: SealedMatch) -> Output:
    """The structure ``Face`` for a match that two persons have to confirm: tokens, and nothing of the enrolled face."""
    return {
        "FaceId": match.face_id,
        "ExternalImageId": match.external_image_id,
        "IndexFacesModelVersion": match.model_version,
        "UserId": match.user_id,
    }


def refusal(refused: Refusal, *, confidence: bool = True) -> Output:
    """The structures ``Unsuccessful...``; only AssociateFaces has a member for the match confidence."""
    output: Output = {
        "FaceId": refused.face_id,
        "UserId": refused.user_id,
        "Reasons": [refused.reason.value],
    }
    return {**output, "Confidence": refused.confidence_pct} if confidence else output
