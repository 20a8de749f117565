"""Which store each bucket's objects are read from, put together from what an operator set.

In: folders by bucket name, and S3 endpoints for all other buckets. Out: one store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from custodes.storage.objects.buckets import BucketObjects, BucketStore
from custodes.storage.objects.folder import FolderObjects
from custodes.storage.objects.places import S3Endpoints


def open_objects(buckets: Mapping[str, Path], s3: S3Endpoints, writable: Collection[str] = ()) -> BucketObjects:
    """Folders by bucket name, those of ``writable`` also for results, and ``s3`` for all other buckets."""
    stores: dict[str, BucketStore] = {}
    default: BucketStore | None = None
    if s3.others.url or s3.own:
        # boto3 takes a third of a second to import; most deployments never need it.
        from custodes.storage.objects.s3 import S3Objects, endpoint_of

        default = S3Objects(endpoint_of(s3.others)) if s3.others.url else None
        stores.update({name: S3Objects(endpoint_of(own)) for name, own in s3.own.items()})
    stores.update({name: FolderObjects(folder, writable=name in writable) for name, folder in buckets.items()})
    return BucketObjects(stores, default)
