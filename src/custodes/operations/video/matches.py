"""Whom the persons of a face search are: looked up when results are read, so that an erased face is gone from them.

In: items with the ids that single sightings resembled, and the ids that each track speaks for. Out: the same items with
matches: enrolled faces, or tokens where two persons have to confirm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from custodes.core.errors import NotFoundError
from custodes.core.ids import FaceId
from custodes.gallery.entities import CollectionKey, Face
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.redaction import SealedMatch, Sought, is_held, seal_faces
from custodes.operations.reviews.reviews import Holding
from custodes.operations.video.ports import Item

Shown = Face | SealedMatch


def with_matches(
    permit: Permit,
    gallery: Gallery,
    holding: Holding,
    key: CollectionKey,
    items: Sequence[Item],
    names: Mapping[int, frozenset[str]],
) -> list[Item]:
    """``items`` with ``matches``: pairs of a similarity in percent and what is shown, best first; none is no member."""
    told = [
        [(FaceId(face_id), pct) for face_id, pct in item.get("m", ()) if face_id in names.get(item["x"], frozenset())]
        for item in items
    ]
    faces = _faces(gallery, key, sorted({face_id for pairs in told for face_id, _ in pairs}))
    shown: dict[tuple[int, FaceId], Shown] = {}
    for item, pairs in zip(items, told, strict=True):
        shown |= {(item["x"], face_id): faces[face_id] for face_id, _ in pairs if face_id in faces}
    if shown and is_held(permit):
        shown = _sealed(permit, holding, key, shown, _best(items, told))
    permit.tally.add(matches=len(shown))
    return [
        {**item, "matches": [(pct, shown[item["x"], one]) for one, pct in pairs if (item["x"], one) in shown]}
        for item, pairs in zip(items, told, strict=True)
    ]


def _faces(gallery: Gallery, key: CollectionKey, ids: Sequence[FaceId]) -> Mapping[FaceId, Face]:
    try:
        return gallery.faces_by_id(key, ids) if ids else {}
    except NotFoundError:  # the collection is gone, and everybody with it
        return {}


def _best(items: Sequence[Item], told: Sequence[list[tuple[FaceId, float]]]) -> dict[tuple[int, FaceId], float]:
    best: dict[tuple[int, FaceId], float] = {}
    for item, pairs in zip(items, told, strict=True):
        for face_id, pct in pairs:
            best[item["x"], face_id] = max(pct, best.get((item["x"], face_id), 0.0))
    return best


def _sealed(
    permit: Permit,
    holding: Holding,
    key: CollectionKey,
    shown: Mapping[tuple[int, FaceId], Shown],
    best: Mapping[tuple[int, FaceId], float],
) -> dict[tuple[int, FaceId], Shown]:
    """One review for each person of the page."""
    sealed: dict[tuple[int, FaceId], Shown] = {}
    for index in sorted({index for index, _ in shown}):
        own = [(one, face) for one, face in shown.items() if one[0] == index and isinstance(face, Face)]
        own.sort(key=lambda pair: -best[pair[0]])
        matches = seal_faces(holding, permit, Sought("GetFaceSearch", key), [(face, best[one]) for one, face in own])
        sealed |= {one: match for (one, _), match in zip(own, matches, strict=True)}
    return sealed
