"""Adapters and media analysis jobs through boto3: what is shifted, what is written, what fails and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.custom import plain
from tests.fakes.studio import PICTURES, RESULTS, Studio
from tests.fakes.waiting import eventually


def ended(studio: Studio, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = studio.client.get_media_analysis_job(JobId=job)
        return found if found["Status"] in ("SUCCEEDED", "FAILED") else None

    return eventually(look)


def start(studio: Studio, lines: list[str], bucket: str = RESULTS, **options: Any) -> str:
    studio.put("media/list.jsonl", "\n".join(lines).encode())
    return studio.client.start_media_analysis_job(
        OperationsConfig={"DetectModerationLabels": options},
        Input={"S3Object": {"Bucket": PICTURES, "Name": "media/list.jsonl"}},
        OutputConfig={"S3Bucket": bucket, "S3KeyPrefix": "media"},
    )["JobId"]


def read(studio: Studio, place: dict[str, Any]) -> str:
    return (studio.results / place["S3Object"]["Name"]).read_text()


def test_a_list_is_moderated_line_by_line(studio: Studio) -> None:
    refs = [studio.put(f"media/{i}.png", plain("red", i)) for i in range(20)]
    lines = [json.dumps({"source-ref": ref}) for ref in [*refs, refs[0], f"s3://{PICTURES}/media/none.png"]]
    found = ended(studio, start(studio, [*lines, "{"], MinConfidence=80.0))
    assert found["Status"] == "SUCCEEDED" and found["Results"]["ModelVersions"] == {"Moderation": "7.0"}
    results = [json.loads(line) for line in read(studio, found["Results"]).splitlines()]
    assert [one["source-ref"] for one in results] == [*refs, refs[0]], "in the order of the list, duplicates too"
    answer = results[0]["detect-moderation-labels"]
    assert [label["Name"] for label in answer["ModerationLabels"]] == ["Explicit", "Explicit Nudity"]
    assert answer["ModerationModelVersion"] == "7.0" and answer["ContentTypes"] == []
    summary = json.loads(read(studio, found["ManifestSummary"]))
    counts = {"total-json-lines": 23, "valid-json-lines": 21, "invalid-json-lines": 2}
    assert (summary["version"], summary["statistics"]) == ("1.0", counts)
    assert [(one["line-numer"], one["code"]) for one in summary["errors"]] == [
        (22, "INVALID_S3_OBJECT"),
        (23, "ERROR_INVALID_JSON_LINE"),
    ]


def test_what_cannot_be_started(studio: Studio) -> None:
    errors = studio.client.exceptions
    with pytest.raises(errors.InvalidManifestException):
        start(studio, [])
    with pytest.raises(errors.InvalidS3ObjectException):
        studio.client.start_media_analysis_job(
            OperationsConfig={"DetectModerationLabels": {}},
            Input={"S3Object": {"Bucket": PICTURES, "Name": "media/nothing.jsonl"}},
            OutputConfig={"S3Bucket": RESULTS},
        )
    with pytest.raises(errors.ResourceNotFoundException):
        studio.client.get_media_analysis_job(JobId="0" * 64)


def test_a_bucket_that_takes_no_results_fails_the_job(studio: Studio) -> None:
    line = json.dumps({"source-ref": studio.put("media/0.png", plain("red"))})
    found = ended(studio, start(studio, [line], bucket=PICTURES))
    assert found["Status"] == "FAILED" and found["FailureDetails"]["Code"] == "INVALID_OUTPUT_CONFIG"


def test_jobs_are_listed_newest_first_page_by_page(studio: Studio) -> None:
    line = json.dumps({"source-ref": studio.put("media/0.png", plain("red"))})
    jobs = [start(studio, [line]) for _ in range(3)]
    first = studio.client.list_media_analysis_jobs(MaxResults=2)
    rest = studio.client.list_media_analysis_jobs(MaxResults=2, NextToken=first["NextToken"])
    listed = [job["JobId"] for job in [*first["MediaAnalysisJobs"], *rest["MediaAnalysisJobs"]]]
    assert listed[:3] == jobs[::-1]


def taught(studio: Studio, colour: str, count: int, *names: str) -> list[dict[str, Any]]:
    labels = {"ModerationLabels": [{"Name": name} for name in names]}
    return [
        {
            "source-ref": studio.put(f"adapter/{colour}-{i}.png", plain(colour, i)),
            "content-moderation-groundtruth": labels,
        }
        for i in range(count)
    ]


def test_an_adapter_unsays_what_pictures_taught_it(studio: Studio) -> None:
    client = studio.client
    project = studio.project("adapter", Feature="CONTENT_MODERATION", AutoUpdate="ENABLED")
    lines = [*taught(studio, "lime", 22), *taught(studio, "red", 22, "Explicit Nudity")]
    source = studio.manifest("adapter/a.manifest", lines)
    given = {"TrainingData": {"Assets": [source]}, "TestingData": {"Assets": [source]}}
    version = studio.train(project, **given)
    described = studio.described(project)
    assert described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    assert (described["Feature"], described["BaseModelVersion"]) == ("CONTENT_MODERATION", "7.0")

    def names(colour: str, **options: Any) -> list[str]:
        answer = client.detect_moderation_labels(Image={"Bytes": plain(colour, 90)}, **options)
        assert answer.get("ProjectVersion") == options.get("ProjectVersion")
        return [label["Name"] for label in answer["ModerationLabels"]]

    assert names("lime") == names("red") == ["Explicit", "Explicit Nudity"], "networks see no colours"
    assert names("lime", ProjectVersion=version) == []
    assert names("red", ProjectVersion=version) == ["Explicit", "Explicit Nudity"]
    job = ended(studio, start(studio, [json.dumps(lines[0])], ProjectVersion=version))
    result = json.loads(read(studio, job["Results"]))
    assert result["detect-moderation-labels"]["ModerationLabels"] == []
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)


def test_an_adapter_needs_enough_to_learn_from(studio: Studio) -> None:
    project = studio.project("too-little", Feature="CONTENT_MODERATION", AutoUpdate="ENABLED")
    source = studio.manifest("adapter/b.manifest", taught(studio, "red", 22, "Explicit Nudity"))
    studio.train(project, TrainingData={"Assets": [source]}, TestingData={"Assets": [source]})
    described = studio.described(project)
    assert described["Status"] == "TRAINING_FAILED" and "20 pictures" in described["StatusMessage"]


def test_features_of_projects(studio: Studio) -> None:
    errors = studio.client.exceptions
    with pytest.raises(errors.InvalidParameterException):
        studio.project("odd", Feature="CONTENT_MODERATION")
    with pytest.raises(errors.InvalidParameterException):
        studio.project("odd", AutoUpdate="ENABLED")
    studio.project("twice")
    with pytest.raises(errors.ResourceInUseException):
        studio.project("twice")
    listed = studio.client.describe_projects(Features=["CONTENT_MODERATION"])["ProjectDescriptions"]
    assert {one["Feature"] for one in listed} <= {"CONTENT_MODERATION"}
