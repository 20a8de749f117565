"""The ledger's public files in a bucket that several servers write: tiles are made once, the checkpoint goes forward.

In: paths of C2SP tlog-tiles and their content. Out: objects under a prefix that any static web server in front of the
bucket can serve. A file that never changes is put with ``If-None-Match``, so nobody puts another content under its
path; a checkpoint names what it replaces (``If-Match``), so a server that was paused, and wakes up behind the next
publisher, cannot put an older one in the place of a newer one. The store must keep to these conditions: AWS S3 does;
one that ignores them is no place for a ledger.

What was put waits until ``sync``, and goes there side by side then, removals last: each request takes tens of
milliseconds. Files that never change are kept in memory for reading, the ones used last.

Source: Amazon S3 user guide, conditional writes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from custodes.core.errors import ObjectStoreError
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tree.tiles import claimed_size
from custodes.storage.objects.places import S3Location
from custodes.storage.objects.s3 import S3Endpoint, connected, endpoint_of

_NOT_FOUND, _CONFLICT, _PRECONDITION_FAILED = 404, 409, 412
_FAILURES = (BotoCoreError, ObjectStoreError, KeyError)
_MAX_BYTES = 256 * (64 * 1024 + 2)
"""Of a full bundle of entries."""
_SIDE_BY_SIDE = 8
_WAITING_BYTES, _KEEP_BYTES = 16 << 20, 32 << 20
_ATTEMPTS = 20
"""Each of which another server won."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A file that is not put yet."""

    data: bytes
    repair: bool


class S3Tiles:
    """``ledger.ports.TileStore`` in a bucket. Any thread reads; one at a time writes."""

    def __init__(self, endpoint: S3Endpoint, bucket: str, prefix: str, *, keep_bytes: int = _KEEP_BYTES) -> None:
        """Publish in ``bucket`` below ``prefix``; asked for the first time at the first call.

        Args:
            endpoint: of the bucket.
            bucket: which must exist.
            prefix: of all keys, without a slash at its end; may be empty.
            keep_bytes: of files that never change, in memory; 0 for an audit, which has to see what is there.
        """
        self._endpoint = endpoint
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._client: Any = None
        self._threads: ThreadPoolExecutor | None = None
        self._waiting: dict[str, _Waiting] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        # Of the writer:
        self._removed: dict[str, frozenset[int]] = {}
        self._known: dict[str, tuple[bytes, str]] = {}
        """Checkpoints as last put or read here, with the tags that they have there."""

    def get(self, path: str) -> bytes | None:
        """Content of a file, or None. Raises OSError."""
        with self._lock:
            waiting, kept = self._waiting.get(path), self._kept.get(path)
        if waiting is not None:
            return waiting.data
        if kept is not None:
            return kept
        found = self._fetch(path)
        if found is None:
            return None
        if not path.startswith(CHECKPOINT_PATH):
            self._keep(path, found[0])
        return found[0]

    def put(self, path: str, data: bytes, *, repair: bool = False) -> None:
        """Publish a file that never changes; what another server has put there is found by ``sync`` at the latest."""
        with self._lock:
            waiting = self._waiting.get(path)
            if waiting is not None and waiting.data != data and not repair:
                raise LedgerCorruptError(f"{path} was published before with another content")
            self._waiting[path] = _Waiting(data, repair or (waiting is not None and waiting.repair))
            full = sum(len(one.data) for one in self._waiting.values()) > _WAITING_BYTES
        if full:
            self._upload()

    def widths(self, path: str) -> Sequence[int]:
        """Widths of the partial files of a tile. Raises OSError."""
        self._upload()
        folder = f"{self._prefix}{path}.p/"
        try:
            pages = self._connected().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder)
            return [int(one["Key"].removeprefix(folder)) for page in pages for one in page.get("Contents", ())]
        except (ClientError, *_FAILURES) as error:
            raise _failed(error) from error

    def replace(self, path: str, data: bytes) -> None:
        """Publish a checkpoint, behind everything that was put; one that is smaller than the public one stays out.

        Raises:
            OSError: it cannot be, or it is not known whether it was.
        """
        self._upload()
        public = self._known.pop(path, None) or self._fetch(path)
        for _ in range(_ATTEMPTS):
            if public is not None and (public[0] == data or claimed_size(public[0]) > claimed_size(data)):
                return
            tag = self._placed(path, data, {"IfNoneMatch": "*"} if public is None else {"IfMatch": public[1]})
            if tag is not None:
                self._known[path] = data, tag
                return
            public = self._fetch(path)
        raise OSError("other servers replace the ledger's checkpoint all the time")

    def remove_partial(self, path: str, keep: Collection[int] = ()) -> None:
        """Remove the partial files of a tile, but for widths to ``keep``; ``sync`` does, once the full one is there."""
        with self._lock:
            for waiting in [one for one in self._waiting if one.startswith(f"{path}.p/")]:
                if int(waiting.rpartition("/")[2]) not in keep:
                    del self._waiting[waiting]
        self._removed[path] = frozenset(keep)

    def sync(self) -> None:
        """Have everything there that was put. Raises OSError, LedgerCorruptError; what waited is forgotten then."""
        self._upload()
        removed, self._removed = self._removed, {}
        for path, keep in removed.items():
            for width in self.widths(path):
                if width not in keep:
                    self._delete(f"{path}.p/{width}")

    def _upload(self) -> None:
        with self._lock:
            files, self._waiting = self._waiting, {}
            if files and self._threads is None:
                self._threads = ThreadPoolExecutor(_SIDE_BY_SIDE, "tiles")
            threads = self._threads
        if threads is None or not files:
            return
        for done in [threads.submit(self._create, path, waiting) for path, waiting in files.items()]:
            done.result()

    def _create(self, path: str, waiting: _Waiting) -> None:
        condition = {"IfNoneMatch": "*"}
        for _ in range(_ATTEMPTS):
            if self._placed(path, waiting.data, condition) is not None:
                self._keep(path, waiting.data)
                return
            present = self._fetch(path)
            if present is None:
                condition = {"IfNoneMatch": "*"}
            elif present[0] == waiting.data:
                return
            elif waiting.repair:
                condition = {"IfMatch": present[1]}
            else:
                raise LedgerCorruptError(f"{path} was published before with another content")
        raise OSError("other servers write the ledger's files all the time")

    def _placed(self, path: str, data: bytes, condition: dict[str, str]) -> str | None:
        """The tag of the object that was put; None where the condition does not hold. Raises OSError."""
        kind = "text/plain; charset=utf-8" if path.startswith(CHECKPOINT_PATH) else "application/octet-stream"
        age = "no-store" if path.startswith(CHECKPOINT_PATH) else "public, max-age=31536000, immutable"
        asked = {"Bucket": self._bucket, "Key": self._prefix + path, "ContentType": kind, "CacheControl": age}
        try:
            return str(self._connected().put_object(**asked, Body=data, **condition)["ETag"])
        except ClientError as error:
            # 404 answers If-Match where the object went meanwhile.
            if _status(error) in (_CONFLICT, _PRECONDITION_FAILED) or _is_missing(error):
                return None
            raise _failed(error) from error
        except _FAILURES as error:
            raise _failed(error) from error

    def _fetch(self, path: str) -> tuple[bytes, str] | None:
        try:
            answer = self._connected().get_object(Bucket=self._bucket, Key=self._prefix + path)
            with closing(answer["Body"]) as body:
                data: bytes = body.read(_MAX_BYTES + 1)
            return data, str(answer["ETag"])
        except ClientError as error:
            if _is_missing(error):
                return None
            raise _failed(error) from error
        except _FAILURES as error:
            raise _failed(error) from error

    def _delete(self, path: str) -> None:
        try:
            self._connected().delete_object(Bucket=self._bucket, Key=self._prefix + path)
        except (ClientError, *_FAILURES) as error:
            raise _failed(error) from error
        with self._lock:
            self._kept_bytes -= len(self._kept.pop(path, b""))

    def _keep(self, path: str, data: bytes) -> None:
        with self._lock:
            self._kept_bytes += len(data) - len(self._kept.pop(path, b""))
            self._kept[path] = data
            while self._kept_bytes > self._keep_bytes:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = connected(self._endpoint)
            return self._client


def s3_tiles(place: S3Location, *, keep_bytes: int = _KEEP_BYTES) -> S3Tiles:
    """Tiles at a place that settings name. Transient failures are tried again more often than those of pictures."""
    return S3Tiles(replace(endpoint_of(place.s3), attempts=4), place.bucket, place.key, keep_bytes=keep_bytes)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_missing(error: ClientError) -> bool:
    return _status(error) == _NOT_FOUND and error.response["Error"].get("Code") == "NoSuchKey"


def _failed(error: Exception) -> OSError:
    return OSError(f"the bucket with the ledger's files cannot be reached: {type(error).__name__}")
