"""Requests of custom labels and media analysis that make every operation return every member. See ``answers``.

Pictures are of one colour each, with a letter on it where a test needs something else; training is on them.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import PIL.Image

from tests.fakes.waiting import eventually

Answer = Mapping[str, Any]
BUCKET, RESULTS = "shots", "reports"
_NAMES = (f"project-{number}" for number in itertools.count())
_COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "123456789012"},
            "Action": "rekognition:CopyProjectVersion",
            "Resource": "*",
        }
    ],
}


def write_shots(folder: Path) -> None:
    """Pictures and manifests."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for colour, number in itertools.product(_COLOURS, range(5)):
        out = io.BytesIO()
        shot = PIL.Image.new("RGB", (96, 96))
        # A small patch: the predictable engine takes every colour for a face, and training on faces needs a purpose.
        shot.paste(tuple(value + 4 * number for value in _COLOURS[colour]), (32, 32, 62, 62))
        shot.save(out, "PNG")
        (folder / f"{colour}-{number}.png").write_bytes(out.getvalue())
        lines.append(_image_line(f"{colour}-{number}.png", colour))
    broken = {"source-ref": f"s3://{BUCKET}/none.png", "x": 1}
    (folder / "good.manifest").write_text("\n".join(json.dumps(line) for line in lines))
    (folder / "some.manifest").write_text("\n".join(json.dumps(line) for line in [*lines, broken]))
    boxes = [_box_line(f"{colour}-{number}.png") for colour in _COLOURS for number in range(5)]
    (folder / "boxes.manifest").write_text("\n".join(json.dumps(line) for line in boxes))
    taught = [
        {
            "source-ref": f"s3://{BUCKET}/{colour}-{number % 5}.png",
            "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "Gambling"}]},
        }
        for colour, number in itertools.product(_COLOURS, range(25))
    ]
    (folder / "adapter.manifest").write_text("\n".join(json.dumps(line) for line in taught))
    (folder / "list.jsonl").write_text(json.dumps({"source-ref": f"s3://{BUCKET}/red-0.png"}))


def _image_line(name: str, label: str) -> dict[str, Any]:
    metadata = {"class-name": label, "confidence": 1, **_common("groundtruth/image-classification")}
    return {"source-ref": f"s3://{BUCKET}/{name}", "label": 1, "label-metadata": metadata}


def _box_line(name: str) -> dict[str, Any]:
    place = {"class_id": 0, "left": 16, "top": 16, "width": 64, "height": 64}
    return {
        "source-ref": f"s3://{BUCKET}/{name}",
        "box": {"image_size": [{"width": 96, "height": 96, "depth": 3}], "annotations": [place]},
        "box-metadata": {
            "objects": [{"confidence": 1}],
            "class-map": {"0": "thing"},
            **_common("groundtruth/object-detection"),
        },
    }


def _common(kind: str) -> dict[str, str]:
    return {"human-annotated": "yes", "creation-date": "2026-11-29T10:00:00", "type": kind}


def _object(name: str) -> dict[str, Any]:
    return {"S3Object": {"Bucket": BUCKET, "Name": name}}


def _manifest(name: str) -> dict[str, Any]:
    return {"GroundTruthManifest": _object(name)}


def project(studio: Any, **options: Any) -> str:
    return str(studio.client.create_project(ProjectName=next(_NAMES), **options)["ProjectArn"])


def dataset(studio: Any, owner: str, kind: str = "TRAIN", manifest: str = "good.manifest") -> str:
    made = studio.client.create_dataset(ProjectArn=owner, DatasetType=kind, DatasetSource=_manifest(manifest))
    return str(made["DatasetArn"])


def version(studio: Any, owner: str, manifest: str = "some.manifest", **options: Any) -> str:
    assets = {"Assets": [_manifest(manifest)]}
    made = studio.client.create_project_version(
        ProjectArn=owner,
        VersionName=next(_NAMES),
        OutputConfig={"S3Bucket": RESULTS, "S3KeyPrefix": "p"},
        TrainingData=assets,
        TestingData=options.pop("TestingData", assets),
        **options,
    )
    arn = str(made["ProjectVersionArn"])
    eventually(lambda: all(one["Status"] != "TRAINING_IN_PROGRESS" for one in _versions(studio, owner)))
    return arn


def _versions(studio: Any, owner: str) -> list[dict[str, Any]]:
    answer = studio.client.describe_project_versions(ProjectArn=owner)
    return list(answer["ProjectVersionDescriptions"])


def running(studio: Any, manifest: str = "some.manifest") -> str:
    arn = version(studio, project(studio), manifest)
    studio.client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    return arn


def describe_projects(studio: Any) -> list[Answer]:
    owner, _ = project(studio), project(studio, Feature="CONTENT_MODERATION", AutoUpdate="ENABLED")
    dataset(studio, owner)
    features = ["CUSTOM_LABELS", "CONTENT_MODERATION"]
    return [
        studio.client.describe_projects(Features=features),
        studio.client.describe_projects(Features=features, MaxResults=1),
    ]


def list_entries(studio: Any) -> list[Answer]:
    arn = dataset(studio, project(studio))
    return [studio.client.list_dataset_entries(DatasetArn=arn, MaxResults=2)]


def list_labels(studio: Any) -> list[Answer]:
    arn = dataset(studio, project(studio))
    return [studio.client.list_dataset_labels(DatasetArn=arn, MaxResults=1)]


def update_entries(studio: Any) -> list[Answer]:
    arn = dataset(studio, project(studio))
    lines = json.dumps(_image_line("red-0.png", "blue")).encode()
    return [studio.client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": lines})]


def distribute(studio: Any) -> list[Answer]:
    owner = project(studio)
    train = dataset(studio, owner)
    test = studio.client.create_dataset(ProjectArn=owner, DatasetType="TEST")["DatasetArn"]
    return [studio.client.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])]


def describe_versions(studio: Any) -> list[Answer]:
    owner = project(studio)
    arn = version(studio, owner, VersionDescription="first", KmsKeyId="key", TestingData={"AutoCreate": True})
    version(studio, owner)
    studio.client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1, MaxInferenceUnits=2)
    studio.client.copy_project_version(**_copy(owner, arn))
    adapter = project(studio, Feature="CONTENT_MODERATION", AutoUpdate="DISABLED")
    version(studio, adapter, "adapter.manifest", FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 40.0}})
    describe = studio.client.describe_project_versions
    return [describe(ProjectArn=owner), describe(ProjectArn=owner, MaxResults=1), describe(ProjectArn=adapter)]


def _copy(owner: str, arn: str) -> dict[str, Any]:
    return {
        "SourceProjectArn": owner,
        "SourceProjectVersionArn": arn,
        "DestinationProjectArn": owner,
        "VersionName": next(_NAMES),
        "OutputConfig": {"S3Bucket": RESULTS},
    }


def copy_version(studio: Any) -> list[Answer]:
    owner = project(studio)
    return [studio.client.copy_project_version(**_copy(owner, version(studio, owner)))]


def start_version(studio: Any) -> list[Answer]:
    arn = version(studio, project(studio))
    return [studio.client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)]


def policies(studio: Any) -> list[Answer]:
    owner = project(studio)
    for name in ("a", "b"):
        put_policy(studio, owner, name)
    return [studio.client.list_project_policies(ProjectArn=owner, MaxResults=1)]


def put_policy(studio: Any, owner: str, name: str = "a") -> Answer:
    document = json.dumps(POLICY)
    return studio.client.put_project_policy(ProjectArn=owner, PolicyName=name, PolicyDocument=document)  # type: ignore[no-any-return]


def delete_policy(studio: Any) -> list[Answer]:
    owner = project(studio)
    put_policy(studio, owner)
    return [studio.client.delete_project_policy(ProjectArn=owner, PolicyName="a")]


def detect(studio: Any) -> list[Answer]:
    image = _object("red-0.png")
    found = []
    for manifest in ("some.manifest", "boxes.manifest"):
        arn = running(studio, manifest)
        found.append(studio.client.detect_custom_labels(ProjectVersionArn=arn, Image=image, MinConfidence=0))
    return found


def adapter_of(studio: Any) -> str:
    """An adapter; trained once for a server."""
    if "adapter" not in studio.made:
        owner = project(studio, Feature="CONTENT_MODERATION", AutoUpdate="DISABLED")
        studio.made["adapter"] = version(studio, owner, "adapter.manifest")
    return str(studio.made["adapter"])


def moderate(studio: Any) -> list[Answer]:
    image = {"Bytes": studio.pictures.get("labels", studio.one)}
    ask = studio.client.detect_moderation_labels
    return [ask(Image=image, MinConfidence=0), ask(Image=image, ProjectVersion=adapter_of(studio))]


def media_job(studio: Any, bucket: str = RESULTS) -> str:
    made = studio.client.start_media_analysis_job(
        OperationsConfig={"DetectModerationLabels": {"MinConfidence": 30.0, "ProjectVersion": adapter_of(studio)}},
        Input=_object("list.jsonl"),
        OutputConfig={"S3Bucket": bucket, "S3KeyPrefix": "media"},
        JobName="job",
        KmsKeyId="key",
    )
    eventually(lambda: "CompletionTimestamp" in studio.client.get_media_analysis_job(JobId=made["JobId"]))
    return str(made["JobId"])


def get_media_job(studio: Any) -> list[Answer]:
    return [studio.client.get_media_analysis_job(JobId=media_job(studio, bucket)) for bucket in (RESULTS, "nowhere")]


def list_media_jobs(studio: Any) -> list[Answer]:
    media_job(studio, "nowhere")
    media_job(studio)
    return [studio.client.list_media_analysis_jobs(), studio.client.list_media_analysis_jobs(MaxResults=1)]


PROJECT_ANSWERS: Mapping[str, Callable[[Any], list[Answer]]] = {
    "CreateProject": lambda studio: [{"ProjectArn": project(studio)}],
    "DescribeProjects": describe_projects,
    "DeleteProject": lambda studio: [studio.client.delete_project(ProjectArn=project(studio))],
    "CreateDataset": lambda studio: [{"DatasetArn": dataset(studio, project(studio))}],
    "DescribeDataset": lambda studio: [studio.client.describe_dataset(DatasetArn=dataset(studio, project(studio)))],
    "ListDatasetEntries": list_entries,
    "ListDatasetLabels": list_labels,
    "UpdateDatasetEntries": update_entries,
    "DistributeDatasetEntries": distribute,
    "DeleteDataset": lambda studio: [studio.client.delete_dataset(DatasetArn=dataset(studio, project(studio)))],
    "CreateProjectVersion": lambda studio: [{"ProjectVersionArn": version(studio, project(studio))}],
    "DescribeProjectVersions": describe_versions,
    "CopyProjectVersion": copy_version,
    "StartProjectVersion": start_version,
    "StopProjectVersion": lambda studio: [studio.client.stop_project_version(ProjectVersionArn=running(studio))],
    "DeleteProjectVersion": lambda studio: [
        studio.client.delete_project_version(ProjectVersionArn=version(studio, project(studio)))
    ],
    "PutProjectPolicy": lambda studio: [put_policy(studio, project(studio))],
    "ListProjectPolicies": policies,
    "DeleteProjectPolicy": delete_policy,
    "DetectCustomLabels": detect,
    "DetectModerationLabels": moderate,
    "StartMediaAnalysisJob": lambda studio: [{"JobId": media_job(studio)}],
    "GetMediaAnalysisJob": get_media_job,
    "ListMediaAnalysisJobs": list_media_jobs,
}
