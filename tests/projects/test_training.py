"""Datasets filled, filtered and split; trainings that fail, are told why, and go on where a server stopped."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import PIL.Image
import pytest

from custodes.projects.content import MESSAGES
from custodes.projects.split import test_places as chosen_places
from tests.fakes.custom import plain
from tests.fakes.studio import PICTURES, RESULTS, Studio, box_line, image_line


def entries(studio: Studio, dataset: str, **filters: Any) -> list[dict[str, Any]]:
    """All entries, page by page."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = studio.client.list_dataset_entries(DatasetArn=dataset, MaxResults=3, **filters, **token)
        found += [json.loads(line) for line in page["DatasetEntries"]]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_entries_are_filtered_and_put_in_place_of_earlier_ones(studio: Studio) -> None:
    project = studio.project("filters")
    lines = [*studio.coloured(["red", "blue"], 3, "filters/"), {"source-ref": f"s3://{PICTURES}/filters/bare.png"}]
    wrong = image_line(f"s3://{PICTURES}/filters/wrong.png", "red")
    wrong["label-0-metadata"]["type"] = "other"
    arn = studio.dataset(project, "TRAIN", DatasetSource=studio.manifest("filters/a.manifest", [*lines, wrong]))
    stats = studio.client.describe_dataset(DatasetArn=arn)["DatasetDescription"]["DatasetStats"]
    assert stats == {"LabeledEntries": 6, "TotalEntries": 8, "TotalLabels": 2, "ErrorEntries": 2}
    assert len(entries(studio, arn)) == 8
    assert len(entries(studio, arn, ContainsLabels=["red"])) == 3
    assert len(entries(studio, arn, ContainsLabels=["red", "blue"])) == 6
    assert len(entries(studio, arn, Labeled=False)) == 2
    assert len(entries(studio, arn, SourceRefContains="blue-1")) == 1
    erring = entries(studio, arn, HasErrors=True)
    assert {error["code"] for one in erring for error in one["errors"]} >= {"ERROR_UNSUPPORTED_USE_CASE_TYPE"}
    changed = json.dumps(image_line(lines[0]["source-ref"], "blue")) + "\n"
    added = json.dumps(image_line(f"s3://{PICTURES}/filters/new.png", "green"))
    studio.client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": (changed + added).encode()})
    assert studio.client.describe_dataset(DatasetArn=arn)["DatasetDescription"]["Status"] == "UPDATE_COMPLETE"
    labels = studio.client.list_dataset_labels(DatasetArn=arn)["DatasetLabelDescriptions"]
    assert {one["LabelName"]: one["LabelStats"]["EntryCount"] for one in labels} == {"red": 2, "blue": 4, "green": 1}
    assert entries(studio, arn)[0]["source-ref"] == lines[0]["source-ref"], "a changed entry keeps its place"
    studio.client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": b"{"})
    described = studio.client.describe_dataset(DatasetArn=arn)["DatasetDescription"]
    assert (described["Status"], described["StatusMessageCode"]) == ("UPDATE_FAILED", "CLIENT_ERROR")
    assert len(entries(studio, arn)) == 9, "all lines or none"


def test_what_no_dataset_can_be_made_of(studio: Studio) -> None:
    client, project = studio.client, studio.project("wrong-sources")
    missing = {"GroundTruthManifest": {"S3Object": {"Bucket": PICTURES, "Name": "nothing.manifest"}}}
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        studio.dataset(project, "TRAIN", DatasetSource=missing)
    for kind, text, message in (("TRAIN", "", "empty"), ("TEST", "no json", "contents are invalid")):
        arn = studio.dataset(project, kind, DatasetSource=studio.manifest(f"wrong/{kind}.manifest", [text]))
        described = client.describe_dataset(DatasetArn=arn)["DatasetDescription"]
        assert described["Status"] == "CREATE_FAILED" and message in described["StatusMessage"]
        with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
            studio.dataset(project, kind)
        with pytest.raises(client.exceptions.ResourceNotReadyException):
            client.list_dataset_entries(DatasetArn=arn)
    with pytest.raises(client.exceptions.ResourceInUseException):
        studio.train(project)
    with pytest.raises(client.exceptions.InvalidParameterException):
        studio.train(studio.project("no-datasets"))


def test_a_copy_of_a_dataset(studio: Studio) -> None:
    source = studio.manifest("copy/a.manifest", studio.coloured(["red"], 2, "copy/"))
    first = studio.dataset(studio.project("copy-from"), "TRAIN", DatasetSource=source)
    second = studio.dataset(studio.project("copy-to"), "TEST", DatasetSource={"DatasetArn": first})
    assert entries(studio, second) == entries(studio, first)


def test_a_fifth_of_each_label_is_tested_on() -> None:
    labels = [frozenset({name}) for name, count in (("a", 50), ("b", 10), ("c", 2), ("d", 1)) for _ in range(count)]
    chosen = Counter(next(iter(labels[place])) for place in chosen_places(labels))
    assert chosen == {"a": 10, "b": 2, "c": 1}
    assert chosen_places(labels) == chosen_places(labels)


def train_on(studio: Studio, name: str, train: list[Any], test: list[Any]) -> dict[str, Any]:
    project = studio.project(name)
    given = {
        f"{kind}ingData": {"Assets": [studio.manifest(f"{name}/{kind}.manifest", lines)]}
        for kind, lines in (("Train", train), ("Test", test))
    }
    studio.train(project, **given)
    return studio.described(project)


def small(studio: Studio, name: str) -> str:
    out = io.BytesIO()
    PIL.Image.new("RGB", (40, 40), "red").save(out, "PNG")
    return studio.put(name, out.getvalue())


def test_lines_whose_pictures_cannot_be_used_are_left_out_and_told(studio: Studio) -> None:
    lines = studio.coloured(["red", "blue"], 6, "bad/")
    broken = [
        image_line(studio.put("bad/broken.png", b"no picture"), "red"),
        image_line(small(studio, "bad/s.png"), "red"),
    ]
    described = train_on(studio, "bad", [*lines, *broken], lines)
    assert described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    place = described["TrainingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"]
    told = [json.loads(line) for line in studio.result(place).decode().splitlines()]
    codes = {one["source-ref"].rpartition("/")[2]: one["errors"][0]["code"] for one in told}
    assert codes == {"broken.png": "ERROR_INVALID_IMAGE", "s.png": "ERROR_INVALID_IMAGE_DIMENSION"}
    summary = json.loads(studio.result(described["ManifestSummary"]))
    training = summary["statistics"]["training"]
    assert (training["total_json_lines"], training["invalid_json_lines"]) == (14, 2)
    assert training["error_json_line_indices"] == [13, 14] and training["use_case"] == "IMAGE_LEVEL_LABELS"


def test_a_box_of_another_picture(studio: Studio) -> None:
    lines = [
        box_line(studio.put(f"dims/{i}.png", plain("red", i)), (120, 90), ("red", 10, 10, 60, 60)) for i in range(8)
    ]
    wrong = box_line(studio.put("dims/wrong.png", plain("red", 9)), (90, 120), ("red", 10, 10, 60, 60))
    described = train_on(studio, "dims", [*lines, wrong], lines[:2])
    assert described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    place = described["TrainingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"]
    assert "ERROR_INVALID_IMAGE_DIMENSION" in studio.result(place).decode()


def unreadable(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    """Lines of pictures in a bucket that nobody configured."""
    lines = [image_line(f"s3://elsewhere/{name}-{i}.png", "ab"[i % 2]) for i in range(6)]
    return lines, lines


def nothing_to_test_on(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    """Pictures to test on are not there, those to train on are."""
    gone = [image_line(f"s3://{PICTURES}/{name}-gone-{i}.png", ("red", "blue")[i % 2]) for i in range(4)]
    return studio.coloured(["red", "blue"], 6, f"{name}/"), gone


def one_colour_broken(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    """Every picture of a label is none."""
    broken = [image_line(studio.put(f"{name}/b{i}.png", b"none"), "blue") for i in range(1)]
    good = studio.coloured(["red"], 8, f"{name}/")
    return [*good, *broken], [*good, broken[0]]


def overlapping_little(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    """Of three labels one is left in the tests once their pictures were looked at."""
    good = studio.coloured(["red", "blue", "lime"], 6, f"{name}/")
    broken = [image_line(studio.put(f"{name}/b{c}.png", b"none"), c) for c in ("blue", "lime")]
    return good, [*good[:6], *broken]


def too_many(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    """251 labels."""
    source = studio.put(f"{name}/a.png", plain("red"))
    lines = [image_line(source.replace("a.png", f"{i}.png"), f"label {i}") for i in range(251)]
    return lines, lines


def several_buckets(studio: Studio, name: str) -> tuple[list[Any], list[Any]]:
    lines = studio.coloured(["red", "blue"], 4, f"{name}/")
    return [*lines, image_line("s3://elsewhere/a.png", "red")], lines


FAILING: list[tuple[str, Callable[[Studio, str], tuple[list[Any], list[Any]]]]] = [
    ("ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", lambda s, n: (s.coloured(["red", "blue"], 4, f"{n}/"), ["{"] * 6)),
    ("ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS", several_buckets),
    ("ERROR_MANIFEST_TOO_FEW_LABELS", lambda s, n: (s.coloured(["red"], 4, f"{n}/"),) * 2),
    ("ERROR_MANIFEST_TOO_MANY_LABELS", too_many),
    (
        "ERROR_INSUFFICIENT_LABEL_OVERLAP",
        lambda s, n: (s.coloured(["red", "blue"], 4, f"{n}/"), s.coloured(["lime"], 2)),
    ),
    ("ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", one_colour_broken),
    ("ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP", overlapping_little),
    ("ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET", unreadable),
    ("ERROR_FAILED_IMAGES_S3_COPY", nothing_to_test_on),
]
NEVER = {"ERROR_INVALID_IMAGES_S3_BUCKET_OWNER"}
"""Buckets have no owners here; docs/custom-labels.md says so."""


@pytest.mark.parametrize(("code", "made"), FAILING)
def test_contents_that_end_a_training(
    studio: Studio, code: str, made: Callable[[Studio, str], tuple[list[Any], list[Any]]]
) -> None:
    train, test = made(studio, code.lower())
    described = train_on(studio, code.lower()[:40], train, test)
    assert described["Status"] == "TRAINING_FAILED" and code in described["StatusMessage"]
    summary = json.loads(studio.result(described["ManifestSummary"]))
    assert code in [error["code"] for error in summary["errors"]]


def test_a_label_with_one_picture_cannot_be_split(studio: Studio) -> None:
    lines = [*studio.coloured(["red"], 5, "split/"), *studio.coloured(["blue"], 1, "split/")]
    project = studio.project("split")
    given = {"Assets": [studio.manifest("split/a.manifest", lines)]}
    studio.train(project, TrainingData=given, TestingData={"AutoCreate": True})
    assert "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT" in studio.described(project)["StatusMessage"]


def test_every_code_that_ends_a_training_was_seen_to_end_one() -> None:
    seen = {code for code, _ in FAILING} | {"ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"}
    assert seen | NEVER == set(MESSAGES) and not seen & NEVER


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe\x00{", "extension or contents are invalid"),
        (None, "cannot be read: check the S3 bucket's permissions"),
    ],
)
def test_manifests_that_cannot_be_read(studio: Studio, content: bytes | None, told: str) -> None:
    name = f"unread-{len(told)}-{content is None}-{len(content or b'')}"
    project = studio.project(name)
    if content is not None:
        studio.put(f"{name}.manifest", content)
    given = {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": PICTURES, "Name": f"{name}.manifest"}}}]}
    studio.train(project, TrainingData=given, TestingData={"AutoCreate": True})
    described = studio.described(project)
    assert described["Status"] == "TRAINING_FAILED" and told in described["StatusMessage"]


def test_a_bucket_that_takes_no_reports(studio: Studio) -> None:
    """One that nobody allowed is refused at once; one that stops taking them ends the training."""
    project = studio.project("unwritable")
    source = studio.manifest("unwritable/a.manifest", studio.coloured(["red", "blue"], 2, "unwritable/"))
    given = {"VersionName": "v1", "TrainingData": {"Assets": [source]}, "TestingData": {"Assets": [source]}}
    with pytest.raises(studio.client.exceptions.InvalidParameterException, match="output S3 bucket"):
        studio.client.create_project_version(ProjectArn=project, OutputConfig={"S3Bucket": PICTURES}, **given)
    assert studio.client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"] == []
    # A file where the reports' folder would be.
    (studio.results / "unwritable").write_bytes(b"")
    output = {"S3Bucket": RESULTS, "S3KeyPrefix": "unwritable"}
    studio.client.create_project_version(ProjectArn=project, OutputConfig=output, **given)
    described = studio.described(project)
    assert described["Status"] == "TRAINING_FAILED" and "output S3 bucket" in described["StatusMessage"]


def test_what_a_training_writes_of_its_tests(studio: Studio) -> None:
    lines = studio.coloured(["red", "blue"], 5, "written/")
    both = image_line(studio.put("written/both.png", plain("purple", 1)), "red", "blue")
    described = train_on(studio, "written", [*lines, both], lines)
    place = described["TestingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"]
    tested = [json.loads(line) for line in studio.result(place).decode().splitlines()]
    assert [one["source-ref"] for one in tested] == [line["source-ref"] for line in lines]
    details = tested[0]["rekognition-custom-labels-evaluation-0-metadata"][
        "rekognition-custom-labels-evaluation-details"
    ]
    assert details["is-true-positive"] is True and details["is-present-in-ground-truth"] is True
    assert described["OutputConfig"]["S3Bucket"] == RESULTS
