"""Bulk work with the networks themselves: workers of Ray give what the server gives."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import skimage.data

from custodes.imaging.image import encode_jpeg
from tests.fakes.live import LiveServer, running
from tests.fakes.waiting import eventually
from tests.streams.kept import post

pytestmark = [pytest.mark.models, pytest.mark.slow]
PATH = "/custodes/v1/tasks"
CUTS = 11
"""More than a unit, so that both workers have something to do."""


@pytest.fixture(scope="module")
def server(model_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: make clusters")
    folder = tmp_path_factory.mktemp("photos")
    astronaut = skimage.data.astronaut()
    for number in range(CUTS):
        (folder / f"{number:02}.jpg").write_bytes(encode_jpeg(astronaut[number * 3 :, number * 2 :]))
    (folder / "coffee.jpg").write_bytes(encode_jpeg(skimage.data.coffee()))
    settings = {"buckets": {"photos": folder}, "models": model_pack, "ray": "local"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own modules
        with running(tmp_path_factory.mktemp("ray") / "data", settings) as live:
            yield live


def done(server: LiveServer, operation: str, path: str, **members: Any) -> dict[str, Any]:
    task = str(post(server, operation, f"{PATH}/{path}", **members)["TaskId"])

    def ended() -> dict[str, Any] | None:
        told = post(server, "GetTask", f"{PATH}/result", TaskId=task)
        return told if told["Task"]["Status"] in ("SUCCEEDED", "FAILED") else None

    told = dict(eventually(ended, seconds=200))
    assert told["Task"]["Status"] == "SUCCEEDED", told["Task"]
    return told


def test_faces_vectors_and_matches_are_the_same_on_ray(server: LiveServer) -> None:
    client, summaries, faces = server.client(), [], {}
    for on in ("LOCAL", "RAY"):
        client.create_collection(CollectionId=on)
        asked = {"CollectionId": on, "Bucket": "photos", "NameBy": "FILE", "On": on}
        summaries.append(done(server, "StartBulkEnrolment", "enrolment", **asked))
        faces[on] = client.list_faces(CollectionId=on)["Faces"]
    assert summaries[0]["Summary"] == summaries[1]["Summary"] and summaries[0]["LeftOut"] == summaries[1]["LeftOut"]
    assert summaries[0]["Summary"]["Faces"] == CUTS
    plain = {
        on: [(one["ImageId"], one["ExternalImageId"], one["Confidence"], one["BoundingBox"]) for one in listed]
        for on, listed in faces.items()
    }
    assert plain["LOCAL"] == plain["RAY"]
    for mine, other in zip(faces["LOCAL"], faces["RAY"], strict=True):
        found = [
            client.search_faces(CollectionId=on, FaceId=face["FaceId"], FaceMatchThreshold=0)["FaceMatches"]
            for on, face in (("LOCAL", mine), ("RAY", other))
        ]
        assert [(one["Face"]["ExternalImageId"], one["Similarity"]) for one in found[0]] == [
            (one["Face"]["ExternalImageId"], one["Similarity"]) for one in found[1]
        ]
    members = {"CollectionId": "LOCAL", "OtherCollectionId": "RAY", "Threshold": 90}
    local, ray = (done(server, "StartCrossMatch", "cross-match", **members, On=on) for on in ("LOCAL", "RAY"))
    assert local["Findings"] == ray["Findings"] and len(ray["Findings"]) >= CUTS
    assert local["Summary"] == ray["Summary"]
