"""What every Get owes a client that knows only the API: all pages, the same facts on each, modelled refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

VIDEO = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}


@dataclass(frozen=True)
class Kind:
    """One pair of operations: its words, the member its results are in, what Start wants, the orders of Get."""

    words: str
    results: str
    options: dict[str, Any]
    orders: tuple[dict[str, str], ...] = ({},)


KINDS = (
    Kind("face_detection", "Faces", {}),
    Kind("face_search", "Persons", {"CollectionId": "people"}, ({}, {"SortBy": "INDEX"}, {"SortBy": "TIMESTAMP"})),
    Kind("person_tracking", "Persons", {}, ({}, {"SortBy": "INDEX"})),
    Kind(
        "label_detection",
        "Labels",
        {"MinConfidence": 1.0},
        ({}, {"SortBy": "NAME"}, {"AggregateBy": "SEGMENTS"}, {"AggregateBy": "SEGMENTS", "SortBy": "NAME"}),
    ),
    Kind(
        "content_moderation",
        "ModerationLabels",
        {"MinConfidence": 1.0},
        ({}, {"SortBy": "NAME"}, {"AggregateBy": "SEGMENTS"}),
    ),
    Kind("text_detection", "TextDetections", {}),
    Kind("celebrity_recognition", "Celebrities", {}, ({}, {"SortBy": "ID"})),
    Kind("segment_detection", "Segments", {"SegmentTypes": ["SHOT", "TECHNICAL_CUE"]}),
)


def drawn(n: int) -> np.ndarray:
    return scene(Blob("ann", 10, 20, 120), Blob("bob", 200, 100)) if n < 25 else scene(Blob("cas", 150, 20, 180))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """A client, and an ended job of each kind."""
    root = tmp_path_factory.mktemp("pages")
    (root / "films").mkdir()
    write_clip(root / "films" / "a.mp4", 50, drawn)
    stand_ins = {"engine": BlobEngine(), "text": ScriptedText(), "sight": sight()}
    with running(root / "data", {"buckets": {"films": root / "films"}, "video_part_s": 1}, **stand_ins) as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        client.index_faces(CollectionId="people", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
        begun = {
            kind.words: getattr(client, f"start_{kind.words}")(Video=VIDEO, JobTag=kind.words, **kind.options)["JobId"]
            for kind in KINDS
        }
        for words, job in begun.items():
            deadline = time.monotonic() + 60
            while getattr(client, f"get_{words}")(JobId=job)["JobStatus"] == "IN_PROGRESS":
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield client, begun


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.words)
def test_pages_of_one_result_are_the_whole_and_say_the_same_about_the_job(jobs: Any, kind: Kind) -> None:
    client, begun = jobs
    get, job = getattr(client, f"get_{kind.words}"), begun[kind.words]
    for order in kind.orders:
        whole = get(JobId=job, **order)
        assert whole["JobStatus"] == "SUCCEEDED" and whole["VideoMetadata"] and "NextToken" not in whole
        assert (whole["JobId"], whole["JobTag"], whole["Video"]) == (job, kind.words, VIDEO)
        assert get(JobId=job, MaxResults=100_000, **order)[kind.results] == whole[kind.results]
        paged, page = [], get(JobId=job, MaxResults=1, **order)
        for _ in range(len(whole[kind.results]) + 1):
            paged += page[kind.results]
            same = {name: value for name, value in page.items() if name not in (kind.results, "NextToken", _HEAD)}
            assert same == {name: value for name, value in whole.items() if name not in (kind.results, _HEAD)}
            if "NextToken" not in page:
                break
            assert len(page["NextToken"]) <= 255
            page = get(JobId=job, MaxResults=1, NextToken=page["NextToken"], **order)
        assert paged == whole[kind.results]
        assert len(paged) > 1 or kind.words == "celebrity_recognition"  # of whom nobody was imported


_HEAD = "ResponseMetadata"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.words)
def test_what_is_not_there_is_not_found_and_a_made_up_token_is_refused(jobs: Any, kind: Kind) -> None:
    client, begun = jobs
    get = getattr(client, f"get_{kind.words}")
    errors = client.exceptions
    another = next(job for words, job in begun.items() if words != kind.words)
    for job in ("0" * 64, another):
        with pytest.raises(errors.ResourceNotFoundException):
            get(JobId=job)
    for token in ("made-up", "A" * 200):
        with pytest.raises(errors.InvalidPaginationTokenException):
            get(JobId=begun[kind.words], NextToken=token)
    with pytest.raises(errors.IdempotentParameterMismatchException):
        _twice(client, kind)


def _twice(client: Any, kind: Kind) -> None:
    """The same token with other input."""
    start = getattr(client, f"start_{kind.words}")
    token = f"token-{kind.words}"
    first = start(Video=VIDEO, ClientRequestToken=token, **kind.options)["JobId"]
    assert start(Video=VIDEO, ClientRequestToken=token, **kind.options)["JobId"] == first
    start(Video=VIDEO, ClientRequestToken=token, JobTag="another", **kind.options)
