"""Where live streams tell what they saw: Kinesis data streams, pictures in S3, SNS topics, through boto3.

In: records, pictures and messages. Out: calls of whatever endpoints are set. Clients are made at the first call. It
repeats nothing beyond what the clients do: whoever calls decides how often to try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from custodes.core.errors import UnavailableError

MAX_RECORDS = 500
"""Of one call. Source: API reference of PutRecords."""
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service of AWS, or what speaks like it. Without a key, requests are not signed."""

    url: str
    region: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


class AwsOutputs:
    """Implements ``StreamOutputs``."""

    def __init__(self, kinesis: Endpoint, s3: Endpoint, sns: Endpoint) -> None:
        """Send to these; those without an address take nothing."""
        self._endpoints = {"kinesis": kinesis, "s3": s3, "sns": sns}
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}  # guarded by _lock

    def put_records(self, stream_arn: str, partition_key: str, records: Sequence[bytes]) -> None:
        """See StreamOutputs. Records that a busy stream refused are sent again, in order, by the next try."""
        left = list(records)
        while left:
            entries = [{"Data": record, "PartitionKey": partition_key} for record in left[:MAX_RECORDS]]
            answer = self._call(
                "kinesis",
                f"The data stream {stream_arn} did not take the records.",
                partial(_put_records, stream_arn, entries),
            )
            if answer["FailedRecordCount"]:
                raise UnavailableError(f"The data stream {stream_arn} did not take the records.")
            left = left[MAX_RECORDS:]

    def put_picture(self, bucket: str, key: str, jpeg: bytes) -> None:
        """See StreamOutputs."""
        self._call(
            "s3",
            f"The bucket {bucket} did not take a picture.",
            lambda client: client.put_object(Bucket=bucket, Key=key, Body=jpeg, ContentType="image/jpeg"),
        )

    def publish(self, topic_arn: str, subject: str, message: bytes) -> None:
        """See StreamOutputs."""
        self._call(
            "sns",
            f"The topic {topic_arn} did not take the message.",
            lambda client: client.publish(TopicArn=topic_arn, Subject=subject, Message=message.decode()),
        )

    def _call(self, service: str, refusal: str, call: Callable[[Any], Any]) -> Any:
        if not self._endpoints[service].url:
            raise UnavailableError(f"{refusal} This server has no endpoint of {service}.")
        try:
            return call(self._client(service))
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError(refusal) from error

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = _open(service, self._endpoints[service])
            return self._clients[service]


def _put_records(stream_arn: str, entries: list[dict[str, Any]], client: Any) -> Any:
    return client.put_records(StreamARN=stream_arn, Records=entries)


def _open(service: str, endpoint: Endpoint) -> Any:
    signed = bool(endpoint.access_key_id)
    config = Config(
        connect_timeout=5,
        read_timeout=_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path"},
        **({} if signed else {"signature_version": UNSIGNED}),
    )
    return boto3.session.Session(region_name=endpoint.region).client(
        service,
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.access_key_id or None,
        aws_secret_access_key=endpoint.secret_access_key or None,
        config=config,
    )
