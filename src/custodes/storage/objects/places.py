"""Endpoints of S3 and places there as an operator names them. Plain values: nothing is asked of them here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SCHEME = "s3://"


def bucket_and_key(text: str) -> tuple[str, str]:
    """What ``s3://bucket/key`` names; empty texts for what is missing, both where it is no such place."""
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    return (bucket, key) if text.startswith(SCHEME) else ("", "")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """An S3 endpoint; an empty ``url`` means none, an empty key whatever boto3 finds."""

    url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class S3Endpoints:
    """Where each bucket is reached: those with an endpoint and keys of their own, and all others."""

    others: S3Settings
    own: Mapping[str, S3Settings] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, bucket: str) -> S3Settings:
        """The endpoint of one bucket; its ``url`` is empty where there is none."""
        return self.own.get(bucket, self.others)


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object, or a prefix of objects, at an endpoint."""

    s3: S3Settings
    bucket: str
    key: str

    def __str__(self) -> str:
        """As settings name it."""
        return f"s3://{self.bucket}/{self.key}"
