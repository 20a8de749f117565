"""What is looked for in the frames of a fragment: faces of a collection, or persons, pets and packages.

In: a permit and frames within the gate. Out: what is to be told when the use is on record: records, or pictures and
messages. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from custodes.core.box import BoxPx, BoxRatio, Size
from custodes.core.errors import DeniedError
from custodes.engine.ports import FaceEngine, LabelEngine
from custodes.engine.results.face import QualityFilter, VectorUse
from custodes.engine.results.label import Instance, LabelsWanted
from custodes.gallery.entities import CollectionKey, Face
from custodes.gallery.ports import FloatArray
from custodes.imaging.image import Image, encode_jpeg
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.requests.gate import Permit
from custodes.operations.streams.persons import Persons
from custodes.operations.streams.ports import FaceSeen, Fragment, LiveFrame, StreamFormat, ThingSeen
from custodes.operations.streams.use_cases import until_ts_ms
from custodes.video.live.event import StreamEvent
from custodes.video.live.processor import FaceTask, LabelTask, Point, StreamProcessor

MAX_MATCHES = 5
"""Enrolled faces told for one seen face. The API documents no number for streams."""
NO_HASH = b""
_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "PERSON": frozenset({"Person"}),
        "PET": frozenset({"Dog", "Cat", "Pet"}),
        "PACKAGE": frozenset({"Package", "Cardboard Box"}),
    }
)


@dataclass(frozen=True, slots=True)
class StreamEngines:
    """What looks at frames. The label engine is opened when first asked."""

    faces: FaceEngine
    labels: Callable[[], LabelEngine]
    gallery: Gallery
    spelling: StreamFormat


@dataclass(frozen=True, slots=True)
class Told:
    """What one fragment has to tell.

    Attributes:
        records: of a data stream.
        pictures: JPEG files by their keys.
        messages: of a topic.
        events: to be kept for the account.
    """

    records: tuple[bytes, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = ()
    messages: tuple[bytes, ...] = ()
    events: tuple[StreamEvent, ...] = ()

    def __add__(self, later: Told) -> Told:
        """This, then ``later``."""
        return Told(
            self.records + later.records,
            self.pictures + later.pictures,
            self.messages + later.messages,
            self.events + later.events,
        )


class FaceLook:
    """Looks for faces of a collection."""

    done = False

    def __init__(self, engines: StreamEngines, processor: StreamProcessor) -> None:
        """As ``processor`` says."""
        assert isinstance(processor.task, FaceTask) and processor.run is not None
        self._engines = engines
        self._persons = Persons(engines.faces, processor, processor.run)
        self._processor = processor
        self._task = processor.task
        self._key = CollectionKey(processor.account_id, processor.task.collection_id)

    def begin(self, permit: Permit) -> None:
        """Before the frames of a fragment.

        Raises:
            NotFoundError: the collection is gone.
            DeniedError: the last day of the search is over, or results would have to be held back.
        """
        now_ms = permit.context.ts_ms
        if until_ts_ms(self._processor.tags, now_ms) <= now_ms:
            raise DeniedError("the last day of this search is over")
        collection = self._engines.gallery.outline(self._key)
        require_same_model(self._engines.faces, collection)
        permit.tally.looked_in(collection)

    def look(self, permit: Permit, fragment: Fragment, frame: LiveFrame) -> Told:
        """One record a frame, also of one without faces."""
        engine, image = self._engines.faces, Image(frame.rgb, NO_HASH)
        found = engine.detect(permit.slot, image)
        permit.tally.add(faces_detected=len(found.faces))
        clear = [face for face in found.faces if not engine.poor_reasons(face, found.size, QualityFilter.AUTO)]
        rows = engine.embed(permit.slot, image, clear, VectorUse.QUERY) if clear else ()
        vectors = {id(face): vector for face, vector in zip(clear, rows, strict=True)}
        seen = [
            FaceSeen(face, self._matches(permit, vectors[id(face)]) if id(face) in vectors else ())
            for face in found.faces
        ]
        self._persons.see(frame, seen, [vectors.get(id(face)) for face in found.faces])
        return Told(records=(self._engines.spelling.face_record(fragment, frame, found.size, seen),))

    def end(self) -> Told:
        """What is to be kept of the persons of a fragment."""
        return Told(events=self._persons.news())

    def _matches(self, permit: Permit, vector: FloatArray) -> tuple[tuple[float, Face], ...]:
        engine, gallery = self._engines.faces, self._engines.gallery
        scale = engine.scale(vector)
        least = min_cosine(scale, self._task.threshold_pct)
        hits = gallery.search_faces(self._key, vector, MAX_MATCHES, least, engine.model_version)
        faces = gallery.faces_by_row(self._key, [hit.row for hit in hits]) if hits else {}
        permit.tally.add(faces_searched=1, matches=len(faces))
        return tuple((similarity_pct(scale, hit.cosine), faces[hit.row]) for hit in hits if hit.row in faces)


class LabelLook:
    """Looks for classes of things until each was told once; that ends a session."""

    def __init__(self, engines: StreamEngines, processor: StreamProcessor) -> None:
        """As ``processor`` says."""
        assert isinstance(processor.task, LabelTask) and processor.run is not None
        self._engines = engines
        self._processor = processor
        self._task = processor.task
        self._session = processor.run.session_id
        wanted = _CLASSES.keys() if "ALL" in self._task.labels else self._task.labels
        self._left = {name for name in wanted if name in _CLASSES}

    @property
    def done(self) -> bool:
        """Whether every class was told."""
        return not self._left

    def begin(self, permit: Permit) -> None:
        """Nothing is looked up."""

    def look(self, permit: Permit, fragment: Fragment, frame: LiveFrame) -> Told:
        """The first sight of each class in this session, with pictures."""
        if self.done:
            return Told()
        wanted = LabelsWanted(min_confidence_pct=self._task.min_confidence_pct)
        image = Image(frame.rgb, NO_HASH)
        found = self._engines.labels().labels(permit.slot, image, wanted)
        permit.tally.add(labels_detected=len(found.labels))
        best: dict[str, Instance] = {}
        for label in found.labels:
            for name in sorted(self._left):
                if label.name in _CLASSES[name]:
                    self._keep_best(best, name, label.instances, image.size)
        self._left -= best.keys()
        return self._told(fragment, frame, best) if best else Told()

    def end(self) -> Told:
        """Nothing is kept."""
        return Told()

    def _keep_best(self, best: dict[str, Instance], name: str, instances: Sequence[Instance], size: Size) -> None:
        for one in instances:
            sure = one.confidence_pct >= self._task.min_confidence_pct and self._watched(one.box_px.to_ratio(size))
            if sure and (name not in best or one.confidence_pct > best[name].confidence_pct):
                best[name] = one

    def _watched(self, box: BoxRatio) -> bool:
        middle = (box.left + box.width / 2, box.top + box.height / 2)
        return not self._task.regions or any(_inside(middle, region) for region in self._task.regions)

    def _told(self, fragment: Fragment, frame: LiveFrame, best: Mapping[str, Instance]) -> Told:
        size = Size(frame.rgb.shape[1], frame.rgb.shape[0])
        parts = (self._task.key_prefix.strip("/"), self._processor.name, self._session)
        folder = "/".join(part for part in parts if part)
        stem = f"{folder}/notifications/{fragment.number}_{frame.ts_ms}"
        things, pictures = [], [(f"{stem}.jpg", _jpeg(frame, None))]
        for name, instance in sorted(best.items()):
            crop_key = f"{stem}_{name.lower()}.jpg"
            things.append(ThingSeen(name, instance, f"{stem}.jpg", crop_key))
            pictures.append((crop_key, _jpeg(frame, instance.box_px)))
        message = self._engines.spelling.labels_message(self._processor, fragment, frame, size, things)
        return Told(pictures=tuple(pictures), messages=(message,) if self._task.topic_arn else ())


Look = FaceLook | LabelLook


def look_of(engines: StreamEngines, processor: StreamProcessor) -> Look:
    """What ``processor`` looks for."""
    kind = FaceLook if isinstance(processor.task, FaceTask) else LabelLook
    return kind(engines, processor)


def _jpeg(frame: LiveFrame, box: BoxPx | None) -> bytes:
    if box is None:
        return encode_jpeg(frame.rgb)
    top, left = max(0, int(box.y1)), max(0, int(box.x1))
    return encode_jpeg(frame.rgb[top : int(box.y2) + 1, left : int(box.x2) + 1])


def _inside(point: Point, corners: Sequence[Point]) -> bool:
    """Whether a ray from ``point`` to the right crosses the outline an odd number of times."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
