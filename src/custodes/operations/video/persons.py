"""Persons over time: StartFaceSearch and StartPersonTracking.

In: faces and, for persons, bodies of single frames. Out: an item for each person and sample, with the index of the
track, and for a search the ids that the face resembles. Which of these ids a track may show is decided at the end, by
all its sightings.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from custodes.core.box import BoxPx, BoxRatio, Size
from custodes.engine.results.face import DetectedFace, QualityFilter, VectorUse
from custodes.engine.results.label import LabelsWanted
from custodes.gallery.entities import CollectionKey
from custodes.imaging.image import Image
from custodes.operations.images.attributes import DEFAULT_ATTRIBUTES
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.requests.gate import Permit
from custodes.operations.video.analysis import Analysis, FrameLook
from custodes.operations.video.commands import DEFAULT_MATCH_PCT
from custodes.operations.video.ports import Item
from custodes.video.segments.signature import Float, UInt8, picture_changed, thumbnail
from custodes.video.tracks import NameVote, Sighting, Track, Tracker, is_piece

MAX_MATCHES = 16
"""Faces of the collection that one sighting may resemble; the API documents no number for videos."""
_PERSON_PCT = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A person in one frame: body, face, the face's vector, as far as there are any."""

    body: BoxPx | None
    face: DetectedFace | None
    vector: Float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Who is in one frame: how many bodies and faces, each person once, and the frame in small."""

    bodies: int
    faces: int
    persons: list[_Seen]
    thumb: UInt8


class _Persons(Analysis):
    """What both share: tracks and their state."""

    def __init__(self, *arguments: Any) -> None:
        """No one was seen yet."""
        super().__init__(*arguments)
        self._tracker = Tracker(self._alike)
        self._thumb: UInt8 | None = None
        self._votes: dict[int, NameVote] = {}

    def state(self) -> Any:
        """Tracks, votes, and the last frame in small."""
        return {
            "born": self._tracker.born,
            "tracks": [_encode_track(track) for track in self._tracker.tracks],
            "thumb": None if self._thumb is None else base64.b64encode(self._thumb.tobytes()).decode(),
            "votes": [[index, vote.area, vote.sightings, vote.names] for index, vote in self._votes.items()],
        }

    def restore(self, state: Any) -> None:
        """Go on from a checkpoint."""
        self._tracker.born = state["born"]
        self._tracker.tracks = [_decode_track(track) for track in state["tracks"]]
        if state["thumb"] is not None:
            self._thumb = np.frombuffer(base64.b64decode(state["thumb"]), np.uint8).reshape(thumbnail_shape())
        self._votes = {
            index: NameVote(area, sightings, {name: (one, count, pct) for name, (one, count, pct) in names.items()})
            for index, area, sightings, names in state["votes"]
        }

    def names(self) -> dict[int, dict[str, float]]:
        """Ids that each track's sightings speak for, with their highest similarities."""
        return {index: vote.winners() for index, vote in self._votes.items()}

    def _alike(self, one: Float, other: Float) -> float:
        return similarity_pct(self.engines.faces.scale(one, other), float(one @ other))

    def _tracked(self, look: FrameLook[_Frame]) -> tuple[int, ...]:
        cut = self._thumb is not None and picture_changed(self._thumb, look.seen.thumb)
        self._thumb = look.seen.thumb
        persons = look.seen.persons
        boxes = [one.body or (one.face.box_px if one.face else BoxPx(0, 0, 0, 0)) for one in persons]
        sightings = [Sighting(box.to_ratio(look.size), one.vector) for box, one in zip(boxes, persons, strict=True)]
        return self._tracker.step(look.ts_ms, sightings, cut=cut)

    def _faces(self, permit: Permit, image: Image) -> list[_Seen]:
        """Faces with vectors where they are good enough for one."""
        engine = self.engines.faces
        found = engine.detect(permit.slot, image)
        clear = [not engine.poor_reasons(face, found.size, QualityFilter.AUTO) for face in found.faces]
        good = [face for face, is_clear in zip(found.faces, clear, strict=True) if is_clear]
        vectors = iter(engine.embed(permit.slot, image, good, VectorUse.QUERY))
        return [
            _Seen(None, face, next(vectors) if is_clear else None)
            for face, is_clear in zip(found.faces, clear, strict=True)
        ]

    def _person(self, one: _Seen, size: Size, index: int) -> Item:
        person: Item = {"Index": index}
        if one.body is not None:
            person["BoundingBox"] = self.engines.spelling.box(one.body.to_ratio(size))
        if one.face is not None:
            person["Face"] = self.engines.spelling.face(one.face, size, DEFAULT_ATTRIBUTES)
        return person


class PersonAnalysis(_Persons):
    """StartPersonTracking: bodies, and faces where there are any."""

    def see(self, permit: Permit, image: Image) -> _Frame:
        """Bodies and faces."""
        wanted = LabelsWanted(min_confidence_pct=_PERSON_PCT)
        found = self.engines.labels().labels(permit.slot, image, wanted)
        bodies = [
            instance.box_px
            for label in found.labels
            if label.name == "Person"
            for instance in label.instances
            if instance.confidence_pct >= _PERSON_PCT
        ]
        places = [body.to_ratio(image.size) for body in bodies]
        bodies = [body for body, place in zip(bodies, places, strict=True) if not is_piece(place, places)]
        faces = self._faces(permit, image)
        return _Frame(len(bodies), len(faces), _joined(bodies, faces), thumbnail(image.rgb))

    def tell(self, permit: Permit, look: FrameLook[_Frame]) -> list[Item]:
        """One item a person."""
        permit.tally.add(persons_detected=look.seen.bodies, faces_detected=look.seen.faces)
        indexes = self._tracked(look)
        return [
            {"t": look.ts_ms, "x": index, "i": self._person(one, look.size, index)}
            for index, one in sorted(zip(indexes, look.seen.persons, strict=True), key=lambda pair: pair[0])
        ]


class FaceSearchAnalysis(_Persons):
    """StartFaceSearch: faces, and whom of the collection they resemble."""

    def __init__(self, *arguments: Any, key: CollectionKey) -> None:
        """Search in ``key``."""
        super().__init__(*arguments)
        self._key = key

    def see(self, permit: Permit, image: Image) -> _Frame:
        """Faces. Raises NotFoundError when the collection is gone."""
        require_same_model(self.engines.faces, self.engines.gallery.outline(self._key))
        faces = self._faces(permit, image)
        return _Frame(0, len(faces), faces, thumbnail(image.rgb))

    def tell(self, permit: Permit, look: FrameLook[_Frame]) -> list[Item]:
        """One item a face. Raises NotFoundError when the collection is gone."""
        permit.tally.add(faces_detected=look.seen.faces)
        indexes = self._tracked(look)
        items = []
        for index, one in sorted(zip(indexes, look.seen.persons, strict=True), key=lambda pair: pair[0]):
            item: Item = {"t": look.ts_ms, "x": index, "i": self._person(one, look.size, index)}
            if one.vector is not None and one.face is not None:
                matched = self._matches(permit, one.vector)
                item["m"] = [[face_id, pct] for face_id, pct in matched.items()]
                area = one.face.box_px.area / (look.size.width * look.size.height)
                self._votes.setdefault(index, NameVote()).add(area, matched)
            items.append(item)
        return items

    def _matches(self, permit: Permit, vector: Float) -> dict[str, float]:
        scale, gallery = self.engines.faces.scale(vector), self.engines.gallery
        threshold = float(self.options.get("FaceMatchThreshold", DEFAULT_MATCH_PCT))
        version, least = self.engines.faces.model_version, min_cosine(scale, threshold)
        hits = gallery.search_faces(self._key, vector, MAX_MATCHES, least, version)
        faces = gallery.faces_by_row(self._key, [hit.row for hit in hits]) if hits else {}
        permit.tally.add(faces_searched=1, matches=len(faces))
        return {faces[hit.row].face_id: similarity_pct(scale, hit.cosine) for hit in hits if hit.row in faces}


def thumbnail_shape() -> tuple[int, int, int]:
    """Of a thumbnail's array."""
    from custodes.video.segments.signature import THUMB_HEIGHT, THUMB_WIDTH

    return (THUMB_HEIGHT, THUMB_WIDTH, 3)


def _joined(bodies: Sequence[BoxPx], faces: Sequence[_Seen]) -> list[_Seen]:
    """Each face with the smallest body whose upper half holds its middle; faces without a body are persons, too."""
    left = list(bodies)
    seen = []
    for one in faces:
        assert one.face is not None
        box = one.face.box_px
        x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
        around = [body for body in left if body.x1 <= x <= body.x2 and body.y1 <= y <= (body.y1 + body.y2) / 2]
        body = min(around, key=lambda body: body.area) if around else None
        if body is not None:
            left.remove(body)
        seen.append(_Seen(body, one.face, one.vector))
    return [*seen, *(_Seen(body, None, None) for body in left)]


def _encode_track(track: Track) -> list[Any]:
    box = track.box
    vector = None if track.vector is None else base64.b64encode(track.vector.astype("<f4").tobytes()).decode()
    return [track.index, [box.left, box.top, box.width, box.height], track.ts_ms, list(track.velocity), vector]


def _decode_track(value: list[Any]) -> Track:
    index, box, ts_ms, (dx, dy), vector = value
    known = None if vector is None else np.frombuffer(base64.b64decode(vector), "<f4").astype(np.float32)
    return Track(index, BoxRatio(*box), ts_ms, (dx, dy), known)
