"""The files that a training writes for its user: manifest summary, evaluation summary, manifests with results.

In: entries, an evaluation, facts of the version. Out: JSON and JSON lines in the API's shapes. Source: behaviour
specification, section 3.13; Custom Labels guide, "Understanding the manifest summary" and "Accessing evaluation
metrics". Shares in them are 0 to 1, unlike in answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from custodes.projects.content import MESSAGES, use_case_of
from custodes.projects.evaluation import Evaluation, TestedPicture
from custodes.projects.manifest import ManifestLine, UseCase

MAX_INDEXES = 1000
"""Numbers of lines with errors that a summary lists."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Facts of a training for its reports: the version's ARN, the end in milliseconds, numbers of pictures."""

    arn: str
    ended_ts_ms: int
    training: int
    testing: int


def manifest_summary(train: Sequence[ManifestLine], test: Sequence[ManifestLine], errors: Sequence[str]) -> bytes:
    """``manifest_summary.json``: what was read of both manifests, and what ended the training."""
    return orjson.dumps(
        {
            "statistics": {"training": _statistics(train), "testing": _statistics(test)},
            "errors": [{"code": code, "message": MESSAGES[code]} for code in errors],
        },
        option=orjson.OPT_INDENT_2,
    )


def _statistics(entries: Sequence[ManifestLine]) -> dict[str, Any]:
    invalid = [number for number, entry in enumerate(entries, 1) if not entry.usable]
    codes = {error.code: error for entry in entries for error in entry.errors}
    ignored = sum(entry.usable and not entry.labeled for entry in entries)
    return {
        "use_case": use_case_of(entries).value,
        "total_json_lines": len(entries),
        "valid_json_lines": len(entries) - len(invalid),
        "invalid_json_lines": len(invalid),
        "ignored_json_lines": ignored,
        "error_json_line_indices": invalid[:MAX_INDEXES],
        "errors": [{"code": error.code, "message": error.message} for error in codes.values()],
    }


def validation_manifest(entries: Sequence[ManifestLine]) -> bytes:
    """Lines with errors or warnings as they are listed; empty where there are none."""
    return "".join(f"{entry.listed()}\n" for entry in entries if entry.errors).encode()


def evaluation_summary(trained: Trained, found: Evaluation, *, boxes: bool) -> bytes:
    """``EvaluationResultSummary``: all labels, and each one."""
    means: dict[str, Any] = {"F1Score": found.f1, "Precision": found.precision, "Recall": found.recall}
    if boxes:
        means |= {"AveragePrecision": found.average_precision, "AverageRecall": found.recall}
    else:
        truths: dict[str, int] = {}
        for (true, _), count in found.confusion.items():
            truths[true] = truths.get(true, 0) + count
        means["ConfusionMatrix"] = [
            {"GroundTruthLabel": true, "PredictedLabel": said, "Value": count / truths[true]}
            for (true, said), count in sorted(found.confusion.items())
        ]
    return orjson.dumps(
        {
            "Version": 1,
            "AggregatedEvaluationResults": means,
            "EvaluationDetails": {
                "EvaluationEndTimestamp": _moment(trained.ended_ts_ms),
                "Labels": [score.name for score in found.labels],
                "NumberOfTestingImages": trained.testing,
                "NumberOfTrainingImages": trained.training,
                "ProjectVersionArn": trained.arn,
            },
            "LabelEvaluationResults": [
                {
                    "Label": score.name,
                    "NumberOfTestingImages": score.pictures,
                    "Metrics": {
                        "F1Score": score.f1,
                        "Precision": score.precision,
                        "Recall": score.recall,
                        "Threshold": score.threshold,
                        **({"AveragePrecision": score.average_precision} if boxes else {}),
                    },
                }
                for score in found.labels
            ],
        },
        option=orjson.OPT_INDENT_2,
    )


def training_manifest(entries: Sequence[ManifestLine]) -> bytes:
    """The lines that were trained on."""
    return "".join(f"{entry.text}\n" for entry in entries).encode()


def evaluation_manifest(
    entries: Sequence[ManifestLine], tested: Sequence[TestedPicture], thresholds: Mapping[str, float], ended_ts_ms: int
) -> bytes:
    """Each test line with what the model says of it, and whether that is right."""
    lines = []
    for entry, picture in zip(entries, tested, strict=True):
        line = orjson.loads(entry.text)
        if entry.use_case is UseCase.OBJECT:
            line |= _boxes_said(entry, picture, thresholds, ended_ts_ms)
        else:
            line |= _names_said(entry, picture, thresholds, ended_ts_ms)
        lines.append(orjson.dumps(line))
    return b"".join(line + b"\n" for line in lines)


def _names_said(
    entry: ManifestLine, picture: TestedPicture, thresholds: Mapping[str, float], ended_ts_ms: int
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    moment = _moment(ended_ts_ms)
    ranked = sorted(picture.said, key=lambda said: -said.share)
    numbers = {name: number for number, name in enumerate(thresholds)}
    for place, said in enumerate(ranked):
        true, told = said.name in picture.true_names, said.share >= thresholds.get(said.name, 0.5)
        if not (true or told):
            continue
        name = f"rekognition-custom-labels-evaluation-{place}"
        found[name] = numbers.get(said.name, place)
        found[f"{name}-metadata"] = {
            "confidence": said.share,
            "job-name": "rekognition-custom-labels",
            "class-name": said.name,
            "human-annotated": "no",
            "creation-date": moment,
            "type": "groundtruth/image-classification",
            "rekognition-custom-labels-evaluation-details": _details(true=true, told=told),
        }
    for place, label in enumerate(sorted(entry.label_names)):
        name = f"rekognition-custom-labels-training-{place}"
        found[name] = 1
        found[f"{name}-metadata"] = {
            "confidence": 1.0,
            "job-name": "rekognition-custom-labels",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": moment,
            "type": "groundtruth/image-classification",
        }
    return found


def _boxes_said(
    entry: ManifestLine, picture: TestedPicture, thresholds: Mapping[str, float], ended_ts_ms: int
) -> dict[str, Any]:
    numbers = {name: number for number, name in enumerate(thresholds)}
    told = [said for said in picture.said if said.share >= thresholds.get(said.name, 0.5) and said.box is not None]
    width, height = entry.size or (0, 0)
    annotations = [
        {
            "class_id": numbers.get(said.name, 0),
            "left": round(said.box[0]),
            "top": round(said.box[1]),
            "width": round(said.box[2] - said.box[0]),
            "height": round(said.box[3] - said.box[1]),
        }
        for said in told
        if said.box is not None
    ]
    name = "rekognition-custom-labels-evaluation-bounding-box"
    return {
        name: {"image_size": [{"width": width, "height": height, "depth": 3}], "annotations": annotations},
        f"{name}-metadata": {
            "objects": [{"confidence": said.share} for said in told],
            "class-map": {str(number): label for label, number in numbers.items()},
            "type": "groundtruth/object-detection",
            "human-annotated": "no",
            "creation-date": _moment(ended_ts_ms),
            "job-name": "rekognition-custom-labels",
        },
    }


def _details(*, true: bool, told: bool) -> dict[str, Any]:
    return {
        "version": 1,
        "is-true-positive": true and told,
        "is-true-negative": not true and not told,
        "is-false-positive": told and not true,
        "is-false-negative": true and not told,
        "is-present-in-ground-truth": true,
        "ground-truth-labelling-jobs": ["rekognition-custom-labels-training-0"] if true else [],
    }


def _moment(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
