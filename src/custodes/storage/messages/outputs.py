"""Where live streams tell what they saw: Kinesis data streams, pictures in buckets, SNS topics.

In: records, pictures and messages. Out: calls of whatever endpoints are set. Clients are made at the first call. It
repeats nothing beyond what the clients do: whoever calls decides how often to try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from custodes.core.errors import ObjectStoreError, UnavailableError
from custodes.core.ids import AccountId
from custodes.operations.images.ports import ObjectWriter, S3Object
from custodes.storage.messages.endpoint import Endpoint, open_client

MAX_RECORDS = 500
"""Of one call. Source: API reference of PutRecords."""


class AwsOutputs:
    """Implements ``StreamOutputs``."""

    def __init__(self, kinesis: Endpoint, pictures: ObjectWriter, sns: Endpoint) -> None:
        """Send to these; endpoints without an address take nothing."""
        self._endpoints = {"kinesis": kinesis, "sns": sns}
        self._pictures = pictures
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

    def put_picture(self, account_id: AccountId, place: S3Object, jpeg: bytes) -> None:
        """See StreamOutputs."""
        try:
            self._pictures.write(account_id, place, jpeg)
        except ObjectStoreError as error:
            raise UnavailableError(f"The bucket {place.bucket} did not take a picture.") from error

    def publish(self, topic_arn: str, subject: str, message: bytes) -> None:
        """See StreamOutputs."""
        self._call(
            "sns",
            f"The topic {topic_arn} did not take the message.",
            lambda client: client.publish(TopicArn=topic_arn, Subject=subject, Message=message.decode()),
        )

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _call(self, service: str, refusal: str, call: Callable[[Any], Any]) -> Any:
        if not self._endpoints[service].url:
            raise UnavailableError(f"{refusal} This server has no endpoint of {service}.")
        try:
            return call(self._client(service))
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise UnavailableError(refusal) from error

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = open_client(service, self._endpoints[service])
            return self._clients[service]


def _put_records(stream_arn: str, entries: list[dict[str, Any]], client: Any) -> Any:
    return client.put_records(StreamARN=stream_arn, Records=entries)
