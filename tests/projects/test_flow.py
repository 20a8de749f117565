"""Custom Labels as AWS's guide has it, through boto3 on a live server, with its own waiters."""

from __future__ import annotations

import json
import time

import pytest

from tests.fakes.custom import plain, squares
from tests.fakes.studio import PICTURES, RESULTS, Studio, box_line


def test_from_a_manifest_to_answers_and_back(studio: Studio) -> None:
    client = studio.client
    project = studio.project("flow")
    manifest = studio.manifest("flow/train.manifest", studio.coloured(["red", "blue", "lime"], 10, "flow/"))
    train = studio.dataset(project, "TRAIN", DatasetSource=manifest)
    test = studio.dataset(project, "TEST")
    assert client.describe_dataset(DatasetArn=train)["DatasetDescription"]["Status"] == "CREATE_COMPLETE"
    client.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])
    stats = [client.describe_dataset(DatasetArn=arn)["DatasetDescription"]["DatasetStats"] for arn in (train, test)]
    assert [one["TotalEntries"] for one in stats] == [24, 6]
    assert [one["TotalLabels"] for one in stats] == [3, 3]

    begun = time.monotonic()
    version = studio.train(project)
    client.get_waiter("project_version_training_completed").wait(ProjectArn=project, VersionNames=["v1"])
    described = studio.described(project)
    assert described["Status"] == "TRAINING_COMPLETED" and described["EvaluationResult"]["F1Score"] == 1.0
    summary = json.loads(studio.result(described["EvaluationResult"]["Summary"]))
    assert summary["EvaluationDetails"]["NumberOfTrainingImages"] == 24
    assert summary["EvaluationDetails"]["ProjectVersionArn"] == version
    assert [one["Label"] for one in summary["LabelEvaluationResults"]] == ["blue", "lime", "red"]

    picture = {"Bytes": plain("red", 99)}
    with pytest.raises(client.exceptions.ResourceNotReadyException):
        client.detect_custom_labels(ProjectVersionArn=version, Image=picture)
    assert client.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)["Status"] == "STARTING"
    client.get_waiter("project_version_running").wait(ProjectArn=project, VersionNames=["v1"])
    assert time.monotonic() - begun < 60, "a waiter slept: what it waits for was not ready at its first look"

    found = client.detect_custom_labels(ProjectVersionArn=version, Image=picture)["CustomLabels"]
    assert [label["Name"] for label in found] == ["red"] and "Geometry" not in found[0]
    everything = client.detect_custom_labels(ProjectVersionArn=version, Image=picture, MinConfidence=0)["CustomLabels"]
    assert len(everything) == 3 and sum(label["Confidence"] for label in everything) == pytest.approx(100, abs=0.01)
    in_bucket = {"S3Object": {"Bucket": PICTURES, "Name": "flow/blue-1.png"}}
    found = client.detect_custom_labels(ProjectVersionArn=version, Image=in_bucket, MaxResults=1)["CustomLabels"]
    assert [label["Name"] for label in found] == ["blue"]

    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_project_version(ProjectVersionArn=version)
    assert client.stop_project_version(ProjectVersionArn=version)["Status"] == "STOPPING"
    assert studio.described(project)["Status"] == "STOPPED"
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_project(ProjectArn=project)
    assert client.delete_project_version(ProjectVersionArn=version)["Status"] == "DELETING"
    client.delete_dataset(DatasetArn=train)
    assert client.delete_project(ProjectArn=project)["Status"] == "DELETING"
    assert client.describe_projects(ProjectNames=["flow"])["ProjectDescriptions"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_dataset(DatasetArn=test)


def test_boxes(studio: Studio) -> None:
    project = studio.project("boxes")
    lines = []
    for i in range(12):
        left, top = 40 + 20 * (i % 5), 60 + 24 * (i % 7)
        placed = (("red", left, top, 64), ("blue", left + 150, top + 40, 64))
        source = studio.put(f"boxes/{i}.png", squares(*placed))
        lines.append(box_line(source, (416, 416), *((name, x, y, side, side) for name, x, y, side in placed)))
    studio.dataset(project, "TRAIN", DatasetSource=studio.manifest("boxes/train.manifest", lines[:9]))
    studio.dataset(project, "TEST", DatasetSource=studio.manifest("boxes/test.manifest", lines[9:]))
    version = studio.train(project)
    described = studio.described(project)
    assert described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    summary = json.loads(studio.result(described["EvaluationResult"]["Summary"]))
    assert summary["AggregatedEvaluationResults"]["AveragePrecision"] > 0.5
    studio.client.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)
    picture = {"Bytes": squares(("red", 100, 200, 64))}
    found = studio.client.detect_custom_labels(ProjectVersionArn=version, Image=picture)["CustomLabels"]
    assert found and {label["Name"] for label in found} == {"red"}
    box = found[0]["Geometry"]["BoundingBox"]
    assert abs(box["Left"] - 100 / 416) < 0.06 and abs(box["Width"] - 64 / 416) < 0.08


def test_manifests_given_with_the_training(studio: Studio) -> None:
    project = studio.project("given")
    lines = studio.coloured(["red", "blue"], 6, "given/")
    source = studio.manifest("given/all.manifest", lines)
    version = studio.train(
        project, TrainingData={"Assets": [source]}, TestingData={"AutoCreate": True}, VersionDescription="both"
    )
    described = studio.described(project)
    assert described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    assert described["ProjectVersionArn"] == version and described["VersionDescription"] == "both"
    assert described["TestingDataResult"]["Input"]["AutoCreate"] is True
    assert described["OutputConfig"] == {"S3Bucket": RESULTS, "S3KeyPrefix": "out"}
    assert described["BillableTrainingTimeInSeconds"] >= 1
