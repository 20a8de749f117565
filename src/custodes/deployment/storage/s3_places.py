"""Endpoints of S3 and single places there, as settings name them.

In: settings. Out: plain values. Nothing is asked of S3 here, and nothing is loaded that takes long.
"""

from __future__ import annotations

from custodes.core.errors import InvalidParameterError
from custodes.settings import Settings
from custodes.storage.files.bucket_keys import bucket_keys
from custodes.storage.objects.places import S3Endpoints, S3Location, S3Settings, bucket_and_key


def s3_endpoints(settings: Settings) -> S3Endpoints:
    """Where buckets are reached that are no folders. Raises UnavailableError: the file with keys is unusable."""
    own = {} if settings.s3_bucket_keys is None else bucket_keys(settings.s3_bucket_keys)
    return S3Endpoints(
        S3Settings(settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key),
        own,
    )


def s3_place(settings: Settings, name: str) -> S3Location:
    """The place that the setting ``name`` gives, like ``s3://bucket/key``.

    Raises:
        InvalidParameterError: it names no bucket and key, or no endpoint is set.
    """
    bucket, key = bucket_and_key(getattr(settings, name))
    if not bucket or not key.strip("/"):
        raise InvalidParameterError(f"{name} must be like s3://bucket/key")
    endpoint = s3_endpoints(settings).of(bucket)
    if not endpoint.url:
        raise InvalidParameterError(f"{name} needs s3_endpoint")
    return S3Location(endpoint, bucket, key.strip("/"))
