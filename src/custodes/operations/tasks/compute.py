"""What tasks compute over whole collections: duplicates, groups, matches between two, rates.

In: collections within the gate, somebody who is told how far it is. Out: what was found. Vectors of a collection are in
memory while it works, 512 bytes a face for the network that ships; pairs are not.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import DeniedError, InvalidParameterError, UnavailableError
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey, Face
from custodes.gallery.groups import FaceGroup, components, groups
from custodes.gallery.neighbours import AlikePairs, PairWork, Products, alike_between, alike_pairs
from custodes.gallery.ports import FloatArray
from custodes.gallery.rates import match_rates
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.redaction import is_held
from custodes.operations.tasks.commands import (
    LabelBy,
    On,
    StartCalibration,
    StartCrossMatch,
    StartDuplicateSearch,
    StartFaceClustering,
    TaskCommand,
)
from custodes.operations.tasks.cross import alike_by_workers
from custodes.operations.tasks.findings import RateFound, TaskFinding, TaskFound, TaskSummary
from custodes.operations.tasks.ports import Executors

MAX_FACES = 2_000_000
MAX_PAIRS = 100_000
"""Of a result: the most alike."""
MAX_CALIBRATED = 20_000
"""Faces of a calibration: 200 million pairs."""
CALIBRATED_PCT = (50.0, 60.0, 70.0, 80.0, 85.0, 90.0, 95.0, 97.0, 99.0, 99.5, 99.9, 99.99)
_LOOKED_UP = 4096


@dataclass(slots=True)
class TaskProgress:
    """How far the work is, 0 to 1, and whether it is still wanted; one thread writes each."""

    share: float = 0.0
    stopped: bool = False

    def tell(self, share: float) -> None:
        """So far."""
        self.share = share

    def is_stopped(self) -> bool:
        """Whether to end."""
        return self.stopped


@dataclass(frozen=True, slots=True)
class TaskParts:
    """What tasks compute with; ``rate`` says what a similarity stands for.

    ``products`` opens what multiplies bytes, ``executors`` are who else computes.
    """

    engine: FaceEngine
    gallery: Gallery
    rate: Callable[[float], float | None]
    threads: int = 2
    products: Callable[[], Products | None] = lambda: None
    executors: Executors | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """All faces of a collection: the store's numbers and unit vectors, in the same order."""

    key: CollectionKey
    numbers: NDArray[np.int64]
    vectors: FloatArray
    ids: dict[int, Face] = field(default_factory=dict)


def compute(permit: Permit, parts: TaskParts, command: TaskCommand, progress: TaskProgress) -> TaskFound:
    """What ``command`` asks for.

    Raises:
        NotFoundError: no such collection.
        InvalidParameterError: of another model version, or too large.
        DeniedError: what is found would have to be held back.
        UnavailableError: it was stopped.
    """
    if is_held(permit):
        raise DeniedError("what a task finds cannot be held back until two persons have confirmed it")
    work = _Work(permit, parts, progress)
    match command:
        case StartDuplicateSearch():
            found = work.duplicates(command)
        case StartFaceClustering():
            found = work.clusters(command)
        case StartCrossMatch():
            found = work.cross(command)
        case StartCalibration():
            found = work.calibrated(command)
        case _:
            raise TypeError(command.operation)
    if progress.stopped:
        raise UnavailableError("The task was stopped.")
    permit.tally.add(faces_compared=found.summary.faces, findings=found.summary.findings)
    return found


class _Work:
    """One task."""

    def __init__(self, permit: Permit, parts: TaskParts, progress: TaskProgress) -> None:
        self._permit = permit
        self._parts = parts
        self._progress = progress
        self._account = permit.context.caller.account_id

    def duplicates(self, command: StartDuplicateSearch) -> TaskFound:
        faces = self._faces(command)
        pairs = self._alike(faces, command.threshold_pct)
        kept, count = _most_alike(pairs)
        findings = self._pairs(faces, faces, kept)
        pairs_in_all = len(faces.numbers) * (len(faces.numbers) - 1) / 2
        return TaskFound(self._summary(len(faces.numbers), command.threshold_pct, pairs_in_all, count), findings)

    def cross(self, command: StartCrossMatch) -> TaskFound:
        one, other = self._faces(command), self._faces(command.other_way())
        limits = [self._least(faces.vectors, command.threshold_pct) for faces in (one, other)]
        pairs = self._between((one.vectors, other.vectors), (limits[0], limits[1]), command.on)
        kept, count = _most_alike(pairs)
        looked = len(one.numbers) + len(other.numbers)
        pairs_in_all = float(len(one.numbers)) * len(other.numbers)
        return TaskFound(
            self._summary(looked, command.threshold_pct, pairs_in_all, count), self._pairs(one, other, kept)
        )

    def _between(
        self, sides: tuple[FloatArray, FloatArray], limits: tuple[FloatArray, FloatArray], on: On
    ) -> Iterable[AlikePairs]:
        executors = self._parts.executors
        if on is On.LOCAL or executors is None:
            return alike_between(sides, limits, self._how())
        return alike_by_workers(executors.on(on), sides, limits, self._progress.is_stopped, self._progress.tell)

    def clusters(self, command: StartFaceClustering) -> TaskFound:
        faces = self._faces(command)
        parts = components(self._alike(faces, command.threshold_pct), len(faces.numbers))
        apart = np.full(len(faces.numbers), np.nan, np.float32)

        def margins(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            apart[rows] = self._least(faces.vectors[rows], command.apart_pct)
            limits = np.maximum(apart[rows][:, None], apart[rows][None, :])
            return np.asarray(faces.vectors[rows] @ faces.vectors[rows].T - limits, np.float32)

        found = groups(parts, margins)
        pairs_in_all = len(faces.numbers) * (len(faces.numbers) - 1) / 2
        summary = self._summary(len(faces.numbers), command.threshold_pct, pairs_in_all, len(found))
        return TaskFound(summary, self._groups(faces, found))

    def calibrated(self, command: StartCalibration) -> TaskFound:
        faces = self._faces(command, MAX_CALIBRATED)
        known = self._known(faces, range(len(faces.numbers)))
        by_user = command.label_by is LabelBy.USER
        labels = [
            None if face is None else (face.user_id if by_user else face.external_image_id)
            for face in (known.get(int(number)) for number in faces.numbers)
        ]
        labelled = np.flatnonzero([label is not None for label in labels])
        names, person = np.unique([str(labels[at]) for at in labelled], return_inverse=True)
        vectors = faces.vectors[labelled]
        limits = np.stack([self._least(vectors, pct) for pct in CALIBRATED_PCT], axis=1)
        points, count = match_rates(vectors, person.astype(np.int64), limits, CALIBRATED_PCT)
        if not points:
            raise InvalidParameterError("Faces of one person and of different people are needed, with labels.")
        rates = tuple(
            RateFound(one.similarity_pct, one.false_match_rate, one.true_match_rate, one.bounded) for one in points
        )
        return TaskFound(
            TaskSummary(
                len(labelled),
                rates=rates,
                people=len(names),
                genuine_pairs=count.genuine,
                impostor_pairs=count.impostor,
            )
        )

    def _faces(self, command: TaskCommand, at_most: int = MAX_FACES) -> _Faces:
        key = command.key(self._permit.context.caller)
        collection = self._parts.gallery.collection(key)
        require_same_model(self._parts.engine, collection)
        if collection.face_count > at_most:
            raise InvalidParameterError(f"Tasks of this kind look at no more than {at_most} faces.")
        self._permit.tally.looked_in(collection)
        batches = list(self._parts.gallery.face_vectors(key))
        if not batches:
            return _Faces(key, np.empty(0, np.int64), np.empty((0, collection.dimension), np.float32))
        numbers = np.concatenate([rows for rows, _ in batches])
        return _Faces(key, numbers, np.concatenate([vectors for _, vectors in batches]))

    def _least(self, vectors: FloatArray, percent: float) -> FloatArray:
        """The cosine that shows as ``percent``, of each of ``vectors``."""
        engine = self._parts.engine
        return np.array([min_cosine(engine.scale(vector), percent) for vector in vectors], np.float32)

    def _alike(self, faces: _Faces, percent: float) -> Iterable[AlikePairs]:
        return alike_pairs(faces.vectors, self._least(faces.vectors, percent), self._how())

    def _how(self) -> PairWork:
        parts, progress = self._parts, self._progress
        return PairWork(parts.threads, progress.is_stopped, progress.tell, parts.products())

    def _known(self, faces: _Faces, places: Iterable[int]) -> dict[int, Face]:
        """Faces by the store's number, looked up a part at a time."""
        wanted = [int(faces.numbers[at]) for at in dict.fromkeys(places)]
        found: dict[int, Face] = {}
        for start in range(0, len(wanted), _LOOKED_UP):
            found |= self._parts.gallery.faces_by_row(faces.key, wanted[start : start + _LOOKED_UP])
        return found

    def _pairs(self, one: _Faces, other: _Faces, kept: Sequence[tuple[float, int, int]]) -> tuple[TaskFinding, ...]:
        left = self._known(one, (first for _, first, _ in kept))
        right = self._known(other, (second for _, _, second in kept))
        found = []
        for cosine, first, second in kept:
            faces = left.get(int(one.numbers[first])), right.get(int(other.numbers[second]))
            if faces[0] is None or faces[1] is None:  # erased meanwhile
                continue
            named = (
                (str(one.key.collection_id), str(faces[0].face_id)),
                (str(other.key.collection_id), str(faces[1].face_id)),
            )
            found.append(TaskFinding(named, self._percent(one.vectors[first], other.vectors[second], cosine)))
        return tuple(found)

    def _groups(self, faces: _Faces, found: Sequence[FaceGroup]) -> tuple[TaskFinding, ...]:
        known = self._known(faces, (at for group in found for at in group.rows))
        findings = []
        for group in found:
            ids = {at: face.face_id for at in group.rows if (face := known.get(int(faces.numbers[at]))) is not None}
            one, other = group.weakest
            if len(ids) < 2 or not {one, other} <= ids.keys():
                continue
            cosine = float(faces.vectors[one] @ faces.vectors[other])
            named = tuple((str(faces.key.collection_id), str(face_id)) for face_id in ids.values())
            percent = self._percent(faces.vectors[one], faces.vectors[other], cosine)
            findings.append(TaskFinding(named, percent, (str(ids[one]), str(ids[other]))))
        return tuple(findings)

    def _percent(self, one: FloatArray, other: FloatArray, cosine: float) -> float:
        return similarity_pct(self._parts.engine.scale(one, other), cosine)

    def _summary(self, faces: int, percent: float, pairs: float, count: int) -> TaskSummary:
        rate = self._parts.rate(percent)
        expected = None if rate is None else rate * pairs
        return TaskSummary(faces, count, count > MAX_PAIRS, percent, rate, expected)


def _most_alike(pairs: Iterable[AlikePairs]) -> tuple[list[tuple[float, int, int]], int]:
    """The ``MAX_PAIRS`` most alike pairs, most alike first, and how many there were."""
    kept: list[tuple[float, int, int]] = []
    count = 0
    for part in pairs:
        count += len(part.first)
        for cosine, first, second in zip(part.cosine.tolist(), part.first.tolist(), part.second.tolist(), strict=True):
            if len(kept) < MAX_PAIRS:
                heapq.heappush(kept, (cosine, -first, -second))
            elif (cosine, -first, -second) > kept[0]:
                heapq.heapreplace(kept, (cosine, -first, -second))
    return [(cosine, -first, -second) for cosine, first, second in sorted(kept, reverse=True)], count
