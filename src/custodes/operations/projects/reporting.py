"""Writes what a user gets of a training into the bucket of its output, and judges the model on the way.

In: a version, its data, results of tests. Out: places of files, thresholds. It looks at no pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custodes.core.errors import InvalidParameterError, ObjectStoreError
from custodes.operations.images.ports import ObjectWriter, S3Object
from custodes.operations.projects.arns import arn_of
from custodes.operations.projects.sources import TrainingData
from custodes.operations.projects.study import TestResult, sources_digest
from custodes.projects.content import MESSAGES
from custodes.projects.entities import S3Place, Version, VersionResult
from custodes.projects.evaluation import Box, TestedPicture, evaluate
from custodes.projects.manifest import ManifestLine, UseCase
from custodes.projects.reports import (
    Trained,
    evaluation_manifest,
    evaluation_summary,
    manifest_summary,
    training_manifest,
    validation_manifest,
)


@dataclass(frozen=True, slots=True)
class ReportedTraining:
    """Places of all files, and from which share on each label is told."""

    result: VersionResult
    thresholds: tuple[float, ...]


class Reporting:
    """Writes reports."""

    def __init__(self, writer: ObjectWriter, region: str) -> None:
        """Write through ``writer``; ``region`` is for ARNs."""
        self._writer = writer
        self._region = region

    def reason(self, errors: Sequence[str]) -> str:
        """Why a training ended, for its user."""
        listed = " ".join(f"{MESSAGES[code]} ({code})" for code in errors)
        return f"The manifest file contains errors: {listed}"

    def refusal(self, version: Version, data: TrainingData, errors: Sequence[str]) -> VersionResult:
        """What is written of data that cannot be trained on."""
        summary = self._write(version, "manifest_summary.json", manifest_summary(data.train, data.test, errors))
        return VersionResult(manifest=summary, validation=self._validation(version, data))

    def trained(
        self,
        version: Version,
        data: TrainingData,
        tests: Sequence[tuple[ManifestLine, TestResult]],
        sources: Sequence[str],
        ended_ts_ms: int,
    ) -> ReportedTraining:
        """Judge the model, and write everything."""
        tests = [(entry, result) for entry, result in tests if not result.error]
        boxes = any(entry.use_case is UseCase.OBJECT for entry, _ in tests)
        pictures = [TestedPicture(frozenset(e.names), _true_boxes(e), r.said) for e, r in tests]
        found = evaluate(pictures, version.names, boxes=boxes)
        thresholds = {score.name: score.threshold for score in found.labels}
        trained = Trained(arn_of(self._region, version.key), ended_ts_ms, len(sources), len(tests))
        entries = [entry for entry, _ in tests]
        usable = [entry for entry in data.train if entry.usable and entry.labeled]
        name = f"EvaluationResultSummary-{version.key.project}-{version.key.name}.json"
        tested = evaluation_manifest(entries, pictures, thresholds, ended_ts_ms)
        summary = manifest_summary(data.train, data.test, ())
        result = VersionResult(
            f1=found.f1,
            summary=self._write(version, name, evaluation_summary(trained, found, boxes=boxes)),
            manifest=self._write(version, "manifest_summary.json", summary),
            training=self._write(version, "training_manifest.json", training_manifest(usable)),
            testing=self._write(version, "evaluation_manifest.json", tested),
            validation=self._validation(version, data),
            sources_sha256=sources_digest(sources),
            sources=len(sources),
        )
        return ReportedTraining(result, tuple(thresholds.values()))

    def _validation(self, version: Version, data: TrainingData) -> tuple[S3Place | None, S3Place | None]:
        found = [
            self._write(version, f"{name}_validation_manifest.json", lines) if lines else None
            for name, lines in (
                ("training", validation_manifest(data.train)),
                ("testing", validation_manifest(data.test)),
            )
        ]
        return found[0], found[1]

    def _write(self, version: Version, name: str, data: bytes) -> S3Place:
        """Raises InvalidParameterError where the bucket cannot be written to: that ends the training."""
        prefix = version.output.name.strip("/")
        parts = [*([prefix] if prefix else []), version.key.project, version.key.name, name]
        place = S3Place(version.output.bucket, "/".join(parts))
        try:
            self._writer.write(version.key.account_id, S3Object(place.bucket, place.name), data)
        except ObjectStoreError as error:
            raise InvalidParameterError(f"Unable to write to the output S3 bucket. {error.message}") from error
        return place


def _true_boxes(entry: ManifestLine) -> tuple[tuple[str, Box], ...]:
    return tuple((box.name, (box.left, box.top, box.left + box.width, box.top + box.height)) for box in entry.boxes)
