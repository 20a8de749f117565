"""Carries out trainings, in parts of a few pictures, each under a permission of its own.

In: a job. Out: checkpoints, and a version that is trained or says why not. The steps: read what is trained on; look at
training pictures, part by part; fit; ask the new model about test pictures, part by part; judge it, write reports. What
a step kept is there after a crash, and the next attempt goes on behind it. At the end everything that was kept of
pictures is destroyed but the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import orjson

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InvalidParameterError, UnavailableError
from custodes.core.ids import RequestId
from custodes.engine.results.custom import Example, TrainingPlan
from custodes.jobs.job import Cursor, Job, JobCheckpoint
from custodes.operations.projects.reporting import Reporting
from custodes.operations.projects.sources import TEST, TRAIN, TrainingData, TrainingSources
from custodes.operations.projects.study import LOOKED, Study, TestResult, framed, lesson_of, unframed
from custodes.operations.projects.trainings import TrainingRequest, Trainings
from custodes.operations.projects.upkeep.erasure import keep_sources
from custodes.operations.projects.versions import WEIGHTS
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.video.ports import ChargedParts
from custodes.projects.content import DataJudgement, judge
from custodes.projects.entities import ProjectFeature, Version, VersionStatus
from custodes.projects.manifest import ManifestLine, UseCase

PICTURES_A_PART = 8
ADAPTER_ERRORS = frozenset({"ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"})
MIN_WRONG, MIN_MISSED, MIN_TESTED = 20, 50, 20
"""Pictures that an adapter needs. Source: behaviour specification, section 3.13."""
TOO_LITTLE = (
    f"An adapter needs {MIN_WRONG} pictures of which moderation says too much or {MIN_MISSED} of which it says too "
    f"little, and {MIN_TESTED} to test on."
)
NOTHING_READ, NOT_READ_LATER = "ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET", "ERROR_FAILED_IMAGES_S3_COPY"
"""No picture to train on could be read; some could, but none to test on."""
_KEPT = "train."
_TESTED = "test."
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class TrainingParts:
    """What a training needs.

    Attributes:
        trainings: begun trainings, with their records and the engine.
        sources: what versions are trained on.
        study: looks at pictures.
        reporting: writes what users get.
        charged: whether a part was charged before.
        request_ids: gives an id to each part.
    """

    trainings: Trainings
    sources: TrainingSources
    study: Study
    reporting: Reporting
    charged: ChargedParts
    clock: Clock
    request_ids: Callable[[], RequestId]


@dataclass(slots=True)
class _State:
    """Where a training is.

    Attributes:
        part: number of the next part.
        trained, tested: pictures looked at.
        fitted: whether the weights are kept.
        faces, sampled, wrongly_named, missed, unread: see ``Studied``.
    """

    begun_ts_ms: int
    part: int = 1
    trained: int = 0
    tested: int = 0
    fitted: bool = False
    faces: int = 0
    sampled: int = 0
    wrongly_named: int = 0
    missed: int = 0
    unread: int = 0

    def to_bytes(self) -> bytes:
        return orjson.dumps({name: getattr(self, name) for name in self.__slots__})


class TrainingJobs:
    """Implements ``JobHandler`` for trainings."""

    def __init__(self, gate: Gate, parts: TrainingParts) -> None:
        """Let every part pass ``gate``."""
        self._gate = gate
        self._parts = parts

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler. A reason that may pass leaves the version in training; any other makes it fail."""
        request = TrainingRequest.from_bytes(job.request.input)
        try:
            yield from _Training(self._gate, self._parts, job, request).run()
        except UnavailableError:
            raise
        except CustodesError as error:
            self._fail(request, error.message)
            self._parts.trainings.endings.tell(request.key)
            raise
        self._parts.trainings.endings.tell(request.key)

    def _fail(self, request: TrainingRequest, message: str) -> None:
        records = self._parts.trainings.records
        record = records.version(request.key)
        version = cast("Version", record.value)
        if version.status is VersionStatus.TRAINING_IN_PROGRESS:
            ended = self._parts.clock.now_ms()
            records.change(
                record,
                replace(version, status=VersionStatus.TRAINING_FAILED, message=message, trained_ts_ms=ended),
            )
            records.store.drop_parts(request.key, "")


class _Training:
    """One training, from wherever it is to its end."""

    def __init__(self, gate: Gate, parts: TrainingParts, job: Job, request: TrainingRequest) -> None:
        self._gate, self._parts, self._job, self._request = gate, parts, job, request
        self._records = parts.trainings.records
        self._store = self._records.store

    def run(self) -> Iterator[JobCheckpoint]:
        state = self._state()
        if not self._job.cursor.state:
            self._perform(state, (), self._read)
            state.part += 1
            yield JobCheckpoint(Cursor(0, None, state.to_bytes()))
        data, version = self._parts.sources.kept(self._version()), self._version()
        judged = self._judged(version, data)
        train = [entry for entry in data.train if entry.usable and entry.labeled]
        test = [entry for entry in data.test if entry.usable and entry.labeled]
        total = len(train) + len(test) + 1
        while state.trained < len(train):
            chunk = train[state.trained : state.trained + PICTURES_A_PART]
            plan = self._plan(version, judged, train)
            self._perform(state, judged.names, lambda permit, c=chunk, p=plan: self._study(permit, c, p, state))  # type: ignore[misc]
            state.trained += len(chunk)
            state.part += 1
            yield JobCheckpoint(Cursor(state.trained, total, state.to_bytes()))
        if not state.fitted:
            self._fit(state, judged, train, data)
            yield JobCheckpoint(Cursor(state.trained + 1, total, state.to_bytes()))
        while state.tested < len(test):
            chunk = test[state.tested : state.tested + PICTURES_A_PART]
            self._perform(state, judged.names, lambda permit, c=chunk: self._test(permit, c, state))  # type: ignore[misc]
            state.tested += len(chunk)
            state.part += 1
            yield JobCheckpoint(Cursor(state.trained + 1 + state.tested, total, state.to_bytes()))
        self._finish(state, data, train, test)
        yield JobCheckpoint(Cursor(total, total, b""), last=True)

    def _state(self) -> _State:
        if self._job.cursor.state:
            return _State(**orjson.loads(self._job.cursor.state))
        return _State(self._parts.clock.now_ms())

    def _version(self) -> Version:
        return cast("Version", self._records.version(self._request.key).value)

    def _judged(self, version: Version, data: TrainingData, *, usable: bool = False) -> DataJudgement:
        """Both sets; an adapter is about the names of moderation, whatever its pictures show."""
        if version.feature is ProjectFeature.CUSTOM_LABELS:
            return judge(data.train, data.test, usable=usable)
        names = self._parts.trainings.engine().moderation_names
        found = judge(data.train, data.test, usable=usable)
        errors = [code for code in found.errors if code in ADAPTER_ERRORS]
        tested = sum(entry.usable for entry in data.test)
        if data.error is None and tested < MIN_TESTED:
            raise InvalidParameterError(TOO_LITTLE)
        return DataJudgement(UseCase.IMAGE, names, tuple(errors))

    def _plan(self, version: Version, judged: DataJudgement, train: Sequence[ManifestLine]) -> TrainingPlan:
        adapter = version.feature is ProjectFeature.CONTENT_MODERATION
        several = adapter or any(len(entry.names) != 1 for entry in train)
        backbone = version.backbone or self._parts.trainings.engine().backbones[0]
        views = 3 if len(train) <= 200 else 2 if len(train) <= 1000 else 1
        least = version.threshold_pct or 50.0
        boxes = judged.use_case is UseCase.OBJECT
        return TrainingPlan(judged.names, boxes, several, views, backbone, adapter=adapter, least_pct=least)

    def _perform(self, state: _State, names: tuple[str, ...], run: Callable[[Permit], R], *, faces: bool = False) -> R:
        """Let ``run`` pass the gate as the next part of the job."""
        job_id = self._job.request.job_id
        # An adapter's names are those of moderation, some of which name a sex; it cannot say any other.
        about = () if self._version().feature is ProjectFeature.CONTENT_MODERATION else names
        command = self._request.part(job_id, state.part, about, faces=faces)
        context = Context(self._request.caller, self._parts.request_ids(), self._parts.clock.now_ms(), Origin())
        first = self._job.fence > 1
        again = first and self._parts.charged.charged(job_id, state.part, self._job.created_ts_ms)

        def performed(permit: Permit, _command: object) -> R:
            found = run(permit)
            if again:  # by an attempt that did not live to say so
                permit.tally.images = 0
            return found

        return self._gate.perform(context, command, performed).result

    def _read(self, permit: Permit) -> None:
        version = self._version()
        data = self._parts.sources.read(permit.context.caller, version)
        judged = self._judged(version, data)
        errors = (data.error,) if data.error is not None else judged.errors
        if errors:
            self._refuse(data, errors)
        self._parts.sources.keep(version, data)

    def _refuse(self, data: TrainingData, errors: Sequence[str]) -> None:
        """End the training for ``errors`` of the data; the summary is written first."""
        record = self._records.version(self._request.key)
        version = cast("Version", record.value)
        result = self._parts.reporting.refusal(version, data, errors)
        self._records.change(record, replace(version, result=result))
        raise InvalidParameterError(self._parts.reporting.reason(errors))

    def _study(self, permit: Permit, chunk: Sequence[ManifestLine], plan: TrainingPlan, state: _State) -> None:
        found = self._parts.study.examples(permit, chunk, plan, sampled=state.trained // PICTURES_A_PART < 3)
        for name in ("faces", "sampled", "wrongly_named", "missed", "unread"):
            setattr(state, name, getattr(state, name) + getattr(found, name))
        self._store.put_part(self._request.key, f"{_KEPT}{state.trained:06}", framed(found.rows))

    def _fit(self, state: _State, judged: DataJudgement, train: Sequence[ManifestLine], data: TrainingData) -> None:
        rows = [row for part in self._numbered(_KEPT, len(train)) for row in unframed(part)]
        looked = _looked(train, rows)
        version = self._version()
        if train and state.unread == len(train):
            self._refuse(TrainingData(_with(data.train, looked), data.test), (NOTHING_READ,))
        after = self._judged(version, TrainingData(_with(data.train, looked), data.test), usable=True)
        if after.errors:
            self._refuse(TrainingData(_with(data.train, looked), data.test), after.errors)
        plan = replace(self._plan(version, judged, train), names=after.names)
        if plan.adapter and state.wrongly_named < MIN_WRONG and state.missed < MIN_MISSED:
            raise InvalidParameterError(TOO_LITTLE)
        examples = [
            Example(lesson_of(entry, after.names), row[33:]) for entry, row in _pairs(train, rows) if row[:1] == LOOKED
        ]
        mostly_faces = state.sampled > 0 and 2 * state.faces > state.sampled
        engine = self._parts.trainings.engine()
        weights = self._perform(
            state, after.names, lambda permit: engine.fit(permit.slot, examples, plan), faces=mostly_faces
        )
        self._store.put_part(self._request.key, WEIGHTS, weights)
        record = self._records.version(self._request.key)
        version = cast("Version", record.value)
        self._records.change(record, replace(version, names=after.names, backbone=plan.backbone))
        state.fitted = True
        state.part += 1

    def _numbered(self, prefix: str, count: int) -> Iterator[bytes]:
        for start in range(0, count, PICTURES_A_PART):
            part = self._store.part(self._request.key, f"{prefix}{start:06}")
            if part is None:
                raise UnavailableError("a part of the training is missing")
            yield part

    def _test(self, permit: Permit, chunk: Sequence[ManifestLine], state: _State) -> None:
        weights = self._store.part(self._request.key, WEIGHTS)
        if weights is None:
            raise UnavailableError("the weights are missing")
        adapter = self._version().feature is ProjectFeature.CONTENT_MODERATION
        found = self._parts.study.results(permit, chunk, weights, adapter=adapter)
        lines = [result.to_json() for result in found]
        self._store.put_part(self._request.key, f"{_TESTED}{state.tested:06}", orjson.dumps(lines))

    def _finish(
        self, state: _State, data: TrainingData, train: Sequence[ManifestLine], test: Sequence[ManifestLine]
    ) -> None:
        version = self._version()
        if version.status is not VersionStatus.TRAINING_IN_PROGRESS:
            return  # an attempt that did not live to say so was here
        results = [
            TestResult.of_json(line) for part in self._numbered(_TESTED, len(test)) for line in orjson.loads(part)
        ]
        rows = [row for part in self._numbered(_KEPT, len(train)) for row in unframed(part)]
        looked = TrainingData(
            _with(data.train, _looked(train, rows)),
            _with(data.test, [e.with_error(r.error) if r.error else e for e, r in zip(test, results, strict=True)]),
        )
        gone = bool(results) and all(result.unread for result in results)
        errors = (NOT_READ_LATER,) if gone else self._judged(version, looked, usable=True).errors
        if errors:
            self._refuse(looked, errors)
        ended = self._parts.clock.now_ms()
        sources = sorted(f"{entry.source} {row[1:33].hex()}" for entry, row in _pairs(train, rows) if row[:1] == LOOKED)
        used = [entry.source for entry, row in _pairs(train, rows) if row[:1] == LOOKED]
        keep_sources(self._store, version, used)
        found = self._parts.reporting.trained(version, looked, list(zip(test, results, strict=True)), sources, ended)
        record = self._records.version(self._request.key)
        done = replace(
            cast("Version", record.value),
            status=VersionStatus.TRAINING_COMPLETED,
            message="The model is ready to run.",
            thresholds=found.thresholds,
            result=found.result,
            trained_ts_ms=ended,
            trained_s=max(1, (ended - state.begun_ts_ms) // 1000),
        )
        self._records.change(record, done)
        for prefix in (_KEPT, _TESTED, TRAIN, TEST):
            self._store.drop_parts(self._request.key, prefix)


def _pairs(entries: Sequence[ManifestLine], rows: Sequence[bytes]) -> Iterator[tuple[ManifestLine, bytes]]:
    return zip(entries, rows, strict=True)


def _looked(entries: Sequence[ManifestLine], rows: Sequence[bytes]) -> list[ManifestLine]:
    """``entries``, those whose picture was not looked at with the reason."""
    return [entry if row[:1] == LOOKED else entry.with_error(row[33:].decode()) for entry, row in _pairs(entries, rows)]


def _with(entries: Sequence[ManifestLine], looked: Sequence[ManifestLine]) -> tuple[ManifestLine, ...]:
    """``entries`` with those that were looked at in their places."""
    known: dict[str, Any] = {entry.text: entry for entry in looked}
    return tuple(known.get(entry.text, entry) for entry in entries)
