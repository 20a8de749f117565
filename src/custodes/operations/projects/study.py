"""Looks at pictures for a training: features of those to learn from, what a new model says of those to test on.

In: entries and a permit. Out: rows of bytes, one a picture: whether it could be looked at, the digest of its file, and
features or the code of what is wrong; results of tests. It also tells how many of the pictures are about faces.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from custodes.core.box import BoxPx
from custodes.engine.ports import CustomLabelEngine, FaceEngine, ModerationEngine
from custodes.engine.results.custom import Lesson, TrainedModel, TrainingPlan
from custodes.imaging.image import Image
from custodes.operations.projects.sources import TrainingSources, UnusablePicture
from custodes.operations.requests.gate import Permit
from custodes.projects.evaluation import Said
from custodes.projects.manifest import ManifestLine

LOOKED, NOT_LOOKED = b"\1", b"\0"
FACE_SHARE = 0.15
"""A face that takes this share of a picture is what the picture is about."""
_FACE_OVERLAP = 0.3
"""A box that shares this much with a face, of both together, is about the face."""


@dataclass(frozen=True, slots=True)
class Studied:
    """Rows of pictures, and numbers of them.

    Attributes:
        faces, sampled: pictures about faces, of those that were looked at for them.
        wrongly_named, missed: of an adapter: pictures of which moderation says too much, and too little.
        unread: pictures that their bucket did not give.
    """

    rows: list[bytes]
    faces: int = 0
    sampled: int = 0
    wrongly_named: int = 0
    missed: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a model says of a test picture, or the code of what is wrong with it. Boxes are in pixels of ``size``."""

    size: tuple[int, int]
    said: tuple[Said, ...]
    error: str = ""
    unread: bool = False

    def to_json(self) -> list[Any]:
        """Plain values."""
        return [self.size, [[said.name, said.share, said.box] for said in self.said], self.error, self.unread]

    @classmethod
    def of_json(cls, value: list[Any]) -> TestResult:
        """What ``to_json`` gave."""
        size, said, error, unread = value
        rows = tuple(Said(name, share, None if box is None else tuple(box)) for name, share, box in said)
        return cls((size[0], size[1]), rows, error, unread)


class Study:
    """Looks at pictures."""

    def __init__(
        self,
        sources: TrainingSources,
        engine: Callable[[], CustomLabelEngine],
        faces: FaceEngine,
        moderation: Callable[[], ModerationEngine],
    ) -> None:
        """Pictures are in ``sources``; ``faces`` tells which are about faces, adapters build on ``moderation``."""
        self._sources = sources
        self._engine = engine
        self._faces = faces
        self._moderation = moderation

    def examples(
        self, permit: Permit, entries: Sequence[ManifestLine], plan: TrainingPlan, *, sampled: bool
    ) -> Studied:
        """Rows for ``framed``; ``sampled`` says whether to look for faces."""
        found, counts = list[bytes](), Counter[str]()
        for entry in entries:
            image = self._sources.picture(entry)
            if isinstance(image, UnusablePicture):
                found.append(NOT_LOOKED + bytes(32) + image.code.encode())
                counts["unread"] += image.unread
                continue
            permit.tally.images += 1
            lesson = lesson_of(entry, plan.names)
            if plan.adapter:
                lesson = replace(lesson, base=self._moderation().concerns(permit.slot, image, 0.0))
                counts.update(_difference(lesson, plan.least_pct))
            example = self._engine().study(permit.slot, image, lesson, plan)
            found.append(LOOKED + image.sha256 + example.features)
            if sampled:
                counts["sampled"] += 1
                counts["faces"] += self._is_about_faces(permit, image, entry)
        return Studied(
            found, counts["faces"], counts["sampled"], counts["wrongly_named"], counts["missed"], counts["unread"]
        )

    def results(
        self, permit: Permit, entries: Sequence[ManifestLine], weights: bytes, *, adapter: bool = False
    ) -> list[TestResult]:
        """What the model in ``weights`` says of each."""
        model, found = self._engine().open(weights), list[TestResult]()
        for entry in entries:
            image = self._sources.picture(entry)
            if isinstance(image, UnusablePicture):
                found.append(TestResult((0, 0), (), image.code, image.unread))
                continue
            permit.tally.images += 1
            said = self._adapted(permit, image, model) if adapter else self._detected(permit, image, model)
            found.append(TestResult((image.size.width, image.size.height), said))
        return found

    def _detected(self, permit: Permit, image: Image, model: TrainedModel) -> tuple[Said, ...]:
        labels = self._engine().detect(permit.slot, image, model)
        return tuple(Said(one.name, one.confidence_pct / 100, _corners(one.box)) for one in labels)

    def _adapted(self, permit: Permit, image: Image, model: TrainedModel) -> tuple[Said, ...]:
        base = self._moderation().concerns(permit.slot, image, 0.0)
        found = self._engine().adapt(permit.slot, image, model, base, 0.0)
        return tuple(Said(concern.name, concern.confidence_pct / 100) for concern in found.concerns)

    def _is_about_faces(self, permit: Permit, image: Image, entry: ManifestLine) -> bool:
        faces = [face.box_px for face in self._faces.detect(permit.slot, image).faces]
        if entry.boxes:
            boxes = [BoxPx(b.left, b.top, b.left + b.width, b.top + b.height) for b in entry.boxes]
            return 2 * sum(any(_overlap(box, face) >= _FACE_OVERLAP for face in faces) for box in boxes) > len(boxes)
        area = image.size.width * image.size.height
        return any(face.area >= FACE_SHARE * area for face in faces)


def _difference(lesson: Lesson, least_pct: float) -> list[str]:
    """Whether moderation says too much of a picture, or too little."""
    said = {c.name for c in lesson.base.concerns if c.confidence_pct >= least_pct} if lesson.base else set()
    above = {c.parent for c in lesson.base.concerns} if lesson.base else set()
    true = set(lesson.names)
    # A name above one that is true is no mistake.
    wrong = (said - true) if not true else (said - true - above)
    return [*(["wrongly_named"] if wrong else []), *(["missed"] if true - said else [])]


def lesson_of(entry: ManifestLine, names: Sequence[str]) -> Lesson:
    """What a line teaches about ``names``."""
    boxes = tuple(
        (box.name, BoxPx(box.left, box.top, box.left + box.width, box.top + box.height))
        for box in entry.boxes
        if box.name in names
    )
    return Lesson(tuple(name for name in entry.names if name in names), boxes)


def framed(rows: Sequence[bytes]) -> bytes:
    """Rows in one piece, each with its length in front."""
    return b"".join(len(row).to_bytes(4, "big") + row for row in rows)


def unframed(data: bytes) -> list[bytes]:
    """What ``framed`` joined."""
    rows, at = list[bytes](), 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        rows.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return rows


def sources_digest(sources: Sequence[str]) -> str:
    """SHA-256 over references and digests of files, in hexadecimal."""
    return hashlib.sha256("\n".join(sources).encode()).hexdigest()


def _corners(box: BoxPx | None) -> tuple[float, float, float, float] | None:
    return None if box is None else (box.x1, box.y1, box.x2, box.y2)


def _overlap(a: BoxPx, b: BoxPx) -> float:
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.area + b.area - width * height)
