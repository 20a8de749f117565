"""``custodes index`` and ``custodes search`` as a person runs them, against a live server with predictable faces."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.fakes.engine import DARK_AND_BLURRED, Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import running


@pytest.fixture
def album(tmp_path: Path) -> Path:
    root = tmp_path / "album"
    for folder, who in (("Ann Lee", 1), ("Bob", 2)):
        (root / folder).mkdir(parents=True)
        for shot in range(3):
            (root / folder / f"{shot}.png").write_bytes(picture(Square(who, angle_deg=5 * shot)))
    (root / "Bob" / "landscape.png").write_bytes(picture())
    (root / "Bob" / "blurred.png").write_bytes(picture(Square(3, blue=DARK_AND_BLURRED)))
    (root / "Bob" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (root / "Bob" / "empty.jpg").write_bytes(b"")
    (root / "Bob" / "notes.txt").write_text("not a photo")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "a.png").write_bytes(picture(Square(4)))
    return root


def test_a_folder_is_indexed_with_names_and_reasons(custodes: Any, album: Path, rekognition: Any) -> None:
    answer = custodes("index", str(album), "--collection", "people", "--json")
    assert answer.returncode == 3, answer.stderr
    facts = json.loads(answer.stdout)
    assert (facts["photos"], facts["faces"], facts["done_before"]) == (10, 6, 0)
    reasons = {Path(item["path"]).name: item["reason"] for item in facts["left_out"]}
    assert reasons["landscape.png"] == "no face found"
    assert reasons["blurred.png"].startswith("no face good enough: ")
    assert "invalid image format" in reasons["broken.jpg"]
    assert reasons["empty.jpg"] == "the file is empty"
    assert {Path(item["path"]).name for item in facts["left_out"] if item["failed"]} == {"broken.jpg", "empty.jpg"}
    names = [face["ExternalImageId"] for face in rekognition.list_faces(CollectionId="people")["Faces"]]
    assert sorted(names) == ["Ann_Lee"] * 3 + ["Bob"] * 3


def test_running_again_does_only_the_rest(custodes: Any, album: Path, rekognition: Any) -> None:
    custodes("index", str(album), "--collection", "people")
    (album / "Bob" / "3.png").write_bytes(picture(Square(2, angle_deg=30)))
    (album / "Bob" / "0.png").write_bytes(picture(Square(2, angle_deg=40)))
    facts = json.loads(custodes("index", str(album), "--collection", "people", "--json").stdout)
    assert (facts["photos"], facts["done_before"], facts["faces"]) == (11, 9, 7)
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 8


def test_a_line_cut_short_by_a_crash_costs_one_photo(custodes: Any, album: Path, live_server: Any) -> None:
    custodes("index", str(album), "--collection", "people")
    (journal,) = (live_server.data / "indexed").glob("*.jsonl")
    journal.write_bytes(journal.read_bytes()[:-20])
    for expected in (9, 10):
        facts = json.loads(custodes("index", str(album), "--collection", "people", "--json").stdout)
        assert (facts["done_before"], facts["faces"]) == (expected, 6)


def test_a_collection_made_anew_is_filled_anew(custodes: Any, album: Path, rekognition: Any) -> None:
    custodes("index", str(album), "--collection", "people")
    rekognition.delete_collection(CollectionId="people")
    facts = json.loads(custodes("index", str(album), "--collection", "people", "--json").stdout)
    assert (facts["done_before"], facts["faces"]) == (0, 6)
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 6


def test_names_from_a_csv_and_the_report(custodes: Any, album: Path, rekognition: Any, tmp_path: Path) -> None:
    names, report = tmp_path / "names.csv", tmp_path / "report.csv"
    names.write_text(f"path,name\nAnn Lee/0.png,Zoë\n{album / 'Bob' / '1.png'},Robert\n", encoding="utf-8")
    answer = custodes("index", str(album), "-c", "people", "--names", str(names), "--report", str(report))
    assert answer.returncode == 3, answer.stderr
    assert "4 photos left out" in answer.stdout
    listed = rekognition.list_faces(CollectionId="people")["Faces"]
    assert sorted(face["ExternalImageId"] for face in listed if "ExternalImageId" in face) == ["Robert", "Zoe"]
    rows = list(csv.DictReader(report.read_text(encoding="utf-8").splitlines()))
    assert {Path(row["path"]).name for row in rows} == {"landscape.png", "blurred.png", "broken.jpg", "empty.jpg"}


def test_names_from_files_index_every_face(custodes: Any, tmp_path: Path, rekognition: Any) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "party.png").write_bytes(picture(Square(1), Square(2, left=100), Square(3, left=200)))
    custodes("index", str(tmp_path / "group"), "-c", "people", "--names", "file")
    faces = rekognition.list_faces(CollectionId="people")["Faces"]
    assert [face["ExternalImageId"] for face in faces] == ["party"] * 3


def test_a_flat_folder_is_named_by_file_and_says_so(custodes: Any, tmp_path: Path, rekognition: Any) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "ann.png").write_bytes(picture(Square(1), Square(2, left=100)))
    answer = custodes("index", str(tmp_path / "flat"), "-c", "people")
    assert "each face is named after its photo's file" in answer.stderr
    assert [face["ExternalImageId"] for face in rekognition.list_faces(CollectionId="people")["Faces"]] == ["ann"]


def test_a_bucket_is_indexed_as_the_server_reads_it(custodes: Any, album: Path, tmp_path: Path) -> None:
    """A folder stands for the bucket, for the server and for the command that lists it."""
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    data = tmp_path / "own"
    with running(data, {"buckets": {"photos": album}}, engine=SquareEngine(), gallery=gallery) as server:
        variables = {"CUSTODES_BUCKETS": f"photos={album}", "CUSTODES_DATA": str(data), "AWS_PROFILE": ""}
        answer = custodes("index", "s3://photos/Bob/", "-c", "people", "--json", **variables)
        assert answer.returncode == 3, answer.stderr
        facts = json.loads(answer.stdout)
        assert (answer.returncode, facts["photos"], facts["faces"]) == (3, 7, 3), answer.stderr
        assert {item["path"] for item in facts["left_out"]} >= {"s3://photos/Bob/broken.jpg"}
        again = custodes("index", "s3://photos/B", "-c", "people", "--json", **variables)
        assert json.loads(again.stdout)["done_before"] == 0, "in folders of their own the photos have other names"
        names = [face.get("ExternalImageId") for face in server.client().list_faces(CollectionId="people")["Faces"]]
        assert sorted(set(names)) == ["0", "1", "2", "Bob"]


def test_a_bucket_that_is_not_known_or_has_no_pictures(custodes: Any, album: Path, tmp_path: Path) -> None:
    variables = {"CUSTODES_BUCKETS": f"photos={album}", "CUSTODES_DATA": str(tmp_path / "none")}
    unknown = custodes("index", "s3://other/", "-c", "people", **variables)
    assert (unknown.returncode, "CUSTODES_BUCKETS=other=/folder" in unknown.stderr) == (1, True)
    nothing = custodes("index", "s3://photos/nobody", "-c", "people", **variables)
    assert (nothing.returncode, "no pictures below s3://photos/nobody" in nothing.stderr) == (4, True)


def test_an_empty_folder_has_a_status_of_its_own(custodes: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in (["index", "{}", "-c", "people"], ["analyze", "{}"], ["quality", "{}"]):
        answer = custodes(*(word.format(tmp_path / "empty") for word in command))
        assert (answer.returncode, "there are no pictures in" in answer.stderr) == (4, True), answer.stderr


def test_search_prints_matches_and_draws_them(custodes: Any, album: Path, tmp_path: Path) -> None:
    custodes("index", str(album), "-c", "people")
    query, sheet = tmp_path / "query.png", tmp_path / "sheet.png"
    query.write_bytes(picture(Square(1, angle_deg=2)))
    answer = custodes("search", str(query), "-c", "people", "--picture", str(sheet))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("Ann_Lee") == 3
    assert "Bob" not in answer.stdout
    drawn = np.asarray(PIL.Image.open(sheet).convert("RGB"))
    faces_shown = np.count_nonzero((drawn[..., 0] == 1) & (drawn[..., 2] == 200))
    assert faces_shown > 3 * 100 * 100

    facts = json.loads(custodes("search", str(query), "-c", "people", "--limit", "2", "--json").stdout)
    assert facts.keys() == {"path", "collection_id", "faces", "matches"}
    assert facts["faces"] == 6
    assert [match["name"] for match in facts["matches"]] == ["Ann_Lee", "Ann_Lee"]
    best = facts["matches"][0]
    assert Path(best["path"]).parent.name == "Ann Lee"
    assert best["false_match_chance"] == pytest.approx(1 - (1 - best["false_match_rate"]) ** 6)


def test_rows_for_programs_are_whole_and_parted_by_tabs(custodes: Any, album: Path, rekognition: Any) -> None:
    """However narrow the terminal is that another program writes for."""
    custodes("index", str(album), "-c", "people")
    (album / "query.png").write_bytes(picture(Square(1, angle_deg=2)))
    answer = custodes("search", str(album / "query.png"), "-c", "people", COLUMNS="20")
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    ids = {face["FaceId"] for face in rekognition.list_faces(CollectionId="people")["Faces"]}
    assert len(rows) == 3
    assert all(len(row) == 6 and row[4] in ids and Path(row[5]).is_file() for row in rows)
    assert rows[0][0].endswith(" %")
    assert "strangers" in rows[0][1]


def test_search_without_a_match_says_so(custodes: Any, rekognition: Any, tmp_path: Path) -> None:
    rekognition.create_collection(CollectionId="people")
    (tmp_path / "a.png").write_bytes(picture(Square(1)))
    answer = custodes("search", str(tmp_path / "a.png"), "-c", "people")
    assert answer.stdout == ""
    assert "Nobody in people reaches 80 %." in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("search", "{tmp}/missing.png", "-c", "people"), 2, "missing.png: No such file or directory"),
        (("search", "{tmp}/a.png", "-c", "people", "--picture", "{tmp}/out.foo"), 1, "out.foo must end in"),
        (("compare", "{tmp}/a.png", "{tmp}/a.png", "--picture", "{tmp}/none/out.png"), 1, "none is not a folder"),
        (("compare", "{tmp}/a.png", "{tmp}/broken.jpg"), 1, "broken.jpg: Request has invalid image format"),
        (("search", "{tmp}/a.png", "-c", "nobody"), 1, "ResourceNotFoundException"),
        (("search", "{tmp}/a.png", "-c", "not an id"), 1, "collectionId"),
        (("index", "{tmp}/a.png", "-c", "people"), 2, "is a file, and a folder is read"),
        (("index", "{tmp}", "-c", "people", "--names", "{tmp}/no.csv"), 1, "cannot be read"),
        (("index", "{tmp}", "-c", "people", "--endpoint", "http://127.0.0.1:9"), 1, "127.0.0.1:9"),
        (("search", "{tmp}/a.png"), 2, "--collection"),
        (("env", "--data", "{tmp}/none"), 1, "there is no data directory"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    custodes: Any, tmp_path: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    (tmp_path / "a.png").write_bytes(picture(Square(1)))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    answer = custodes(*(part.format(tmp=tmp_path) for part in arguments))
    assert answer.returncode == status, (answer.stdout, answer.stderr)
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    if status == 1:
        # Beside it only stands as whom the server was called.
        told = [line for line in answer.stderr.splitlines() if not line.startswith("custodes: as arn:")]
        assert len(told) == 1
