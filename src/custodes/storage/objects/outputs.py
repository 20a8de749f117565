"""Where results may be written: buckets that the operator allows, each to everybody or to accounts that he names.

In: an account, a bucket, bytes. Out: an object in the store that holds the bucket, or a refusal that does not tell why.
One rule for all that writes results: custom labels, media analysis, live streams, liveness. It is asked when a request
names a bucket and again when something is written: what was allowed may have been taken back since.
"""

from __future__ import annotations

from collections.abc import Mapping

from custodes.core.errors import ObjectStoreError
from custodes.core.ids import AccountId
from custodes.operations.images.ports import S3Object
from custodes.storage.objects.buckets import UNWRITABLE, BucketObjects


class OutputBuckets:
    """Implements ``ObjectWriter``."""

    def __init__(self, objects: BucketObjects, allowed: Mapping[str, frozenset[str] | None]) -> None:
        """Write to ``objects``: to the buckets of ``allowed``, each for the accounts named, None for all."""
        self._objects = objects
        self._allowed = dict(allowed)

    def check(self, account_id: AccountId, bucket: str, kms_key: str | None = None) -> None:
        """See ObjectWriter."""
        accounts = self._allowed.get(bucket, frozenset())
        if accounts is not None and account_id not in accounts:
            raise ObjectStoreError(UNWRITABLE)
        if kms_key is not None and not self._objects.encrypts(bucket):
            raise ObjectStoreError("The bucket is a folder of this server, which encrypts under no key of KMS.")

    def write(self, account_id: AccountId, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """See ObjectWriter."""
        self.check(account_id, place.bucket, kms_key)
        self._objects.write(place, data, kms_key)
