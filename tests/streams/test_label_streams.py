"""Live labels through boto3: one message a class and session, pictures in a bucket, the end of a session told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.fakes.blobs import scene
from tests.fakes.camera import Camera
from tests.fakes.waiting import eventually
from tests.streams.conftest import Post, watcher

Open = Callable[[Any], Camera]
SELECTORS = {
    "StartSelector": {"KVSStreamStartSelector": {"ProducerTimestamp": 1_700_000_000}},
    "StopSelector": {"MaxDurationInSeconds": 3},
}


def street(_number: int) -> np.ndarray:
    return scene()


def messages(post: Post, name: str) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """A topic and what it has told so far."""
    sns, sqs = post.cloud.client("sns"), post.cloud.client("sqs")
    topic = sns.create_topic(Name=f"AmazonRekognition-{name}")["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        for one in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            told = json.loads(one["Body"])
            seen.append({"subject": told["Subject"], **json.loads(told["Message"])})
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return seen

    return topic, read


def test_a_person_is_told_once_with_pictures(post: Post, camera: Open) -> None:
    s3 = post.cloud.client("s3")
    s3.create_bucket(Bucket="yard", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    topic, read = messages(post, "yard")
    source = post.connect("yard", camera(street).url)
    watcher(post, "yard", source, NotificationChannel={"SNSTopicArn": topic}, Tags={"where": "yard"})
    session = post.client.start_stream_processor(Name="yard", **SELECTORS)["SessionId"]
    told = eventually(lambda: read() if len(read()) >= 2 else None)
    assert eventually(lambda: post.status("yard") == "STOPPED")
    seen, complete = told
    assert [one["eventNamespace"]["type"] for one in told] == ["LABEL_DETECTED", "STREAM_PROCESSING_COMPLETE"]
    assert {one["subject"] for one in told} == {"Rekognition Stream Processing Event"}
    assert {one["sessionId"] for one in told} == {session} and seen["tags"] == {"where": "yard"}
    assert seen["startStreamProcessorRequest"]["stopSelector"] == {"maxDurationInSeconds": 3}
    assert complete["inputInformation"]["kinesisVideo"]["processedVideoDurationMillis"] >= 1
    (label,) = seen["labels"]
    assert label["name"] == "PERSON" and set(label["boundingBox"]) == {"left", "top", "width", "height"}
    for member in ("frameImageUri", "croppedImageUri"):
        bucket, _, key = label[member].removeprefix("s3://").partition("/")
        assert bucket == "yard" and key.startswith(f"seen/yard/{session}/")
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read(3) == b"\xff\xd8\xff"


def test_a_session_ends_after_its_time(post: Post, camera: Open) -> None:
    source = post.connect("empty", camera(street).url)
    # Nothing of the kind is seen in the lower right corner.
    area = {"BoundingBox": {"Left": 0.8, "Top": 0.8, "Width": 0.1, "Height": 0.1}}
    watcher(post, "empty", source, RegionsOfInterest=[area])
    post.client.start_stream_processor(Name="empty", **SELECTORS | {"StopSelector": {"MaxDurationInSeconds": 2}})
    assert post.status("empty") == "STARTING"
    assert eventually(lambda: post.status("empty") == "STOPPED")


def test_an_output_that_takes_nothing_fails_the_processor(post: Post, camera: Open) -> None:
    source = post.connect("nobucket", camera(street).url)
    watcher(post, "nobucket", source, Output={"S3Destination": {"Bucket": "no-such-bucket"}})
    post.client.start_stream_processor(Name="nobucket", **SELECTORS)
    assert eventually(lambda: post.status("nobucket") == "FAILED")
    assert "no-such-bucket" in post.client.describe_stream_processor(Name="nobucket")["StatusMessage"]
    post.client.delete_stream_processor(Name="nobucket")


def test_settings_are_updated_and_told_back(post: Post) -> None:
    source = post.connect("update", "http://127.0.0.1:9/none")
    watcher(post, "update", source, KmsKeyId="alias/yard", DataSharingPreference={"OptIn": False})
    client = post.client
    client.update_stream_processor(
        Name="update",
        SettingsForUpdate={"ConnectedHomeForUpdate": {"Labels": ["PET", "PACKAGE"], "MinConfidence": 80}},
        RegionsOfInterestForUpdate=[
            {"Polygon": [{"X": 0.0, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 0.5, "Y": 1.0}]},
        ],
        DataSharingPreferenceForUpdate={"OptIn": True},
    )
    told = client.describe_stream_processor(Name="update")
    assert told["Settings"]["ConnectedHome"] == {"Labels": ["PET", "PACKAGE"], "MinConfidence": 80}
    assert told["KmsKeyId"] == "alias/yard" and told["DataSharingPreference"] == {"OptIn": True}
    assert len(told["RegionsOfInterest"][0]["Polygon"]) == 3
    client.update_stream_processor(
        Name="update", ParametersToDelete=["ConnectedHomeMinConfidence", "RegionsOfInterest"]
    )
    told = client.describe_stream_processor(Name="update")
    assert told["Settings"]["ConnectedHome"]["MinConfidence"] == 50 and "RegionsOfInterest" not in told
    assert told["LastUpdateTimestamp"] >= told["CreationTimestamp"]


@pytest.mark.parametrize(
    "changes",
    [
        {"Settings": {}},
        {"Settings": {"ConnectedHome": {"Labels": ["PERSON"]}, "FaceSearch": {"CollectionId": "x"}}},
        {"Settings": {"ConnectedHome": {"Labels": ["HORSE"]}}},
        {"Output": {"KinesisDataStream": {"Arn": "arn:aws:kinesis:eu-central-1:123456789012:stream/x"}}},
        {"Output": {}},
        {"Input": {}},
        {"RegionsOfInterest": [{"Polygon": [{"X": 0.1, "Y": 0.1}]}]},
        {"Tags": {"aws:reserved": "1"}},
    ],
)
def test_what_does_not_fit_together_is_refused(post: Post, changes: dict[str, Any]) -> None:
    account = post.server.deployment.keys.account_id
    with pytest.raises(ClientError) as error:
        watcher(post, "unfit", f"arn:aws:kinesisvideo:eu-central-1:{account}:stream/unfit/1", **changes)
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    assert "unfit" not in [one["Name"] for one in post.client.list_stream_processors()["StreamProcessors"]]


def test_selectors_are_needed_for_labels(post: Post, camera: Open) -> None:
    watcher(post, "selectors", post.connect("selectors", camera(street).url))
    for missing in ({}, {"StartSelector": SELECTORS["StartSelector"]}, {"StopSelector": {}}):
        with pytest.raises(ClientError) as error:
            post.client.start_stream_processor(Name="selectors", **missing)
        assert error.value.response["Error"]["Code"] == "InvalidParameterException"
