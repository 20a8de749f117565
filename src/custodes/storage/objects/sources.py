"""Which store each bucket's objects are read from, put together from what an operator set.

In: folders by bucket name, and an S3 endpoint for all other buckets. Out: one store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from custodes.storage.objects.buckets import BucketObjects, BucketStore
from custodes.storage.objects.folder import FolderObjects
from custodes.storage.objects.places import S3Settings


def open_objects(buckets: Mapping[str, Path], s3: S3Settings, writable: Collection[str] = ()) -> BucketObjects:
    """Folders by bucket name, those of ``writable`` also for results, and ``s3`` for all other buckets."""
    default: BucketStore | None = None
    if s3.url:
        # boto3 takes a third of a second to import; most deployments never need it.
        from custodes.storage.objects.s3 import S3Objects, endpoint_of

        default = S3Objects(endpoint_of(s3))
    return BucketObjects(
        {name: FolderObjects(folder, writable=name in writable) for name, folder in buckets.items()}, default
    )
