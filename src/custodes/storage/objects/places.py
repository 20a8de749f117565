"""Endpoints of S3 and places there as an operator names them. Plain values: nothing is asked of them here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Settings:
    """An S3 endpoint; an empty ``url`` means none, an empty key whatever boto3 finds."""

    url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object, or a prefix of objects, at an endpoint."""

    s3: S3Settings
    bucket: str
    key: str

    def __str__(self) -> str:
        """As settings name it."""
        return f"s3://{self.bucket}/{self.key}"
