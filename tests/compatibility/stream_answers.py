"""Requests that make every operation on stream processors return every member that this server returns."""

from __future__ import annotations

import itertools
from typing import Any

from tests.fakes.waiting import eventually

_NUMBERS = itertools.count()
ROLE = "arn:aws:iam::123456789012:role/streams"
SELECTORS = {
    "StartSelector": {"KVSStreamStartSelector": {"ProducerTimestamp": 1}},
    "StopSelector": {"MaxDurationInSeconds": 5},
}


def watcher(studio: Any, **changes: Any) -> str:
    """A processor that looks for labels in a film that is played again and again; nothing takes what it tells."""
    name = f"watcher-{next(_NUMBERS)}"
    arn = f"arn:aws:kinesisvideo:eu-central-1:123456789012:stream/{name}/1"
    studio.connect(arn)
    members: dict[str, Any] = {
        "Name": name,
        "Input": {"KinesisVideoStream": {"Arn": arn}},
        "Output": {"S3Destination": {"Bucket": "yard", "KeyPrefix": "seen"}},
        "RoleArn": ROLE,
        "Settings": {"ConnectedHome": {"Labels": ["ALL"], "MinConfidence": 1}},
        "NotificationChannel": {"SNSTopicArn": "arn:aws:sns:eu-central-1:123456789012:yard"},
        "KmsKeyId": "alias/yard",
        "RegionsOfInterest": [{"Polygon": [{"X": 0.0, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 0.5, "Y": 1.0}]}],
        "DataSharingPreference": {"OptIn": False},
    }
    studio.client.create_stream_processor(**members | changes)
    return name


def created(studio: Any) -> list[dict[str, Any]]:
    name = watcher(studio)
    arn = "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/faces/1"
    studio.client.delete_stream_processor(Name=name)
    answer = studio.client.create_stream_processor(
        Name=f"faces-{next(_NUMBERS)}",
        Input={"KinesisVideoStream": {"Arn": arn}},
        Output={"KinesisDataStream": {"Arn": "arn:aws:kinesis:eu-central-1:123456789012:stream/out"}},
        RoleArn=ROLE,
        Settings={"FaceSearch": {"CollectionId": "people", "FaceMatchThreshold": 90}},
    )
    return [answer]


def described(studio: Any) -> list[dict[str, Any]]:
    """One that looks for faces, and one that looks for labels and failed, since nobody takes its pictures."""
    client = studio.client
    faces = created(studio)[0]["StreamProcessorArn"].rpartition("/")[2] if not _faces(client) else _faces(client)[0]
    name = watcher(studio)
    client.start_stream_processor(Name=name, **SELECTORS)
    eventually(lambda: "StatusMessage" in client.describe_stream_processor(Name=name))
    return [client.describe_stream_processor(Name=one) for one in (name, faces)]


def _faces(client: Any) -> list[str]:
    found = client.list_stream_processors()["StreamProcessors"]
    return [one["Name"] for one in found if one["Name"].startswith("faces-")]


def listed(studio: Any) -> list[dict[str, Any]]:
    watcher(studio), watcher(studio)
    return [studio.client.list_stream_processors(MaxResults=1)]


def started(studio: Any) -> list[dict[str, Any]]:
    return [studio.client.start_stream_processor(Name=watcher(studio), **SELECTORS)]


def stopped(studio: Any) -> list[dict[str, Any]]:
    name = watcher(studio)
    studio.client.start_stream_processor(Name=name, **SELECTORS)
    return [studio.client.stop_stream_processor(Name=name)]


def updated(studio: Any) -> list[dict[str, Any]]:
    return [studio.client.update_stream_processor(Name=watcher(studio), DataSharingPreferenceForUpdate={"OptIn": True})]


def deleted(studio: Any) -> list[dict[str, Any]]:
    return [studio.client.delete_stream_processor(Name=watcher(studio))]


STREAM_ANSWERS = {
    "CreateStreamProcessor": created,
    "DescribeStreamProcessor": described,
    "ListStreamProcessors": listed,
    "StartStreamProcessor": started,
    "StopStreamProcessor": stopped,
    "UpdateStreamProcessor": updated,
    "DeleteStreamProcessor": deleted,
}
