"""A server with streams, a camera, and moto as Kinesis, S3, SNS and SQS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.camera import Camera
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight

REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKEXAMPLE", "aws_secret_access_key": "secret", "region_name": REGION}
ROLE = "arn:aws:iam::123456789012:role/streams"


@dataclass(frozen=True)
class Cloud:
    """What speaks like AWS on this machine."""

    url: str

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, **KEYS)

    def data_stream(self, name: str) -> str:
        kinesis = self.client("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]

    def records(self, name: str) -> list[dict[str, Any]]:
        kinesis = self.client("kinesis")
        shard = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
        at = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return [json.loads(one["Data"]) for one in kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]]


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    server_module = pytest.importorskip("moto.server")
    moto = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    yield Cloud("http://{}:{}".format(*moto.get_host_and_port()))
    moto.stop()


def overrides(cloud: Cloud) -> dict[str, Any]:
    """Settings of a server that tells ``cloud``."""
    keys: dict[str, Any] = {"stream_fragment_s": 1, "stream_samples_per_second": "4"}
    keys["output_buckets"] = "yard,no-such-bucket"
    for service in ("kinesis", "sns", "s3"):
        keys |= {f"{service}_endpoint": cloud.url, f"{service}_access_key_id": "AKEXAMPLE"}
        keys[f"{service}_secret_access_key"] = "secret"
    return keys


@dataclass(frozen=True)
class Post:
    """A server and its client."""

    server: LiveServer
    client: Any
    cloud: Cloud

    def connect(self, name: str, url: str, **members: Any) -> str:
        """The ARN that stands for ``url`` from now on."""
        account = self.server.deployment.keys.account_id
        arn = f"arn:aws:kinesisvideo:{REGION}:{account}:stream/{name}/1700000000000"
        self.ask("stream source set", arn=arn, url=url, **members)
        return arn

    def ask(self, operation: str, **members: Any) -> Any:
        return self.server.deployment.administration.ask(operation, members, os.getuid())

    def search(self, name: str, source_arn: str, collection: str, **changes: Any) -> str:
        """A processor that looks for faces; the ARN of its data stream."""
        output = self.cloud.data_stream(name)
        members: dict[str, Any] = {
            "Name": name,
            "Input": {"KinesisVideoStream": {"Arn": source_arn}},
            "Output": {"KinesisDataStream": {"Arn": output}},
            "RoleArn": ROLE,
            "Settings": {"FaceSearch": {"CollectionId": collection, "FaceMatchThreshold": 90}},
            "Tags": stated(),
        }
        self.client.create_stream_processor(**members | changes)
        return output

    def status(self, name: str) -> str:
        return str(self.client.describe_stream_processor(Name=name)["Status"])


def stated(**changes: str) -> dict[str, str]:
    """What a live search has to state."""
    until = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
    facts = {"purpose": "access-control", "legal_basis": "consent", "place": "private", "until": until}
    return {f"custodes:{name}": value for name, value in (facts | changes).items()}


def ann_and_bob(number: int) -> np.ndarray:
    return scene(Blob("ann", 10 + number % 40), Blob("bob", 200))


def enrolled(post: Post, collection: str) -> None:
    post.client.create_collection(CollectionId=collection)
    post.client.index_faces(CollectionId=collection, Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")


def watcher(post: Post, name: str, source: str, **changes: Any) -> None:
    post.client.create_stream_processor(
        **{
            "Name": name,
            "Input": {"KinesisVideoStream": {"Arn": source}},
            "Output": {"S3Destination": {"Bucket": "yard", "KeyPrefix": "seen/"}},
            "RoleArn": ROLE,
            "Settings": {"ConnectedHome": {"Labels": ["PERSON"], "MinConfidence": 60}},
        }
        | changes
    )


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Post]:
    data = tmp_path_factory.mktemp("post") / "data"
    with running(data, overrides(cloud), engine=BlobEngine(), sight=sight()) as server:
        yield Post(server, server.client(), cloud)


@pytest.fixture
def camera() -> Iterator[Callable[[Any], Camera]]:
    made: list[Camera] = []

    def open_camera(view: Any) -> Camera:
        made.append(Camera(view))
        return made[-1]

    yield open_camera
    for one in made:
        one.shut()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
