"""Which objects a bucket has, for whoever works through all of them; the API itself never lists.

In: folders by bucket name and an S3 endpoint, as for reading; a bucket and a prefix. Out: keys with what tells one
content from another, in the order of the keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import InvalidParameterError, ObjectStoreError
from custodes.storage.objects.places import S3Endpoints


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object: its key, and a text that changes with its content."""

    key: str
    tag: str


@dataclass(frozen=True, slots=True)
class BucketLister:
    """Lists keys of the buckets that are set."""

    buckets: Mapping[str, Path]
    s3: S3Endpoints

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys below ``prefix`` in order. Raises as ``list_objects``."""
        return (one.key for one in list_objects(self.buckets, self.s3, bucket, prefix))


def list_objects(buckets: Mapping[str, Path], s3: S3Endpoints, bucket: str, prefix: str) -> Iterator[ListedObject]:
    """Objects of ``bucket`` whose keys begin with ``prefix``.

    Raises:
        InvalidParameterError: the settings name neither a folder for the bucket nor an endpoint.
        ObjectStoreError: it cannot be listed.
    """
    folder = buckets.get(bucket)
    if folder is not None:
        yield from _in_folder(folder, prefix)
        return
    endpoint = s3.of(bucket)
    if not endpoint.url:
        raise InvalidParameterError(
            f"the bucket {bucket} is not known here: name its folder with CUSTODES_BUCKETS={bucket}=/folder, "
            "or where S3 is with CUSTODES_S3_ENDPOINT"
        )
    from custodes.storage.objects.s3 import S3Objects, endpoint_of

    for key, tag in S3Objects(endpoint_of(endpoint)).keys(bucket, prefix):
        yield ListedObject(key, tag)


def _in_folder(folder: Path, prefix: str) -> Iterator[ListedObject]:
    if not folder.is_dir():
        raise ObjectStoreError(f"the folder {folder} of the bucket is not there")
    found = sorted(
        (Path(root, name) for root, _, names in os.walk(folder) for name in names),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    for path in found:
        key = path.relative_to(folder).as_posix()
        if key.startswith(prefix) and path.is_file():
            facts = path.stat()
            yield ListedObject(key, f"{facts.st_size}-{facts.st_mtime_ns}")
