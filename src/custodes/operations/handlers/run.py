"""One picture through a handler: its commands one after the other, each through the gate, the work in between shared.

In: a document, a picture, whoever asks. Out: what was found of each face, what was kept, and where each command is on
record. The picture is decoded once, its faces are found once and turned into vectors once, however many lists:
commands are decided, recorded and billed each for itself, and compute what no command before them has. Whoever may not
one of them gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from custodes.core.box import BoxPx
from custodes.core.errors import DeniedError
from custodes.core.ids import CollectionId, FaceId
from custodes.engine.ports import FaceEngine, PortraitEngine
from custodes.engine.results.face import DetectedFace, FacesFound, FloatArray, VectorUse
from custodes.gallery.entities import CollectionKey
from custodes.imaging.image import Image
from custodes.operations.collections.enrol import FaceOperations, IndexFaces
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.search import SearchFacesByImage, SearchUsersByImage
from custodes.operations.handlers.commands import RunHandler, detection, enrolment, search
from custodes.operations.handlers.document import Gates, HandlerDocument, MatchBy, MatchList
from custodes.operations.images.assess import AssessFaceQuality
from custodes.operations.images.attributes import Attributes, detail_for, traits_for, without
from custodes.operations.images.children import require_grown
from custodes.operations.images.detect_faces import DetectFaces
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.images.sources import Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate, Permit, StepRecord
from custodes.operations.reviews.redaction import is_held

R = TypeVar("R")
C = TypeVar("C", bound=Command)
_FILTERED = 100
"""Candidates looked at where a list takes only some of a collection."""


@dataclass(frozen=True, slots=True)
class ListCandidate:
    """Somebody on a list whom a face is like: an enrolled face or a user, and how alike, 0 to 100."""

    list_name: str
    collection_id: str
    similarity_pct: float
    face_id: str | None = None
    external_image_id: str | None = None
    user_id: str | None = None

    @property
    def identifier(self) -> str | None:
        """What lists select by."""
        return self.user_id if self.face_id is None else self.external_image_id


@dataclass(slots=True)
class FaceHandled:
    """One face: what is poor about it (empty for one that passed), its candidates by list, tags, what was kept."""

    face: DetectedFace
    poor: tuple[str, ...] = ()
    candidates: list[ListCandidate] = field(default_factory=list)
    best: dict[str, float | None] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    enrolled_face_id: FaceId | None = None
    event_place: int | None = None


@dataclass(frozen=True, slots=True)
class Performed:
    """One command and the place of its use on record, where it is."""

    operation: str
    entered: StepRecord

    @property
    def ledger_index(self) -> int | None:
        """Known once the run left the gate."""
        return self.entered.index


@dataclass(frozen=True, slots=True)
class Handled:
    """One picture."""

    image: Image
    found: FacesFound
    faces: tuple[FaceHandled, ...]
    attributes: Attributes
    performed: tuple[Performed, ...]


@dataclass(frozen=True, slots=True)
class HandlerParts:
    """What commands of handlers are carried out with."""

    engine: FaceEngine
    portraits: Callable[[], PortraitEngine]
    gallery: Gallery
    pictures: Pictures
    enrolment: FaceOperations


class HandlerRun:
    """One run."""

    def __init__(self, gate: Gate, parts: HandlerParts, whole: Permit, document: HandlerDocument) -> None:
        """Let every command pass ``gate`` as a step of ``whole``, whose context states what ``document`` is for."""
        self._gate = gate
        self._parts = parts
        self._whole = whole
        self._document = document
        self._performed: list[Performed] = []
        self._vectors: dict[int, FloatArray] = {}

    def run(self, command: RunHandler) -> Handled:
        """Everything but events."""
        document = self._document
        image, found, attributes = self._perform(detection(document, command.image), self._detect)
        faces = [FaceHandled(face) for face in found.faces[: document.detect.max_faces]]
        for one in faces:
            one.poor = _poor(self._parts.engine, document.gates, one.face, found)
        if document.gates.portrait and any(not one.poor for one in faces):
            asked = AssessFaceQuality(image=command.image, max_faces=len(faces))
            self._perform(asked, lambda permit, _: self._inspect(permit, image, faces))
        good = [one for one in faces if not one.poor]
        for wanted in document.match:
            self._match(wanted, command, image, good)
        for one in good:
            for rule in document.tags:
                if rule.when.holds(one.best, one.tags):
                    one.tags.append(rule.tag)
        self._enrol(command, image, good)
        return Handled(image, found, tuple(faces), attributes, tuple(self._performed))

    def _perform(self, command: C, run: Callable[[Permit, C], R]) -> R:
        step = self._gate.perform_step(self._whole, self._whole.context, command, run)
        self._performed.append(Performed(command.operation, step.entered))
        return step.result

    def _detect(self, permit: Permit, command: DetectFaces) -> tuple[Image, FacesFound, Attributes]:
        engine = self._parts.engine
        image = self._parts.pictures.load(command.image)
        permit.tally.images += 1
        attributes = without(command.attributes, permit.withheld)
        most = self._document.detect.max_faces
        found = engine.detect(permit.slot, image, detail_for(attributes), most)
        faces = engine.describe(permit.slot, image, found.faces, traits_for(attributes))
        permit.tally.add(faces_detected=len(faces))
        return image, FacesFound(found.size, faces), attributes

    def _inspect(self, permit: Permit, image: Image, faces: Sequence[FaceHandled]) -> None:
        found = self._parts.portraits().inspect(permit.slot, image, len(faces))
        permit.tally.images += 1
        for one in faces:
            same = max(found.faces, key=lambda seen: _overlap(seen.box_px, one.face.box_px), default=None)
            passed = {} if same is None else {check.name: check.passed for check in same.checks}
            one.poor += tuple(name for name in self._document.gates.portrait if not passed.get(name))

    def _match(self, wanted: MatchList, command: RunHandler, image: Image, good: Sequence[FaceHandled]) -> None:
        asked = [one for one in good if wanted.when.holds(one.best, one.tags)]
        if not asked:
            return
        by_users = wanted.by is MatchBy.USERS

        def run(permit: Permit, step: SearchFacesByImage | SearchUsersByImage) -> None:
            self._check_search(permit, step.key(permit.context.caller), image, asked)
            for one, vector in zip(asked, self._embedded(permit, image, asked), strict=True):
                look = self._users if by_users else self._faces
                found = [each for each in look(permit, wanted, vector) if wanted.wants(each.identifier)]
                one.candidates += found[: wanted.limit]
                one.best[wanted.name] = found[0].similarity_pct if found else None

        self._perform(search(wanted, command.image), run)

    def _check_search(self, permit: Permit, key: CollectionKey, image: Image, asked: Sequence[FaceHandled]) -> None:
        if is_held(permit):
            raise DeniedError("what a handler finds cannot be held back until two persons have confirmed it")
        collection = self._parts.gallery.outline(key)
        require_same_model(self._parts.engine, collection)
        require_grown(self._parts.engine, permit, image, [one.face for one in asked])
        permit.tally.images += 1
        permit.tally.looked_in(collection)

    def _embedded(self, permit: Permit, image: Image, asked: Sequence[FaceHandled]) -> list[FloatArray]:
        """Vectors of ``asked``; those that no list asked for before are computed now."""
        new = [one.face for one in asked if id(one) not in self._vectors]
        rows = self._parts.engine.embed(permit.slot, image, new, VectorUse.QUERY) if new else np.empty((0, 0), "f4")
        places = [id(one) for one in asked if id(one) not in self._vectors]
        self._vectors |= dict(zip(places, rows, strict=True))
        return [self._vectors[id(one)] for one in asked]

    def _faces(self, permit: Permit, wanted: MatchList, vector: FloatArray) -> list[ListCandidate]:
        gallery, scale = self._parts.gallery, self._parts.engine.scale(vector)
        version = self._parts.engine.model_version
        key = _key(permit, wanted)
        hits = gallery.search_faces(key, vector, _most(wanted), min_cosine(scale, wanted.threshold), version)
        faces = gallery.faces_by_row(key, [hit.row for hit in hits]) if hits else {}
        permit.tally.add(faces_searched=1, matches=len(faces))
        return [
            ListCandidate(
                wanted.name,
                wanted.collection,
                similarity_pct(scale, hit.cosine),
                face_id=faces[hit.row].face_id,
                external_image_id=faces[hit.row].external_image_id,
            )
            for hit in hits
            if hit.row in faces
        ]

    def _users(self, permit: Permit, wanted: MatchList, vector: FloatArray) -> list[ListCandidate]:
        gallery, scale = self._parts.gallery, self._parts.engine.scale(vector)
        version = self._parts.engine.model_version
        key = _key(permit, wanted)
        hits = gallery.search_users(key, vector, _most(wanted), min_cosine(scale, wanted.threshold), version)
        users = gallery.users_by_row(key, [hit.row for hit in hits]) if hits else {}
        permit.tally.add(faces_searched=1, matches=len(users))
        return [
            ListCandidate(
                wanted.name, wanted.collection, similarity_pct(scale, hit.cosine), user_id=users[hit.row].user_id
            )
            for hit in hits
            if hit.row in users
        ]

    def _enrol(self, command: RunHandler, image: Image, good: Sequence[FaceHandled]) -> None:
        enrol = self._document.store.enrol
        chosen = [] if enrol is None else [one for one in good if enrol.when.holds(one.best, one.tags)]
        if not chosen:
            return

        def run(permit: Permit, step: IndexFaces) -> None:
            faces = self._parts.enrolment.enrol_seen(permit, step, image, [one.face for one in chosen])
            for one, face in zip(chosen, faces, strict=True):
                one.enrolled_face_id = face.face_id

        self._perform(enrolment(self._document, command.image), run)


def stated(context: Context, document: HandlerDocument) -> Context:
    """``context`` with what ``document`` states of its use; what a session states itself counts more."""
    facts: Mapping[str, str] = {"custodes:purpose": document.purpose}
    if document.legal_basis is not None:
        facts = {**facts, "custodes:legal_basis": document.legal_basis}
    caller = context.caller
    return replace(context, caller=replace(caller, session_tags={**facts, **caller.session_tags}))


def _poor(engine: FaceEngine, gates: Gates, face: DetectedFace, found: FacesFound) -> tuple[str, ...]:
    """What ``face`` is not good enough in."""
    pose, quality, box = face.pose, face.quality, face.box_px
    bad = {
        "min_side_px": min(box.width, box.height) < gates.min_side_px,
        "min_confidence": face.confidence_pct < gates.min_confidence,
        "min_brightness": quality.brightness_pct < gates.min_brightness,
        "min_sharpness": quality.sharpness_pct < gates.min_sharpness,
        "max_yaw": abs(pose.yaw_deg) > gates.max_yaw,
        "max_pitch": abs(pose.pitch_deg) > gates.max_pitch,
        "max_roll": abs(pose.roll_deg) > gates.max_roll,
    }
    filtered = tuple(str(reason) for reason in engine.poor_reasons(face, found.size, gates.filter))
    return (*filtered, *(name for name, is_bad in bad.items() if is_bad))


def _key(permit: Permit, wanted: MatchList) -> CollectionKey:
    return CollectionKey(permit.context.caller.account_id, CollectionId(wanted.collection))


def _most(wanted: MatchList) -> int:
    return wanted.limit if wanted.only is None else _FILTERED


def _overlap(one: BoxPx, other: BoxPx) -> float:
    """Pixels that both boxes cover."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    return max(0.0, width) * max(0.0, min(one.y2, other.y2) - max(one.y1, other.y1))
