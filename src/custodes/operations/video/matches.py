"""Whom the persons of a face search are: looked up when results are read, so that an erased face is gone from them.

In: items with the ids that single sightings resembled, and the ids that each track speaks for. Out: the same items with
matches: enrolled faces, or tokens where two persons have to confirm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.core.errors import NotFoundError
from custodes.core.ids import FaceId
from custodes.gallery.entities import CollectionKey, Face
from custodes.jobs.job import JobId
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.redaction import SealedMatch, Sought, is_held, seal_faces
from custodes.operations.reviews.reviews import Holding
from custodes.operations.video.ports import Item

Shown = Face | SealedMatch


@dataclass(frozen=True, slots=True)
class PersonSearch:
    """Whose search it was and what it found: for each track, ids with their highest similarities in percent."""

    job_id: JobId
    key: CollectionKey
    names: Mapping[int, Mapping[str, float]]


def with_matches(
    permit: Permit,
    gallery: Gallery,
    holding: Holding,
    search: PersonSearch,
    items: Sequence[Item],
) -> list[Item]:
    """``items`` with ``matches``: pairs of a similarity in percent and what is shown, best first; none is no member."""
    told = [
        [(FaceId(face_id), pct) for face_id, pct in item.get("m", ()) if face_id in search.names.get(item["x"], {})]
        for item in items
    ]
    indexes = sorted({item["x"] for item, pairs in zip(items, told, strict=True) if pairs})
    faces = _faces(gallery, search.key, sorted({FaceId(one) for index in indexes for one in search.names[index]}))
    shown: dict[tuple[int, FaceId], Shown] = {}
    for index in indexes:
        pairs = [(faces[FaceId(one)], pct) for one, pct in search.names[index].items() if FaceId(one) in faces]
        pairs.sort(key=lambda pair: (-pair[1], pair[0].face_id))
        found: Sequence[Shown] = [face for face, _ in pairs]
        if pairs and is_held(permit):
            # All of a person's matches, whichever page they are on: every page of every Get finds the same review.
            sought = Sought("GetFaceSearch", search.key, subject=f"{search.job_id}:{index}")
            found = seal_faces(holding, permit, sought, pairs)
        shown |= {(index, face.face_id): one for (face, _), one in zip(pairs, found, strict=True)}
    found_now = [
        [((item["x"], one), pct) for one, pct in pairs if (item["x"], one) in shown]
        for item, pairs in zip(items, told, strict=True)
    ]
    permit.tally.add(matches=len({one for pairs in found_now for one, _ in pairs}))
    return [
        {**item, "matches": [(pct, shown[one]) for one, pct in pairs]}
        for item, pairs in zip(items, found_now, strict=True)
    ]


def _faces(gallery: Gallery, key: CollectionKey, ids: Sequence[FaceId]) -> Mapping[FaceId, Face]:
    try:
        return gallery.faces_by_id(key, ids) if ids else {}
    except NotFoundError:  # the collection is gone, and everybody with it
        return {}
