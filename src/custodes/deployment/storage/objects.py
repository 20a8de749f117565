"""Where pictures and videos are that requests name: folders and S3.

In: settings. Out: a port to buckets.
"""

from __future__ import annotations

from pathlib import Path

from custodes.deployment.storage.s3_places import s3_endpoints
from custodes.settings import Settings
from custodes.storage.files import uploads
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.listing import BucketLister
from custodes.storage.objects.sources import open_objects


def bucket_objects(settings: Settings) -> BucketObjects:
    """Where pictures and videos are that requests name."""
    return open_objects(_folders(settings), s3_endpoints(settings), _writable(settings))


def object_lister(settings: Settings) -> BucketLister:
    """What tasks may list: buckets that are set, and not what commands of this machine's user bring."""
    return BucketLister(settings.buckets, s3_endpoints(settings))


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
