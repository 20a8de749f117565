"""Operations on versions between AWS members and commands; percentages and ratios are made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from custodes.core.box import Size
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.custom import CustomLabel
from custodes.operations.projects.arns import arn_of
from custodes.operations.projects.commands import (
    CopyProjectVersion,
    CreateProjectVersion,
    DeleteProjectVersion,
    DescribeProjectVersions,
    DetectCustomLabels,
    StartProjectVersion,
    StopProjectVersion,
)
from custodes.operations.projects.use_cases import CustomLabels
from custodes.operations.projects.versions import CustomLabelsDetected, Versions, VersionsListed
from custodes.operations.requests.gate import Gate
from custodes.projects.entities import ProjectFeature, S3Place, Version, VersionKey, VersionStatus

Names = Callable[[str], tuple[str, ...]]


def handlers(gate: Gate, versions: Versions, labels: CustomLabels, region: str) -> dict[str, Handler]:
    """Handlers of this family by operation."""

    def created(key: VersionKey) -> Output:
        return {"ProjectVersionArn": arn_of(region, key)}

    def status(found: VersionStatus) -> Output:
        return {"Status": found.value}

    return {
        "CreateProjectVersion": gated(gate, create_command(versions.project_names), versions.create, created),
        "DescribeProjectVersions": gated(gate, describe_command, versions.describe, _describe_output(region)),
        "CopyProjectVersion": gated(gate, copy_command(versions.names), versions.copy, created),
        "StartProjectVersion": gated(gate, start_command(versions.names), versions.start, status),
        "StopProjectVersion": gated(gate, _stop_command, versions.stop, status),
        "DeleteProjectVersion": gated(gate, _delete_command, versions.delete, status),
        "DetectCustomLabels": gated(gate, detect_command(versions.names), labels.detect, detect_output),
    }


def create_command(names: Names) -> Callable[[Params], CreateProjectVersion]:
    """Parameters of CreateProjectVersion; ``names`` gives labels of a project's datasets, for rules."""

    def parse(params: Params) -> CreateProjectVersion:
        train, test = params.get("TrainingData"), params.get("TestingData")
        moderation = params.get("FeatureConfig", {}).get("ContentModeration", {})
        return CreateProjectVersion(
            arn=params["ProjectArn"],
            name=params["VersionName"],
            output=_output_place(params["OutputConfig"]),
            train=None if train is None else _assets(train.get("Assets", ())),
            test=None if test is None else _assets(test.get("Assets", ())),
            auto_create=bool(test is not None and test.get("AutoCreate", False)),
            kms_key=params.get("KmsKeyId"),
            description=params.get("VersionDescription"),
            threshold_pct=moderation.get("ConfidenceThreshold"),
            tags=dict(params.get("Tags", {})),
            label_names=names(params["ProjectArn"]),
        )

    return parse


def describe_command(params: Params) -> DescribeProjectVersions:
    """Parameters of DescribeProjectVersions."""
    return DescribeProjectVersions(
        arn=params["ProjectArn"],
        names=tuple(params.get("VersionNames", ())),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def copy_command(names: Names) -> Callable[[Params], CopyProjectVersion]:
    """Parameters of CopyProjectVersion; ``names`` gives labels of a version, for rules."""

    def parse(params: Params) -> CopyProjectVersion:
        return CopyProjectVersion(
            source_project=params["SourceProjectArn"],
            source_version=params["SourceProjectVersionArn"],
            destination=params["DestinationProjectArn"],
            name=params["VersionName"],
            output=_output_place(params["OutputConfig"]),
            kms_key=params.get("KmsKeyId"),
            tags=dict(params.get("Tags", {})),
            label_names=names(params["SourceProjectVersionArn"]),
        )

    return parse


def start_command(names: Names) -> Callable[[Params], StartProjectVersion]:
    """Parameters of StartProjectVersion."""

    def parse(params: Params) -> StartProjectVersion:
        return StartProjectVersion(
            arn=params["ProjectVersionArn"],
            min_units=params["MinInferenceUnits"],
            max_units=params.get("MaxInferenceUnits"),
            label_names=names(params["ProjectVersionArn"]),
        )

    return parse


def _stop_command(params: Params) -> StopProjectVersion:
    return StopProjectVersion(arn=params["ProjectVersionArn"])


def _delete_command(params: Params) -> DeleteProjectVersion:
    return DeleteProjectVersion(arn=params["ProjectVersionArn"])


def detect_command(names: Names) -> Callable[[Params], DetectCustomLabels]:
    """Parameters of DetectCustomLabels."""

    def parse(params: Params) -> DetectCustomLabels:
        return DetectCustomLabels(
            arn=params["ProjectVersionArn"],
            image=image_input(params["Image"]),
            max_results=params.get("MaxResults"),
            min_confidence_pct=params.get("MinConfidence"),
            label_names=names(params["ProjectVersionArn"]),
        )

    return parse


def detect_output(result: CustomLabelsDetected) -> Output:
    """Output of DetectCustomLabels; labels of the whole picture have no geometry."""
    return {"CustomLabels": [_label(label, result.size) for label in result.labels]}


def _label(label: CustomLabel, size: Size) -> Output:
    geometry = None if label.box is None else {"BoundingBox": bounding_box(label.box.to_ratio(size))}
    return {"Name": label.name, "Confidence": label.confidence_pct, "Geometry": geometry}


def _output_place(config: Params) -> S3Place:
    return S3Place(config.get("S3Bucket", ""), config.get("S3KeyPrefix", ""))


def _assets(assets: Sequence[Params]) -> tuple[S3Place, ...]:
    found = [asset.get("GroundTruthManifest", {}).get("S3Object", {}) for asset in assets]
    return tuple(
        S3Place(place["Bucket"], place["Name"], place.get("Version"))
        for place in found
        if "Bucket" in place and "Name" in place
    )


def _describe_output(region: str) -> Callable[[VersionsListed], Output]:
    def render(result: VersionsListed) -> Output:
        return {
            "ProjectVersionDescriptions": [description(region, version) for version in result.versions],
            "NextToken": result.next_token,
        }

    return render


def description(region: str, version: Version) -> Output:
    """The structure ``ProjectVersionDescription``."""
    found = version.result
    threshold = None if version.threshold_pct is None else {"ConfidenceThreshold": version.threshold_pct}
    return {
        "ProjectVersionArn": arn_of(region, version.key),
        "CreationTimestamp": version.key.created_ts_ms / 1000,
        "MinInferenceUnits": version.min_units,
        "MaxInferenceUnits": version.max_units,
        "Status": version.status.value,
        "StatusMessage": status_message(version) or None,
        "BillableTrainingTimeInSeconds": version.trained_s,
        "TrainingEndTimestamp": None if version.trained_ts_ms is None else version.trained_ts_ms / 1000,
        "OutputConfig": {"S3Bucket": version.output.bucket, "S3KeyPrefix": version.output.name},
        "TrainingDataResult": _data_result(version.train, found.training, found.validation[0]),
        "TestingDataResult": _testing(version),
        "EvaluationResult": None
        if found.summary is None
        else {"F1Score": found.f1, "Summary": {"S3Object": _object(found.summary)}},
        "ManifestSummary": None if found.manifest is None else {"S3Object": _object(found.manifest)},
        "KmsKeyId": version.kms_key,
        "SourceProjectVersionArn": version.source_arn,
        "VersionDescription": version.description,
        "Feature": version.feature.value,
        "BaseModelVersion": version.base_model,
        "FeatureConfig": None
        if version.feature is ProjectFeature.CUSTOM_LABELS
        else {"ContentModeration": threshold or {}},
    }


def status_message(version: Version) -> str:
    """What is said of the state; and of data that were erased since."""
    if version.erased_ts_ms is None:
        return version.message
    which = "Data that it was trained on"
    if version.erased_sources:
        which = f"Data of {version.erased_sources} of the {version.result.sources} pictures that it was trained on"
    return f"{version.message} {which} were erased since; its weights are still there."


def _testing(version: Version) -> Output | None:
    found = version.result
    result = _data_result(version.test, found.testing, found.validation[1])
    if result is not None and version.auto_split:
        result = {**result, "Input": {**result.get("Input", {}), "AutoCreate": True}}
        if "Output" in result:
            result["Output"] = {**result["Output"], "AutoCreate": True}
    return result


def _data_result(given: Sequence[S3Place], made: S3Place | None, wrong: S3Place | None) -> Output | None:
    found: Output = {}
    if given:
        found["Input"] = _manifests(given)
    if made is not None:
        found["Output"] = _manifests([made])
    if wrong is not None:
        found["Validation"] = _manifests([wrong])
    return found or None


def _manifests(places: Sequence[S3Place]) -> Output:
    return {"Assets": [{"GroundTruthManifest": {"S3Object": _object(place)}} for place in places]}


def _object(place: S3Place) -> Output:
    return {"Bucket": place.bucket, "Name": place.name}
