"""Known people from a file to an answer: import, recognition, removal, and how sure a name has to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.cli.faces.celebrity_file import read_known
from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId, RequestId
from custodes.gallery.celebrities import Celebrity, stable_id
from custodes.gallery.entities import CollectionKey
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.operations.catalogue import Operations, Ports, build
from custodes.operations.collections.celebrities import (
    COLLECTION,
    CelebritiesRecognized,
    CelebrityGallery,
    RecognizeCelebrities,
)
from custodes.operations.collections.collections import CreateCollection
from custodes.operations.collections.enrol import IndexFaces
from custodes.operations.images.sources import ImageInput
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import AllowAll, CountingRecorder, Gate
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.objects import MemoryObjects
from tests.fakes.unrecorded import NoReviews, UnrecordedErasures

Run = Callable[..., "CompletedProcess[str]"]
ANN, BOB = Square(1), Square(2, left=200)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "import"
    folder.mkdir()
    (folder / "ann.png").write_bytes(picture(ANN))
    (folder / "bob.png").write_bytes(picture(BOB))
    (folder / "people.csv").write_text(
        "name,wikidata,urls,gender,portraits\n"
        "Ann Example,Q1,https://example.org/ann|www.example.com,female,ann.png\n"
        "Bob Example,,,,bob.png\n",
        encoding="utf-8",
    )
    return folder / "people.csv"


def test_from_a_file_to_an_answer_and_away(rekognition: Any, custodes: Run, people: Path) -> None:
    both = {"Bytes": picture(Square(1, angle_deg=1), Square(3, left=200))}
    assert rekognition.recognize_celebrities(Image=both)["CelebrityFaces"] == []
    done = custodes("celebrities", "import", str(people))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 people, 2 portraits")

    answer = rekognition.recognize_celebrities(Image=both)
    (found,) = answer["CelebrityFaces"]
    assert (found["Name"], found["Id"], found["KnownGender"]) == ("Ann Example", stable_id("Q1"), {"Type": "Female"})
    assert found["Urls"] == ["www.wikidata.org/wiki/Q1", "example.org/ann", "www.example.com"]
    assert found["MatchConfidence"] >= 99
    assert len(answer["UnrecognizedFaces"]) == 1
    info = rekognition.get_celebrity_info(Id=found["Id"])
    assert {name: info[name] for name in ("Name", "Urls", "KnownGender")} == {
        name: found[name] for name in ("Name", "Urls", "KnownGender")
    }

    listed = json.loads(custodes("celebrities", "list", "--json").stdout)
    assert [(one["name"], one["portraits"]) for one in listed] == [("Ann Example", 1), ("Bob Example", 1)]
    assert custodes("celebrities", "remove", found["Id"]).returncode == 0
    assert rekognition.recognize_celebrities(Image=both)["CelebrityFaces"] == []
    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        rekognition.get_celebrity_info(Id=found["Id"])


def test_an_import_goes_on_where_it_stopped_and_minds_erasures(rekognition: Any, custodes: Run, people: Path) -> None:
    custodes("celebrities", "import", str(people))
    again = json.loads(custodes("celebrities", "import", str(people), "--json").stdout)
    assert (again["portraits"], again["done_before"]) == (2, 2)
    custodes("celebrities", "remove", stable_id("Q1"))
    reported = custodes("celebrities", "import", str(people)).stdout
    assert "deleted since" in reported
    assert rekognition.recognize_celebrities(Image={"Bytes": picture(ANN)})["CelebrityFaces"] == []
    assert "deleted since" not in custodes("celebrities", "import", str(people), "--again").stdout
    assert len(rekognition.recognize_celebrities(Image={"Bytes": picture(ANN)})["CelebrityFaces"]) == 1


def test_nobody_is_known_at_first(rekognition: Any, custodes: Run) -> None:
    answer = rekognition.recognize_celebrities(Image={"Bytes": picture(ANN)})
    assert (answer["CelebrityFaces"], len(answer["UnrecognizedFaces"])) == ([], 1)
    assert json.loads(custodes("celebrities", "list", "--json").stdout) == []
    refused = custodes("celebrities", "remove", "abc")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (1, "custodes: nobody has the id abc")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name,colour\nAnn,red\n", "unknown column 'colour'"),
        ("name\n\n", None),
        ("name,wikidata\nAnn,42\n", "not a Wikidata id"),
        ("name,wikidata\n,Q42\n", "a name is needed"),
        ("name,gender\nAnn,x\n", "not a valid KnownGender"),
        ("name,id\nAnn,a-b\n", "letters and digits"),
        ("name,portraits\nAnn,none.jpg\n", "there is no portrait"),
        ("name\nAnn\nAnn\n", "person 2: the same person"),
        ("name\nAnn,extra\n", "unknown column"),
    ],
)
def test_wrong_files_are_refused_by_row(tmp_path: Path, text: str, part: str | None) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    if part is None:
        assert read_known(path) == []
        return
    with pytest.raises(InvalidParameterError, match=part):
        read_known(path)


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"name": 3}]', '[{"name": "Ann", "urls": [1]}]', "[", '"'])
def test_wrong_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidParameterError):
        read_known(path)


def test_json_says_the_same_as_csv(people: Path) -> None:
    rows = [
        {
            "name": "Ann Example",
            "wikidata": "Q1",
            "urls": ["https://example.org/ann", "www.example.com"],
            "gender": "Female",
            "portraits": ["ann.png"],
        },
        {"name": "Bob Example", "portraits": ["bob.png"]},
    ]
    path = people.with_suffix(".json")
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert read_known(path) == read_known(people)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_ids_are_stable_and_apart(one: str, other: str) -> None:
    assert stable_id(one) == stable_id(one)
    assert stable_id(one).isalnum() and stable_id(one).isascii()
    assert (stable_id(one) == stable_id(other)) == (one == other)


class Book:
    """Everybody asked for is known."""

    def people(self, celebrity_ids: list[str]) -> dict[str, Celebrity]:
        return {one: Celebrity(one, one) for one in celebrity_ids if one}


@pytest.mark.parametrize(
    ("rate", "portraits", "named"),
    [(1e-3, 8, True), (2e-3, 8, False), (9e-3, 1, True), (2e-2, 1, False), (None, 1, False)],
)
def test_a_larger_gallery_asks_for_more(rate: float | None, portraits: int, named: bool) -> None:
    caller = Caller(AccountId("123456789012"), "AK", "arn:aws:iam::123456789012:root", "eu-central-1")
    known = CelebrityGallery(CollectionKey(caller.account_id, COLLECTION), Book(), lambda _: rate)
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    ports = Ports(
        SquareEngine(),
        gallery,
        MemoryObjects(),
        FixedClock(),
        b"k" * 32,
        UnrecordedErasures(),
        NoReviews(),
        celebrities=known,
    )
    operations: Operations = build(ports)
    gate, context = Gate(AllowAll(), CountingRecorder()), Context(caller, RequestId("1"), 0)
    gate.perform(context, CreateCollection(collection_id=COLLECTION), operations.collections.create)
    for who in range(1, portraits + 1):
        image = ImageInput(picture(Square(who)))
        command = IndexFaces(collection_id=COLLECTION, image=image, external_image_id=f"P{who}")
        gate.perform(context, command, operations.enrolment.index_faces)
    asked = RecognizeCelebrities(image=ImageInput(picture(ANN)))
    result: CelebritiesRecognized = gate.perform(context, asked, operations.celebrities.recognize).result
    assert [one.person.name for one in result.named] == (["P1"] if named else [])
    assert len(result.unnamed) == (0 if named else 1)
    if named and rate is not None:
        assert result.named[0].confidence_pct == pytest.approx(100 * (1 - portraits * rate))
