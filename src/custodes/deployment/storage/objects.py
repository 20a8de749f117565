"""Where pictures and videos are that requests name: folders and S3.

In: settings. Out: a port to buckets, and single places in S3 that settings name.
"""

from __future__ import annotations

from pathlib import Path

from custodes.core.errors import InvalidParameterError
from custodes.settings import Settings
from custodes.storage.files import uploads
from custodes.storage.files.bucket_keys import bucket_keys
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.listing import BucketLister
from custodes.storage.objects.places import S3Endpoints, S3Location, S3Settings
from custodes.storage.objects.sources import open_objects

_SCHEME = "s3://"


def bucket_objects(settings: Settings) -> BucketObjects:
    """Where pictures and videos are that requests name."""
    return open_objects(_folders(settings), s3_endpoints(settings), _writable(settings))


def object_lister(settings: Settings) -> BucketLister:
    """What tasks may list: buckets that are set, and not what commands of this machine's user bring."""
    return BucketLister(settings.buckets, s3_endpoints(settings))


def s3_place(settings: Settings, name: str) -> S3Location:
    """The place that the setting ``name`` gives, like ``s3://bucket/key``.

    Raises:
        InvalidParameterError: it names no bucket and key, or no endpoint is set.
    """
    text: str = getattr(settings, name)
    bucket, _, key = text.removeprefix(_SCHEME).partition("/")
    if not text.startswith(_SCHEME) or not bucket or not key.strip("/"):
        raise InvalidParameterError(f"{name} must be like s3://bucket/key")
    endpoint = s3_endpoints(settings).of(bucket)
    if not endpoint.url:
        raise InvalidParameterError(f"{name} needs s3_endpoint")
    return S3Location(endpoint, bucket, key.strip("/"))


def _folders(settings: Settings) -> dict[str, Path]:
    """Folders by bucket name: those that are set, and what commands of this machine's user bring."""
    return {
        **settings.buckets,
        uploads.BUCKET: settings.data / uploads.FOLDER,
        uploads.RESULTS_BUCKET: settings.data / uploads.RESULTS_FOLDER,
    }


def _writable(settings: Settings) -> frozenset[str]:
    """Folders that results may be written to: those that are set, and that of commands of this machine's user."""
    return frozenset({*settings.writable, uploads.RESULTS_BUCKET})


def s3_endpoints(settings: Settings) -> S3Endpoints:
    """Where buckets are reached that are no folders. Raises UnavailableError: the file with keys is unusable."""
    own = {} if settings.s3_bucket_keys is None else bucket_keys(settings.s3_bucket_keys)
    return S3Endpoints(
        S3Settings(settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key),
        own,
    )
