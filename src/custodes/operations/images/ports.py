"""Where pictures that are not in the request come from. In: bucket and key. Out: bytes within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from custodes.core.ids import AccountId


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object in a bucket, optionally one of its versions."""

    bucket: str
    name: str
    version: str | None = None


class ObjectStore(Protocol):
    """Reads objects that requests name by bucket and key."""

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """All bytes of ``source``.

        Raises:
            ObjectStoreError: missing bucket, key or version, or no permission.
            ImageTooLargeError: longer than ``max_bytes``; found out before that much memory is taken.
        """
        ...


class ObjectWriter(Protocol):
    """Writes objects that accounts want results in."""

    def check(self, account_id: AccountId, bucket: str, kms_key: str | None = None) -> None:
        """Raise ObjectStoreError where the account may have nothing written to ``bucket``, or not so encrypted."""
        ...

    def write(self, account_id: AccountId, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """Put ``data`` at ``place``, in place of what was there; encrypted there under ``kms_key`` where one is named.

        Raises:
            ObjectStoreError: the account may not, there is no such bucket, or it cannot encrypt so.
        """
        ...
