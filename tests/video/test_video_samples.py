"""The shape of AWS's own sample program for stored video, against a live server: topic, queue, start, message, pages.

As in the developer guide, "Analyzing a video stored in an Amazon S3 bucket": a topic and a queue are made and joined,
the analysis is started, the queue is polled for the message about its job, results are read page by page beginning
with an empty token, topic and queue are deleted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest

from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKEXAMPLE", "aws_secret_access_key": "secret", "region_name": REGION}
ROLE = "arn:aws:iam::123456789012:role/rekognition"


class VideoDetect:
    """The sample's class, with its steps in its order."""

    def __init__(self, rek: Any, sns: Any, sqs: Any, bucket: str, video: str) -> None:
        self.rek, self.sns, self.sqs = rek, sns, sqs
        self.video = {"S3Object": {"Bucket": bucket, "Name": video}}

    def create_topic_and_queue(self) -> None:
        stamp = str(round(time.time() * 1000))
        self.topic = self.sns.create_topic(Name=f"AmazonRekognitionExample{stamp}")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=f"AmazonRekognitionQueue{stamp}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def start(self, name: str, **options: Any) -> None:
        channel = {"RoleArn": ROLE, "SNSTopicArn": self.topic}
        start = getattr(self.rek, f"start_{name}")
        self.job = start(Video=self.video, NotificationChannel=channel, **options)["JobId"]

    def get_sqs_message_success(self) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for message in self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get("Messages", []):
                told = json.loads(json.loads(message["Body"])["Message"])
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                if told["JobId"] == self.job:
                    return bool(told["Status"] == "SUCCEEDED")
        return False

    def pages(self, name: str, **options: Any) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            page = getattr(self.rek, f"get_{name}")(JobId=self.job, MaxResults=10, NextToken=token, **options)
            yield page
            if "NextToken" not in page:
                return
            token = page["NextToken"]

    def delete_topic_and_queue(self) -> None:
        self.sqs.delete_queue(QueueUrl=self.queue)
        self.sns.delete_topic(TopicArn=self.topic)


def walk(n: int) -> np.ndarray:
    return scene(Blob("ann", 10 + n), Blob("bob", 250, 150))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, Any, Any]]:
    moto_server = pytest.importorskip("moto.server")
    root = tmp_path_factory.mktemp("samples")
    (root / "films").mkdir()
    write_clip(root / "films" / "video.mp4", 100, walk)
    moto = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    url = "http://{}:{}".format(*moto.get_host_and_port())
    overrides = {
        "buckets": {"films": root / "films"},
        "sns_endpoint": url,
        "sns_access_key_id": KEYS["aws_access_key_id"],
        "sns_secret_access_key": KEYS["aws_secret_access_key"],
    }
    try:
        sns, sqs = (boto3.client(name, endpoint_url=url, **KEYS) for name in ("sns", "sqs"))
        stand_ins = {"engine": BlobEngine(), "text": ScriptedText(), "sight": sight()}
        with running(root / "data", overrides, **stand_ins) as server:
            yield server, sns, sqs
    finally:
        moto.stop()


@pytest.mark.parametrize(
    ("name", "options", "reading", "member", "count"),
    [
        ("label_detection", {"MinConfidence": 60}, {"SortBy": "TIMESTAMP"}, "Labels", 32),
        ("face_detection", {}, {}, "Faces", 16),
        ("face_search", {"CollectionId": "people"}, {"SortBy": "INDEX"}, "Persons", 16),
        ("person_tracking", {}, {"SortBy": "TIMESTAMP"}, "Persons", 24),
        ("content_moderation", {}, {"SortBy": "NAME"}, "ModerationLabels", 16),
        ("text_detection", {}, {}, "TextDetections", 40),
        ("segment_detection", {"SegmentTypes": ["TECHNICAL_CUE", "SHOT"]}, {}, "Segments", None),
    ],
)
def test_the_sample_for(
    live: tuple[LiveServer, Any, Any], name: str, options: Any, reading: Any, member: str, count: int | None
) -> None:
    server, sns, sqs = live
    client = server.client()
    if name == "face_search":
        client.create_collection(CollectionId="people")
        client.index_faces(CollectionId="people", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
    analyzer = VideoDetect(client, sns, sqs, "films", "video.mp4")
    analyzer.create_topic_and_queue()
    analyzer.start(name, **options)
    assert analyzer.get_sqs_message_success()
    pages = list(analyzer.pages(name, **reading))
    found = [one for page in pages for one in page[member]]
    facts = [page["VideoMetadata"] for page in pages]
    assert all(one == facts[0] for one in facts)
    assert found and (count is None or len(found) == count)
    assert all(len(page[member]) <= 10 for page in pages)
    analyzer.delete_topic_and_queue()
