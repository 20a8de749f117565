"""Every code that a line of a manifest can have, and every one that ends a training, from data that earns it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from custodes.projects import content, manifest
from custodes.projects.content import judge, split_error
from custodes.projects.manifest import UseCase, read_line, read_manifest
from tests.fakes.studio import box_line, image_line

SOURCE = "s3://pictures/a.png"
GOOD = image_line(SOURCE, "cat")
BOX = ("cat", 1, 2, 30, 40)


def boxes(*placed: Any, **changes: Any) -> dict[str, Any]:
    line = box_line(SOURCE, (100, 100), *(placed or (BOX,)))
    for place, value in changes.items():
        inner = line["boxes" if place in ("annotations", "image_size") else "boxes-metadata"]
        inner[place] = value
    return line


def without(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names}


def metadata(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "label-0-metadata": {**GOOD["label-0-metadata"], **changes}}


LINES: list[tuple[str, Any]] = [
    ("ERROR_MISSING_SOURCE_REF", without(GOOD, "source-ref")),
    ("ERROR_INVALID_SOURCE_REF_FORMAT", {**GOOD, "source-ref": "http://pictures/a.png"}),
    ("ERROR_INVALID_SOURCE_REF_FORMAT", {**GOOD, "source-ref": 3}),
    ("ERROR_NO_LABEL_ATTRIBUTES", {"source-ref": SOURCE, "label-metadata": {}}),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", {**GOOD, "label-0": [1]}),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", boxes(annotations={})),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", boxes(image_size=[])),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", without(GOOD, "label-0-metadata")),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", metadata(confidence=2)),
    ("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", metadata(**{"class-name": 7})),
    ("ERROR_NO_VALID_LABEL_ATTRIBUTES", metadata(type="groundtruth/text")),
    ("ERROR_MISSING_BOUNDING_BOX_CONFIDENCE", boxes(objects=[{}])),
    ("ERROR_MISSING_BOUNDING_BOX_CONFIDENCE", boxes(objects=[])),
    ("ERROR_MISSING_CLASS_MAP_ID", boxes(**{"class-map": {"7": "cat"}})),
    ("ERROR_INVALID_JSON_LINE", "{"),
    ("ERROR_INVALID_JSON_LINE", "[]"),
    ("ERROR_INVALID_BOUNDING_BOX", boxes(("cat", 90, 2, 30, 40))),
    ("ERROR_INVALID_BOUNDING_BOX", boxes(("cat", -1, 2, 30, 40))),
    ("ERROR_NO_VALID_ANNOTATIONS", boxes(("cat", 90, 2, 30, 40))),
    ("ERROR_BOUNDING_BOX_TOO_SMALL", boxes(("cat", 1, 2, 0, 40))),
    ("ERROR_TOO_MANY_BOUNDING_BOXES", boxes(*[BOX] * 51)),
    ("WARNING_UNANNOTATED_RECORD", {"source-ref": SOURCE}),
    ("WARNING_NO_ANNOTATIONS", boxes(annotations=[], objects=[])),
    ("WARNING_NO_ATTRIBUTE_ANNOTATIONS", {"source-ref": SOURCE, "label": None, "label-metadata": None}),
    ("ERROR_UNSUPPORTED_USE_CASE_TYPE", metadata(type="groundtruth/text")),
    ("ERROR_INVALID_LABEL_NAME_LENGTH", metadata(**{"class-name": "x" * 256})),
    ("ERROR_INVALID_LABEL_NAME_LENGTH", metadata(**{"class-name": ""})),
]
OF_PICTURES = {"ERROR_INVALID_IMAGE", "ERROR_INVALID_IMAGE_DIMENSION"}
"""Found only by looking at the picture: test_training has them."""


@pytest.mark.parametrize(("code", "line"), LINES)
def test_lines_have_their_codes(code: str, line: Any) -> None:
    entry = read_line(line if isinstance(line, str) else json.dumps(line))
    assert code in [error.code for error in entry.errors]
    assert entry.usable == (not any(error.code.startswith("ERROR") for error in entry.errors))
    listed = json.loads(entry.listed())
    assert {"code": code, "message": manifest.MESSAGES[code]} in listed["errors"]


def test_every_code_is_earned() -> None:
    assert {code for code, _ in LINES} | OF_PICTURES == set(manifest.MESSAGES)


def test_good_lines() -> None:
    entry = read_line(json.dumps(image_line(SOURCE, "cat", "dog")))
    assert (entry.source, entry.names, entry.use_case, entry.errors) == (SOURCE, ("cat", "dog"), UseCase.IMAGE, ())
    entry = read_line(json.dumps(boxes(BOX, ("dog", 0, 0, 100, 100))))
    assert [box.name for box in entry.boxes] == ["cat", "dog"] and entry.size == (100, 100) and entry.usable
    assert json.loads(entry.listed())["cl-metadata"] == {"is_labeled": True}


def test_what_is_listed_can_be_read_again() -> None:
    entry = read_line(json.dumps(boxes(("cat", 90, 2, 30, 40), BOX)))
    assert read_line(entry.listed()) == entry


def test_an_adapter_reads_moderation_labels() -> None:
    def line(value: Any) -> str:
        return json.dumps({"source-ref": SOURCE, "content-moderation-groundtruth": value})

    entry = read_line(line({"ModerationLabels": [{"Name": "Alcohol"}]}), adapter=True)
    assert entry.names == ("Alcohol",) and entry.usable
    safe = read_line(line({"ModerationLabels": []}), adapter=True)
    assert safe.names == () and safe.labeled and safe.usable
    assert not read_line(line({"ModerationLabels": [{}]}), adapter=True).usable
    assert not read_line(json.dumps({"source-ref": SOURCE}), adapter=True).usable


def lines(*given: tuple[str, str], bucket: str = "pictures") -> list[Any]:
    text = [json.dumps(image_line(f"s3://{bucket}/{name}.png", label)) for name, label in given]
    return list(read_manifest("\n".join(text)))


TWO = lines(("a", "cat"), ("b", "dog"))
BAD = list(read_manifest("\n".join([json.dumps({"source-ref": "x"})])))
CONTENTS: list[tuple[str, list[Any], list[Any], bool]] = [
    ("ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", [*TWO, *BAD, *BAD], TWO, False),
    ("ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS", TWO, lines(("a", "cat"), ("b", "dog"), bucket="others"), False),
    ("ERROR_MANIFEST_TOO_FEW_LABELS", lines(("a", "cat")), lines(("b", "cat")), False),
    ("ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", lines(("a", "cat")), lines(("b", "cat")), True),
    ("ERROR_MANIFEST_TOO_MANY_LABELS", lines(*((f"p{i}", f"n{i}") for i in range(251))), TWO, False),
    ("ERROR_INSUFFICIENT_LABEL_OVERLAP", TWO, lines(("c", "bird")), False),
    ("ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP", TWO, lines(("c", "bird")), True),
]


@pytest.mark.parametrize(("code", "train", "test", "usable"), CONTENTS)
def test_contents_have_their_codes(code: str, train: list[Any], test: list[Any], usable: bool) -> None:
    assert code in judge(train, test, usable=usable).errors


def test_good_contents() -> None:
    judged = judge(TWO, TWO)
    assert (judged.use_case, judged.names, judged.errors) == (UseCase.IMAGE, ("cat", "dog"), ())
    one = list(read_manifest(json.dumps(boxes())))
    assert judge(one, one).errors == (), "one label is enough for boxes"


def test_a_label_with_one_picture_cannot_be_split() -> None:
    assert split_error(TWO) == "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"
    assert split_error([*TWO, *lines(("c", "cat"), ("d", "dog"))]) is None
    assert "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT" in content.MESSAGES
