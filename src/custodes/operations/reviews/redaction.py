"""What a search tells while two persons have not confirmed it: tokens for everything that names somebody.

In: matches of a search. Out: the same number of matches in the same order with the same similarities, whose ids, names
and users are tokens. An enrolled face's own box, confidence and picture id are left out: a listing of the collection
would tell by them which face it is. The ids are tokens, too, for the same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custodes.core.ids import ExternalImageId, FaceId, ModelVersion, UserId
from custodes.engine.results.face import DetectedFace
from custodes.gallery.entities import CollectionKey, Face, GalleryUser
from custodes.governance import review as rules
from custodes.governance.review import Candidate, Review
from custodes.imaging.image import Image, encode_jpeg
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.reviews import Found, Holding

_AROUND = 0.4
"""Of the box's size on each side: reviewers see hair and chin."""
_MAX_SIDE_PX = 512


@dataclass(frozen=True, slots=True)
class SealedMatch:
    """A match that names nobody."""

    face_id: FaceId
    external_image_id: ExternalImageId
    user_id: UserId
    model_version: ModelVersion
    similarity_pct: float


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search looked for and where; ``image`` and ``face`` of it for a search by picture.

    ``subject`` names what is read more than once, so that it is held back once.
    """

    operation: str
    key: CollectionKey
    image: Image | None = None
    face: DetectedFace | None = None
    subject: str = ""


def is_held(permit: Permit) -> bool:
    """Whether the result of what runs has to be reviewed before it is told."""
    return rules.TWO_PERSON_REVIEW in permit.obligations


def seal_faces(
    holding: Holding, permit: Permit, sought: Sought, found: Sequence[tuple[Face, float]]
) -> tuple[SealedMatch, ...]:
    """Keep ``found``, pairs of a face and its similarity in percent, for review; at least one."""
    candidates = tuple(Candidate(_milli(pct), face_id=face.face_id) for face, pct in found)
    review = _held(holding, permit, sought, candidates)
    return tuple(
        SealedMatch(
            rules.face_token(review, at),
            rules.external_token(review, at),
            rules.user_token(review, at),
            face.model_version,
            pct,
        )
        for at, (face, pct) in enumerate(found)
    )


def seal_users(
    holding: Holding, permit: Permit, sought: Sought, found: Sequence[tuple[GalleryUser, float]]
) -> tuple[tuple[GalleryUser, float], ...]:
    """The same for users."""
    candidates = tuple(Candidate(_milli(pct), user_id=user.user_id) for user, pct in found)
    review = _held(holding, permit, sought, candidates)
    return tuple((replace(user, user_id=rules.user_token(review, at)), pct) for at, (user, pct) in enumerate(found))


def _held(holding: Holding, permit: Permit, sought: Sought, candidates: tuple[Candidate, ...]) -> Review:
    picture, digest = None, ""
    if sought.image is not None and sought.face is not None:
        picture, digest = face_picture(sought.image, sought.face), sought.image.sha256.hex()
    return holding.hold(permit, Found(sought.operation, sought.key, candidates, picture, digest, sought.subject))


def face_picture(image: Image, face: DetectedFace) -> bytes:
    """A JPEG of ``face`` with a little around it, no side longer than 512 pixels."""
    box, (height, width) = face.box_px, image.rgb.shape[:2]
    aside, above = _AROUND * box.width, _AROUND * box.height
    x1, x2 = _span(box.x1 - aside, box.x2 + aside, width)
    y1, y2 = _span(box.y1 - above, box.y2 + above, height)
    step = -(-max(x2 - x1, y2 - y1) // _MAX_SIDE_PX)
    return encode_jpeg(image.rgb[y1:y2:step, x1:x2:step])


def _span(start: float, end: float, size: int) -> tuple[int, int]:
    """Whole pixels within the picture, at least one."""
    first = min(max(0, int(start)), size - 1)
    return first, min(max(first + 1, int(end) + 1), size)


def _milli(percent: float) -> int:
    return round(percent * 1000)
