"""Live face search through boto3 on a live server: from a camera to records of a data stream, and what stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.camera import Camera
from tests.fakes.waiting import eventually
from tests.streams.conftest import Post, ann_and_bob, enrolled, stated

Open = Callable[[Any], Camera]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_from_a_camera_to_records(post: Post, camera: Open) -> None:
    enrolled(post, "gate")
    source = post.connect("front", camera(ann_and_bob).url)
    post.search("front", source, "gate")
    described = post.client.describe_stream_processor(Name="front")
    assert described["Status"] == "STOPPED" and described["Input"]["KinesisVideoStream"]["Arn"] == source
    assert post.client.start_stream_processor(Name="front")["ResponseMetadata"]["HTTPStatusCode"] == 200
    records = eventually(lambda: [*post.cloud.records("front")][:4] if len(post.cloud.records("front")) >= 4 else None)
    assert eventually(lambda: post.status("front") == "RUNNING")
    video = records[0]["InputInformation"]["KinesisVideo"]
    assert video["StreamArn"] == source and len(video["FragmentNumber"]) == 20
    assert records[0]["StreamProcessorInformation"] == {"Status": "RUNNING"}
    ann, bob = sorted(records[0]["FaceSearchResponse"], key=lambda one: one["DetectedFace"]["BoundingBox"]["Left"])
    assert set(ann["DetectedFace"]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert [one["Face"]["ExternalImageId"] for one in ann["MatchedFaces"]] == ["Ann"] and not bob["MatchedFaces"]
    assert ann["MatchedFaces"][0]["Similarity"] == 100
    moments = [
        one["InputInformation"]["KinesisVideo"]["ProducerTimestamp"]
        + one["InputInformation"]["KinesisVideo"]["FrameOffsetInSeconds"]
        for one in records
    ]
    assert moments == sorted(moments) and 0.1 < moments[1] - moments[0] < 2
    with pytest.raises(ClientError) as error:
        post.client.start_stream_processor(Name="front")
    assert code(error) == "ResourceInUseException"
    with pytest.raises(ClientError) as error:
        post.client.delete_stream_processor(Name="front")
    assert code(error) == "ResourceInUseException"
    post.client.stop_stream_processor(Name="front")
    assert eventually(lambda: post.status("front") == "STOPPED")
    with pytest.raises(ClientError) as error:
        post.client.stop_stream_processor(Name="front")
    assert code(error) == "ResourceInUseException"
    post.client.delete_stream_processor(Name="front")
    with pytest.raises(ClientError) as error:
        post.client.describe_stream_processor(Name="front")
    assert code(error) == "ResourceNotFoundException"


@pytest.mark.parametrize("missing", ["purpose", "legal_basis", "place", "until"])
def test_a_live_search_states_what_it_is_for(post: Post, camera: Open, missing: str) -> None:
    enrolled(post, f"stated-{missing}")
    source = post.connect(f"stated-{missing}", camera(ann_and_bob).url)
    tags = {key: value for key, value in stated().items() if key != f"custodes:{missing}"}
    post.search(f"stated-{missing}", source, f"stated-{missing}", Tags=tags)
    with pytest.raises(ClientError) as error:
        post.client.start_stream_processor(Name=f"stated-{missing}")
    assert code(error) == "AccessDeniedException"
    assert ("custodes:until" if missing == "until" else "purpose") in str(error.value)
    assert post.status(f"stated-{missing}") == "STOPPED"


def test_a_search_whose_last_day_is_over_does_not_start(post: Post, camera: Open) -> None:
    enrolled(post, "over")
    post.search("over", post.connect("over", camera(ann_and_bob).url), "over", Tags=stated(until="2024-02-29"))
    with pytest.raises(ClientError) as error:
        post.client.start_stream_processor(Name="over")
    assert code(error) == "AccessDeniedException" and "2024-02-29" in str(error.value)


def test_a_deleted_collection_stops_the_search(post: Post, camera: Open) -> None:
    enrolled(post, "gone")
    post.search("gone", post.connect("gone", camera(ann_and_bob).url), "gone")
    post.client.start_stream_processor(Name="gone")
    assert eventually(lambda: post.cloud.records("gone"))
    post.client.delete_collection(CollectionId="gone")
    assert eventually(lambda: post.status("gone") == "FAILED")
    assert "gone" in post.client.describe_stream_processor(Name="gone")["StatusMessage"]


def test_an_erased_face_is_not_found_any_more(post: Post, camera: Open) -> None:
    enrolled(post, "erase")
    face_id = post.client.list_faces(CollectionId="erase")["Faces"][0]["FaceId"]
    post.search("erase", post.connect("erase", camera(ann_and_bob).url), "erase")
    post.client.start_stream_processor(Name="erase")
    assert eventually(lambda: post.cloud.records("erase"))
    post.client.delete_faces(CollectionId="erase", FaceIds=[face_id])
    before = len(post.cloud.records("erase"))
    later = eventually(lambda: post.cloud.records("erase")[before + 8 :])
    assert not any(face["MatchedFaces"] for record in later for face in record["FaceSearchResponse"])
    post.client.stop_stream_processor(Name="erase")


def test_an_unconnected_stream_does_not_start(post: Post) -> None:
    enrolled(post, "nowhere")
    account = post.server.deployment.keys.account_id
    arn = f"arn:aws:kinesisvideo:eu-central-1:{account}:stream/nowhere/1"
    post.search("nowhere", arn, "nowhere")
    with pytest.raises(ClientError) as error:
        post.client.start_stream_processor(Name="nowhere")
    assert code(error) == "InvalidParameterException" and arn in str(error.value)


def test_a_camera_that_comes_back_is_watched_again(post: Post) -> None:
    enrolled(post, "back")
    first = Camera(ann_and_bob)
    post.search("back", post.connect("back", first.url), "back")
    post.client.start_stream_processor(Name="back")
    assert eventually(lambda: post.cloud.records("back"))
    first.shut()
    count = len(post.cloud.records("back"))
    second = Camera(ann_and_bob, port=first.port)
    try:
        assert eventually(lambda: len(post.cloud.records("back")) > count + 4, seconds=40)
    finally:
        second.shut()
    assert post.status("back") == "RUNNING"
    post.client.stop_stream_processor(Name="back")
    assert eventually(lambda: post.status("back") == "STOPPED")


def test_the_password_of_a_camera_is_used_and_never_shown(post: Post, camera: Open) -> None:
    enrolled(post, "locked")
    locked = camera(ann_and_bob)
    locked.password = "dmlld2VyOm9wZW4gc2VzYW1l"  # viewer:open sesame, as Basic
    post.search("locked", post.connect("locked", locked.url, user="viewer", password="open sesame"), "locked")
    post.client.start_stream_processor(Name="locked")
    assert eventually(lambda: post.cloud.records("locked"))
    post.client.stop_stream_processor(Name="locked")
    assert "sesame" not in str(post.ask("stream source list"))
    kept = b"".join(path.read_bytes() for path in post.server.data.rglob("*") if path.is_file())
    assert b"sesame" not in kept
