"""Who is who in a live search, for its events: faces joined to tracks, and what of each is news at a fragment's end.

In: the faces of each frame with their vectors and matches. Out: events: one when a person is first seen, one more when
an enrolled face is found for somebody who was unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from custodes.core.box import BoxRatio
from custodes.core.errors import CustodesError
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import Face
from custodes.gallery.ports import FloatArray
from custodes.imaging.image import Image, encode_jpeg
from custodes.operations.images.scale import similarity_pct
from custodes.operations.streams.events import DAY_MS, kept_days
from custodes.operations.streams.ports import FaceSeen, LiveFrame
from custodes.video.live.event import StreamEvent
from custodes.video.live.processor import FaceTask, StreamProcessor, StreamRun
from custodes.video.tracks import NameVote, Sighting, Tracker

_MARGIN = 0.3
"""Share of a face's box that its picture shows around it."""


@dataclass(slots=True)
class _Person:
    """One track of this session: votes for who it is, the best sight of this fragment, and what was told of it."""

    votes: NameVote = field(default_factory=NameVote)
    faces: dict[str, Face] = field(default_factory=dict)
    best: StreamEvent | None = None
    best_area: float = 0.0
    told: bool = False
    told_face_id: str | None = None


class Persons:
    """Keeps events of one session, where its processor wants them."""

    def __init__(self, engine: FaceEngine, processor: StreamProcessor, run: StreamRun) -> None:
        """Nobody was seen yet."""
        self._engine = engine
        self._processor = processor
        self._run = run
        self._days = _days(processor)
        self._tracker = Tracker(self._alike)
        self._persons: dict[int, _Person] = {}

    def see(self, frame: LiveFrame, seen: Sequence[FaceSeen], vectors: Sequence[FloatArray | None]) -> None:
        """One frame: faces, and the vector of each that has one."""
        if not self._days:
            return
        size = Image(frame.rgb, b"").size
        boxes = [one.face.box_px.to_ratio(size) for one in seen]
        sightings = [Sighting(box, vector) for box, vector in zip(boxes, vectors, strict=True)]
        for track, one, box in zip(self._tracker.step(frame.ts_ms, sightings), seen, boxes, strict=True):
            person = self._persons.setdefault(track, _Person())
            area = box.width * box.height
            person.votes.add(area, {str(face.face_id): pct for pct, face in one.matches})
            person.faces |= {str(face.face_id): face for _, face in one.matches}
            if person.best is None or area > person.best_area:
                person.best, person.best_area = self._event(frame, track, one, box), area

    def news(self) -> tuple[StreamEvent, ...]:
        """Events of what was not told before; the next fragment begins."""
        events = []
        for person in self._persons.values():
            if person.best is None:
                continue
            found = max(person.votes.winners().items(), key=lambda pair: (pair[1], pair[0]), default=None)
            if not person.told or (found is not None and found[0] != person.told_face_id):
                events.append(self._named(person, person.best, found))
                person.told, person.told_face_id = True, None if found is None else found[0]
            person.best, person.best_area = None, 0.0
        return tuple(sorted(events, key=lambda event: (event.ts_ms, event.track)))

    def _named(self, person: _Person, event: StreamEvent, found: tuple[str, float] | None) -> StreamEvent:
        if found is None:
            return event
        face = person.faces[found[0]]
        return replace(event, face_id=found[0], external_image_id=face.external_image_id, similarity_pct=found[1])

    def _event(self, frame: LiveFrame, track: int, one: FaceSeen, box: BoxRatio) -> StreamEvent:
        task = self._processor.task
        assert isinstance(task, FaceTask)
        return StreamEvent(
            self._processor.account_id,
            self._processor.name,
            self._run.session_id,
            self._processor.source_arn,
            track,
            frame.ts_ms,
            frame.ts_ms + self._days * DAY_MS,
            (box.left, box.top, box.width, box.height),
            one.face.confidence_pct,
            str(task.collection_id),
            picture=_picture(frame, box),
        )

    def _alike(self, one: FloatArray, other: FloatArray) -> float:
        return similarity_pct(self._engine.scale(one, other), float(one @ other))


def _days(processor: StreamProcessor) -> int:
    try:
        return kept_days(processor.tags)
    except CustodesError:  # a tag that was put on later and is no number keeps nothing
        return 0


def _picture(frame: LiveFrame, box: BoxRatio) -> bytes:
    height, width = frame.rgb.shape[:2]
    left, right = box.left - _MARGIN * box.width, box.left + (1 + _MARGIN) * box.width
    top, bottom = box.top - _MARGIN * box.height, box.top + (1 + _MARGIN) * box.height
    rows = slice(max(0, int(top * height)), min(height, int(bottom * height) + 1))
    columns = slice(max(0, int(left * width)), min(width, int(right * width) + 1))
    part = frame.rgb[rows, columns]
    return encode_jpeg(part) if part.size else b""
