"""Objects from any S3 endpoint, through boto3.

In: an endpoint with explicit keys; nothing is taken from the environment's credentials. Out: bytes. The length is
checked from the response's header before the body is read, and again while reading. What is long is sent in parts side
by side; what broke off while it was read is asked for from there on.
"""

from __future__ import annotations

import io
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, ClassVar

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from custodes.core.errors import ObjectStoreError
from custodes.operations.images.ports import S3Object
from custodes.operations.video.ports import ObjectVersion
from custodes.storage.objects.buckets import CHANGED, UNREADABLE, UNWRITABLE, too_large
from custodes.storage.objects.places import S3Settings

_FAILURES = (ClientError, BotoCoreError, ResponseParserError, S3UploadFailedError, OSError, ValueError)
_PRECONDITION_FAILED = 412
_PIECE_BYTES = 1 << 20
_PART_BYTES = 16 << 20
"""Length of a part; boto3 takes longer ones where 10,000 of these, the most that S3 takes, are not enough."""
_PARTS_AT_A_TIME = 4
_BREAKS = 4
"""How often a read may break off and be gone on with, each time further than before."""
ABANDONED = timedelta(days=1)
"""An upload in parts that is older than this was left by a process that was killed."""


@dataclass(frozen=True, slots=True)
class S3Endpoint:
    """Where and how to read S3.

    Attributes:
        region: of the endpoint.
        endpoint_url: ``http(s)://host[:port]``; None is AWS itself in ``region``.
        access_key_id: with ``secret_access_key`` signs requests; without keys only public objects can be read.
        connect_timeout_s: seconds to wait for a connection.
        read_timeout_s: seconds to wait for each piece of an answer.
        attempts: how often a request is sent that fails in a way that may pass.
    """

    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    attempts: int = 2

    def __repr__(self) -> str:
        """Name the place, not the keys."""
        return f"S3Endpoint({self.endpoint_url or self.region})"


def endpoint_of(s3: S3Settings) -> S3Endpoint:
    """The endpoint of settings."""
    return S3Endpoint(s3.region, s3.url, s3.access_key_id or None, s3.secret_access_key or None)


class S3Objects:
    """Reads and writes objects of one endpoint. The client is made at first use: importing its model takes a while."""

    encrypts: ClassVar[bool] = True

    def __init__(self, endpoint: S3Endpoint) -> None:
        """Read from ``endpoint``."""
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._client: Any = None

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """All bytes of ``source``.

        Raises:
            ObjectStoreError: no such bucket, key or version, no permission, or the endpoint does not answer.
            ImageTooLargeError: longer than ``max_bytes``.
        """
        try:
            answer = self._connected().get_object(**_named(source))
            # A gateway may stream without telling a length; then only what arrives counts.
            value: int | None = answer.get("ContentLength")
            with closing(answer["Body"]) as body:
                data: bytes = b"" if value is not None and value > max_bytes else body.read(max_bytes + 1)
        except _FAILURES as error:
            raise ObjectStoreError(UNREADABLE) from error
        if max(value or 0, len(data)) > max_bytes:
            raise too_large()
        if value is not None and len(data) != value:
            raise ObjectStoreError(UNREADABLE)
        return data

    def write(self, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """Put ``data`` at ``place``, with the type of its name's ending. Raises ObjectStoreError."""
        self.send(place, io.BytesIO(data), kms_key)

    def send(self, place: S3Object, content: BinaryIO, kms_key: str | None = None) -> None:
        """The same of a file, in parts where it is long; the object is there whole, or not at all.

        Raises:
            ObjectStoreError: it could not be written; parts that were sent are removed, unless the endpoint is gone.
        """
        sealed = {} if kms_key is None else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
        parts = TransferConfig(
            multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=_PARTS_AT_A_TIME
        )
        told = {"ContentType": kind, **sealed}
        try:
            self._connected().upload_fileobj(content, place.bucket, place.name, ExtraArgs=told, Config=parts)
        except _FAILURES as error:
            raise ObjectStoreError(UNWRITABLE) from error

    def clear_abandoned(self, bucket: str, prefix: str, older_than: timedelta = ABANDONED) -> int:
        """Remove parts that killed processes left below ``prefix``; returns of how many uploads.

        Raises:
            ObjectStoreError: they cannot be listed or removed.
        """
        before, removed = datetime.now(UTC) - older_than, 0
        try:
            client = self._connected()
            pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
            for one in [upload for page in pages for upload in page.get("Uploads", ())]:
                if one["Initiated"] <= before:
                    client.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
                    removed += 1
        except _FAILURES as error:
            raise ObjectStoreError(f"unfinished uploads of the bucket {bucket} cannot be removed") from error
        return removed

    def version(self, source: S3Object) -> ObjectVersion:
        """Length and tag of ``source``. Raises ObjectStoreError, as ``read`` does."""
        try:
            answer = self._connected().head_object(**_named(source))
            return ObjectVersion(int(answer["ContentLength"]), str(answer["ETag"]))
        except (*_FAILURES, KeyError) as error:
            raise ObjectStoreError(UNREADABLE) from error

    def copy(self, source: S3Object, version: ObjectVersion, out: BinaryIO) -> None:
        """Write the object to ``out``. Raises ObjectStoreError, also when it is not ``version`` any more.

        Where the answer breaks off, what is missing is asked for, of the same version.
        """
        done = breaks = 0
        while True:
            try:
                with closing(self._from(source, version, done)) as body:
                    while done < version.size_bytes and (piece := body.read(_PIECE_BYTES)):
                        out.write(piece)
                        done += len(piece)
            except (BotoCoreError, ResponseParserError) as error:
                breaks += 1
                if breaks > _BREAKS:
                    raise ObjectStoreError(UNREADABLE) from error
            else:
                break
        if done != version.size_bytes:
            raise ObjectStoreError(CHANGED)

    def _from(self, source: S3Object, version: ObjectVersion, begin: int) -> Any:
        """The body of one version from byte ``begin`` on. Raises ObjectStoreError."""
        part = {"Range": f"bytes={begin}-"} if begin else {}
        try:
            answer = self._connected().get_object(**_named(source), IfMatch=version.tag, **part)
        except ClientError as error:
            changed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _PRECONDITION_FAILED
            raise ObjectStoreError(CHANGED if changed else UNREADABLE) from error
        except _FAILURES as error:
            raise ObjectStoreError(UNREADABLE) from error
        ignored = begin and not str(answer.get("ContentRange", "")).startswith(f"bytes {begin}-")
        if ignored or answer.get("ETag", version.tag) != version.tag:
            answer["Body"].close()
            raise ObjectStoreError(UNREADABLE if ignored else CHANGED)
        return answer["Body"]

    def keys(self, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
        """Keys that begin with ``prefix``, each with its ETag. Raises ObjectStoreError."""
        try:
            pages = self._connected().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"], f"{found['Size']}-{found['ETag'].strip(chr(34))}"
        except _FAILURES as error:
            raise ObjectStoreError(f"the bucket {bucket} cannot be listed at {self._endpoint}") from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = connected(self._endpoint)
            return self._client


def _named(source: S3Object) -> dict[str, str]:
    request = {"Bucket": source.bucket, "Key": source.name}
    return request if source.version is None else {**request, "VersionId": source.version}


def connected(endpoint: S3Endpoint) -> Any:
    """A client for S3 of a session of its own, so that no default session or profile of the process is shared."""
    signed = endpoint.access_key_id is not None
    config = Config(
        signature_version="s3v4" if signed else UNSIGNED,
        connect_timeout=endpoint.connect_timeout_s,
        read_timeout=endpoint.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": endpoint.attempts},
        s3={"addressing_style": "path"} if endpoint.endpoint_url else {},
    )
    client = boto3.session.Session(region_name=endpoint.region).client(
        "s3",
        endpoint_url=endpoint.endpoint_url,
        aws_access_key_id=endpoint.access_key_id,
        aws_secret_access_key=endpoint.secret_access_key,
        config=config,
    )
    client.meta.events.register("before-parse.s3", _refuse_redirect)
    return client


def _refuse_redirect(response_dict: dict[str, Any], **_: Any) -> None:
    """Stay at the configured endpoint: botocore would ask on for the bucket's region, without end if told to."""
    if 300 <= response_dict["status_code"] < 400:
        raise ObjectStoreError(UNREADABLE)
