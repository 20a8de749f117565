"""The sixteen operations through boto3 on a live server: start, wait, page; what they find, refuse and reveal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from custodes.cli.faces.celebrities import app as celebrities_app
from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

pytestmark = pytest.mark.slow

BUCKET = "films"


@dataclass(frozen=True)
class Cinema:
    server: LiveServer
    client: Any
    folder: Path

    def film(self, name: str, frames: int, draw: Any, fps: float = 25.0) -> dict[str, Any]:
        write_clip(self.folder / name, frames, draw, fps)
        return {"S3Object": {"Bucket": BUCKET, "Name": name}}

    def start(self, what: str, video: dict[str, Any], **options: Any) -> str:
        return getattr(self.client, f"start_{what}")(Video=video, **options)["JobId"]

    def get(self, what: str, job: str, **options: Any) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = getattr(self.client, f"get_{what}")(JobId=job, **options)
            if answer["JobStatus"] != "IN_PROGRESS":
                return answer
            time.sleep(0.05)
        raise AssertionError("the job did not end")

    def run(self, what: str, video: dict[str, Any], **options: Any) -> dict[str, Any]:
        return self.get(what, self.start(what, video, **options))


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    with opened(tmp_path_factory.mktemp("cinema"), part_s=1) as one:
        yield one


@contextmanager
def opened(root: Path, part_s: int) -> Iterator[Cinema]:
    """A cinema whose videos are looked at in parts of ``part_s``."""
    folder = root / "films"
    folder.mkdir()
    overrides = {"buckets": {BUCKET: folder}, "video_part_s": part_s, "video_workers": 2}
    stand_ins = {"engine": BlobEngine(), "text": ScriptedText(), "sight": sight()}
    with running(root / "data", overrides, **stand_ins) as server:
        yield Cinema(server, server.client(), folder)


def walk(n: int) -> np.ndarray:
    """Ann walks to the right all the time; Bob stands there for the second half."""
    return scene(Blob("ann", 10 + n), *([Blob("bob", 250, 150)] if n >= 50 else []))


def test_faces(cinema: Cinema) -> None:
    video = cinema.film("walk.mp4", 100, walk)
    answer = cinema.run("face_detection", video, FaceAttributes="ALL", JobTag="tag:1")
    assert (answer["JobStatus"], answer["JobTag"], answer["Video"]) == ("SUCCEEDED", "tag:1", video)
    assert answer["VideoMetadata"] == {
        "Codec": "mpeg4",
        "DurationMillis": 4000,
        "Format": "QuickTime / MOV",
        "FrameRate": 25.0,
        "FrameHeight": 240,
        "FrameWidth": 320,
        "ColorRange": "LIMITED",
    }
    times = [one["Timestamp"] for one in answer["Faces"]]
    assert sorted(set(times)) == [0, 480, 1000, 1480, 2000, 2480, 3000, 3480]
    assert times.count(2000) == 2
    face = answer["Faces"][0]["Face"]
    assert face["AgeRange"] and "EyeDirection" not in face and "FaceOccluded" not in face
    assert abs(face["BoundingBox"]["Left"] - 10 / 320) < 0.02


def test_only_default_attributes_unless_asked(cinema: Cinema) -> None:
    answer = cinema.run("face_detection", cinema.film("short.mp4", 20, walk))
    assert set(answer["Faces"][0]["Face"]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def test_a_search_names_whom_it_knows(cinema: Cinema) -> None:
    client, collection = cinema.client, "search"
    client.create_collection(CollectionId=collection)
    client.index_faces(CollectionId=collection, Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
    video = cinema.film("search.mp4", 100, walk)
    job = cinema.start("face_search", video, CollectionId=collection)
    answer = cinema.get("face_search", job)
    persons = answer["Persons"]
    assert {one["Person"]["Index"] for one in persons} == {0, 1}
    matched = [one for one in persons if "FaceMatches" in one]
    assert {one["Person"]["Index"] for one in matched} == {0} and len(matched) == 8
    assert matched[0]["FaceMatches"][0]["Face"]["ExternalImageId"] == "Ann"
    assert matched[0]["FaceMatches"][0]["Similarity"] == 100
    by_index = cinema.get("face_search", job, SortBy="INDEX")["Persons"]
    assert [one["Person"]["Index"] for one in by_index] == [0] * 8 + [1] * 4
    face_id = matched[0]["FaceMatches"][0]["Face"]["FaceId"]
    client.delete_faces(CollectionId=collection, FaceIds=[face_id])
    assert not [one for one in cinema.get("face_search", job)["Persons"] if "FaceMatches" in one]
    client.delete_collection(CollectionId=collection)
    assert cinema.get("face_search", job)["JobStatus"] == "SUCCEEDED"


def test_persons(cinema: Cinema) -> None:
    answer = cinema.run("person_tracking", cinema.film("persons.mp4", 50, walk))
    assert {one["Person"]["Index"] for one in answer["Persons"]} == {0, 1}
    assert any("BoundingBox" in one["Person"] for one in answer["Persons"])
    assert any("Face" in one["Person"] for one in answer["Persons"])


def test_labels_by_time_name_and_stretch(cinema: Cinema) -> None:
    video = cinema.film("labels.mp4", 50, walk)
    job = cinema.start("label_detection", video, MinConfidence=60)
    answer = cinema.get("label_detection", job)
    assert {one["Label"]["Name"] for one in answer["Labels"]} == {"Transportation", "Vehicle", "Car", "Person"}
    assert answer["GetRequestMetadata"] == {"SortBy": "TIMESTAMP", "AggregateBy": "TIMESTAMPS"}
    assert answer["LabelModelVersion"] == "3.0"
    named = cinema.get("label_detection", job, SortBy="NAME")["Labels"]
    assert [one["Label"]["Name"] for one in named] == sorted(one["Label"]["Name"] for one in named)
    joined = cinema.get("label_detection", job, AggregateBy="SEGMENTS")["Labels"]
    car = next(one for one in joined if one["Label"]["Name"] == "Car")
    assert (car["Timestamp"], car["StartTimestampMillis"], car["EndTimestampMillis"]) == (0, 0, 2000)
    assert car["DurationMillis"] == 2000 and "Instances" not in car["Label"]


def test_labels_are_filtered(cinema: Cinema) -> None:
    options = {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"]}}}
    answer = cinema.run("label_detection", cinema.film("filtered.mp4", 20, walk), **options)
    assert {one["Label"]["Name"] for one in answer["Labels"]} == {"Car"}


def test_moderation(cinema: Cinema) -> None:
    job = cinema.start("content_moderation", cinema.film("moderation.mp4", 30, walk))
    answer = cinema.get("content_moderation", job)
    assert {one["ModerationLabel"]["Name"] for one in answer["ModerationLabels"]} == {"Explicit", "Explicit Nudity"}
    assert answer["ModerationLabels"][0]["ContentTypes"] == [{"Name": "Illustrated", "Confidence": 60.0}]
    assert answer["ModerationModelVersion"] == "7.0"
    joined = cinema.get("content_moderation", job, AggregateBy="SEGMENTS", SortBy="NAME")["ModerationLabels"]
    assert [one["DurationMillis"] for one in joined] == [1200, 1200]


def test_text(cinema: Cinema) -> None:
    video = cinema.film("text.mp4", 20, walk)
    answer = cinema.run("text_detection", video)
    assert [one["TextDetection"]["DetectedText"] for one in answer["TextDetections"][:2]] == ["HELLO WORLD", "again"]
    region = {"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 0.13}}
    cut = cinema.run("text_detection", video, Filters={"RegionsOfInterest": [region]})
    assert {one["TextDetection"]["DetectedText"] for one in cut["TextDetections"]} == {"HELLO WORLD", "HELLO", "WORLD"}


def test_text_is_filtered_by_words(cinema: Cinema) -> None:
    video = cinema.film("words.mp4", 20, walk)
    whole = cinema.run("text_detection", video)["TextDetections"]
    sure = cinema.run("text_detection", video, Filters={"WordFilter": {"MinConfidence": 100}})["TextDetections"]
    large = cinema.run("text_detection", video, Filters={"WordFilter": {"MinBoundingBoxHeight": 0.9}})["TextDetections"]
    assert len(sure) < len(whole) and not [one for one in large if one["TextDetection"]["Type"] == "WORD"]


def test_celebrities_without_any(cinema: Cinema) -> None:
    video = cinema.film("nobody.mp4", 20, lambda n: scene(Blob("dot", 100)))
    assert cinema.run("celebrity_recognition", video)["Celebrities"] == []


def test_known_people_are_named_with_times(cinema: Cinema) -> None:
    known(cinema, "ann")
    job = cinema.start("celebrity_recognition", cinema.film("known.mp4", 100, walk))
    answer = cinema.get("celebrity_recognition", job, SortBy="ID")
    assert {one["Celebrity"]["Name"] for one in answer["Celebrities"]} == {"Ann Example"}
    assert [one["Timestamp"] for one in answer["Celebrities"]] == [0, 480, 1000, 1480, 2000, 2480, 3000, 3480]
    first = answer["Celebrities"][0]["Celebrity"]
    assert first["Id"] and first["Face"]["BoundingBox"]["Width"] > 0 and first["Confidence"] >= 99


def test_segments(cinema: Cinema) -> None:
    def draw(n: int) -> np.ndarray:
        colours = np.random.default_rng(n // 40).integers(60, 255, (5, 8, 3), dtype=np.uint8)
        return np.kron(colours, np.ones((48, 40, 1), np.uint8)) if n < 80 else np.zeros((240, 320, 3), np.uint8)

    video = cinema.film("segments.mp4", 100, draw)
    answer = cinema.run("segment_detection", video, SegmentTypes=["TECHNICAL_CUE", "SHOT"])
    assert answer["VideoMetadata"][0]["Codec"] == "mpeg4" and answer["AudioMetadata"] == []
    assert {one["Type"] for one in answer["SelectedSegmentTypes"]} == {"TECHNICAL_CUE", "SHOT"}
    told = [
        (one["Type"], one["StartFrameNumber"], one["EndFrameNumber"], one["DurationFrames"])
        for one in answer["Segments"]
    ]
    assert told == [
        ("TECHNICAL_CUE", 0, 80, 80),
        ("TECHNICAL_CUE", 80, 99, 19),
        ("SHOT", 0, 39, 39),
        ("SHOT", 40, 79, 39),
    ]
    shot = answer["Segments"][2]
    assert shot["EndTimecodeSMPTE"] == "00:00:01:14" and shot["ShotSegment"]["Index"] == 0


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cinema, dict[str, Any]]]:
    """Three people for over eight minutes, all of them known."""
    with opened(tmp_path_factory.mktemp("crowd"), part_s=60) as cinema:
        known(cinema, "ann", "bob", "cas")
        cinema.client.create_collection(CollectionId="many")
        yield cinema, cinema.film("many.mp4", 505, lambda n: scene(*PLACES), fps=1.0)


PLACES = (Blob("ann", 10), Blob("bob", 110), Blob("cas", 210))


def known(cinema: Cinema, *names: str) -> None:
    """Import people whom RecognizeCelebrities and its video sibling can name."""
    rows = ["name,wikidata,urls,gender,portraits"]
    for number, name in enumerate(names, 1):
        (cinema.folder / f"{name}.png").write_bytes(portrait(name))
        rows.append(f"{name.title()} Example,Q{number},,,{name}.png")
    (cinema.folder / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = CliRunner().invoke(
        celebrities_app, ("import", str(cinema.folder / "people.csv"), "--data", str(cinema.server.data))
    )
    assert done.exit_code == 0, done.output


def kind(item: dict[str, Any]) -> str:
    """The name that labels are sorted by."""
    return str((item.get("Label") or item.get("ModerationLabel") or {}).get("Name"))


BY: dict[str, Any] = {
    "TIMESTAMP": lambda one: one["Timestamp"],
    "NAME": kind,
    "INDEX": lambda one: one["Person"]["Index"],
    "ID": lambda one: one["Celebrity"]["Id"],
}
ORDERS: dict[str, tuple[dict[str, Any], list[dict[str, str]], str, int]] = {
    "face_detection": ({}, [{}], "Faces", 1515),
    "face_search": ({"CollectionId": "many"}, [{"SortBy": "TIMESTAMP"}, {"SortBy": "INDEX"}], "Persons", 1515),
    "person_tracking": ({}, [{"SortBy": "TIMESTAMP"}, {"SortBy": "INDEX"}], "Persons", 2020),
    "label_detection": ({"MinConfidence": 20}, [{"SortBy": "TIMESTAMP"}, {"SortBy": "NAME"}], "Labels", 2525),
    "content_moderation": ({}, [{"SortBy": "TIMESTAMP"}, {"SortBy": "NAME"}], "ModerationLabels", 1010),
    "text_detection": ({}, [{}], "TextDetections", 2525),
    "celebrity_recognition": ({}, [{"SortBy": "TIMESTAMP"}, {"SortBy": "ID"}], "Celebrities", 1515),
}


@pytest.mark.parametrize("what", ORDERS)
def test_thousands_of_results_in_every_order_without_loss_or_repetition(
    crowd: tuple[Cinema, dict[str, Any]], what: str
) -> None:
    (cinema, video), (options, orders, member, count) = crowd, ORDERS[what]
    job = cinema.start(what, video, **options)
    whole = cinema.get(what, job)
    assert len(whole[member]) == min(1000, count)
    for order in orders:
        found, sizes = paged(cinema, what, job, member, 700, **order)
        assert len(found) == count and sizes[:-1] == [700] * (len(sizes) - 1)
        assert what == "text_detection" or len({repr(one) for one in found}) == count
        assert paged(cinema, what, job, member, 333, **order)[0] == found
        keys = [BY[order.get("SortBy", "TIMESTAMP")](one) for one in found]
        assert keys == sorted(keys)


@pytest.mark.parametrize("what", ["label_detection", "content_moderation"])
@pytest.mark.parametrize("order", ["TIMESTAMP", "NAME"])
def test_stretches_are_paged_in_every_order(crowd: tuple[Cinema, dict[str, Any]], what: str, order: str) -> None:
    """Seen and not seen in turn, so that there are many stretches."""

    def draw(n: int) -> np.ndarray:
        return scene(Blob("ann", 10)) if n % 8 < 2 else np.full((240, 320, 3), 90, np.uint8)

    cinema, (options, _, member, _) = crowd[0], ORDERS[what]
    video = cinema.film(f"turns-{what}-{order}.mp4", 240, draw, fps=1.0)
    job = cinema.start(what, video, **options)
    reading = {"SortBy": order, "AggregateBy": "SEGMENTS"}
    whole = cinema.get(what, job, **reading)[member]
    found, _ = paged(cinema, what, job, member, 1, **reading)
    assert found == whole and len(found) >= 2
    keys = [BY[order](one) for one in found]
    assert keys == sorted(keys)
    for one in found:
        assert one["EndTimestampMillis"] - one["StartTimestampMillis"] == one["DurationMillis"] > 0


def paged(
    cinema: Cinema, what: str, job: str, member: str, most: int, **order: str
) -> tuple[list[dict[str, Any]], list[int]]:
    """All items, page by page, and how many each page had."""
    found: list[dict[str, Any]] = []
    sizes, token, facts = [], None, None
    while True:
        more = {} if token is None else {"NextToken": token}
        page = cinema.get(what, job, MaxResults=most, **order, **more)
        assert facts in (None, page["VideoMetadata"])
        facts = page["VideoMetadata"]
        found += page[member]
        sizes.append(len(page[member]))
        token = page.get("NextToken")
        if token is None:
            return found, sizes
        assert len(token) <= 255


def test_a_token_belongs_to_one_job_and_order(cinema: Cinema) -> None:
    job = cinema.start("label_detection", cinema.film("tokens.mp4", 50, walk))
    token = cinema.get("label_detection", job, MaxResults=1)["NextToken"]
    for other in ({"SortBy": "NAME"}, {"AggregateBy": "SEGMENTS"}):
        with pytest.raises(cinema.client.exceptions.InvalidPaginationTokenException):
            cinema.client.get_label_detection(JobId=job, NextToken=token, **other)


def test_the_same_request_is_the_same_job(cinema: Cinema) -> None:
    video = cinema.film("again.mp4", 10, walk)
    first = cinema.start("face_detection", video, ClientRequestToken="t1")
    assert cinema.start("face_detection", video, ClientRequestToken="t1") == first
    with pytest.raises(cinema.client.exceptions.IdempotentParameterMismatchException):
        cinema.start("face_detection", video, ClientRequestToken="t1", FaceAttributes="ALL")
    with pytest.raises(cinema.client.exceptions.IdempotentParameterMismatchException):
        cinema.start("label_detection", video, ClientRequestToken="t1")


def test_what_is_refused_at_once(cinema: Cinema) -> None:
    client, video = cinema.client, cinema.film("refused.mp4", 10, walk)
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        cinema.start("face_detection", {"S3Object": {"Bucket": BUCKET, "Name": "missing.mp4"}})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        cinema.start("face_search", video, CollectionId="missing")
    with pytest.raises(client.exceptions.InvalidParameterException):
        cinema.start("face_detection", {"S3Object": {"Bucket": BUCKET}})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_face_detection(JobId="f" * 64)
    job = cinema.start("face_detection", video)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_label_detection(JobId=job)


def test_what_makes_a_job_fail(cinema: Cinema) -> None:
    (cinema.folder / "noise.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(1000))
    (cinema.folder / "text.txt").write_text("not a video at all")
    for name in ("noise.mp4", "text.txt"):
        answer = cinema.run("face_detection", {"S3Object": {"Bucket": BUCKET, "Name": name}})
        assert answer["JobStatus"] == "FAILED" and answer["StatusMessage"]
        assert answer["Faces"] == []


def test_minutes_are_on_record_once(cinema: Cinema) -> None:
    import orjson

    video = cinema.film("minutes.mp4", 130, lambda n: scene(Blob("ann", 10)), fps=1.0)
    job = cinema.start("face_detection", video)
    cinema.get("face_detection", job)
    log = cinema.server.deployment.ledger.log
    log.flush()
    from custodes.ledger.tlog.entry import decode

    units, parts = 0, []
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        facts = {} if body is None else orjson.loads(body)
        if facts.get("job") == job:
            units += entry.units
            parts.append(facts["part"])
    assert units == 3
    assert parts == list(range(130))
