"""The last published checkpoint of the ledger in an S3 object, which is written on conditions only.

In and out: signed checkpoints. A PUT names what it replaces (``If-Match`` with the ETag that was read, or
``If-None-Match`` where there was nothing), so of two servers on copies of one ledger one is refused. The store must
keep to that: AWS S3 does; one that ignores the conditions is no anchor.

Source: Amazon S3 user guide, conditional writes.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from custodes.core.errors import ObjectStoreError
from custodes.ledger.writer.ports import HeadConflictError
from custodes.storage.objects.s3 import S3Endpoint, connected

_NOT_FOUND, _CONFLICT, _PRECONDITION_FAILED = 404, 409, 412
_MAX_BYTES = 1 << 20


class S3Anchor:
    """``ledger.ports.Anchor`` in an object; for one thread at a time."""

    def __init__(self, endpoint: S3Endpoint, bucket: str, key: str) -> None:
        """Keep the checkpoint in ``bucket`` under ``key``; asked for the first time at the first call."""
        self._endpoint = endpoint
        self._place = {"Bucket": bucket, "Key": key}
        self._client: Any = None
        # What this process read or wrote last, and the tag that it has there.
        self._known: tuple[bytes, str] | None = None

    def fetch(self) -> bytes | None:
        """The checkpoint kept, or None. Raises OSError."""
        try:
            answer = self._connected().get_object(**self._place)
            with closing(answer["Body"]) as body:
                note: bytes = body.read(_MAX_BYTES)
        except ClientError as error:
            if _status(error) == _NOT_FOUND and error.response["Error"].get("Code") == "NoSuchKey":
                self._known = None
                return None
            raise _failed(error) from error
        except (BotoCoreError, ObjectStoreError, KeyError) as error:
            raise _failed(error) from error
        self._known = note, str(answer["ETag"])
        return note

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare and swap by one PUT. Raises OSError, HeadConflictError."""
        if (self._known is None or self._known[0] != old) and self.fetch() != old:
            raise HeadConflictError("another server moved this ledger's head")
        known = self._known
        condition = {"IfNoneMatch": "*"} if known is None else {"IfMatch": known[1]}
        self._known = None  # after a failure it is not known what is there
        try:
            answer = self._connected().put_object(**self._place, Body=new, **condition)
        except ClientError as error:
            if _status(error) in (_CONFLICT, _PRECONDITION_FAILED):
                self._settle(new, error)
                return
            raise _failed(error) from error
        except (BotoCoreError, ObjectStoreError) as error:
            raise _failed(error) from error
        self._known = new, str(answer["ETag"])

    def _settle(self, new: bytes, error: ClientError) -> None:
        """After a refusal: a PUT that was repeated because its answer got lost finds its own first attempt."""
        if self.fetch() != new:
            raise HeadConflictError("another server moved this ledger's head") from error

    def _connected(self) -> Any:
        if self._client is None:
            self._client = connected(self._endpoint)
        return self._client


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _failed(error: Exception) -> OSError:
    return OSError(f"the object with the ledger's last checkpoint cannot be reached: {type(error).__name__}")
