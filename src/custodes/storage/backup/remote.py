"""Backups in a bucket: the sealed folder of a backup, file by file; its keys never go there.

In: a folder and a prefix of a bucket. Out: the same files there, and back. The manifest goes last: a prefix without one
has no finished backup. What comes back is looked at by ``restoring`` as any folder is.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.operations.images.ports import S3Object
from custodes.storage.backup.folder import MANIFEST
from custodes.storage.objects.places import S3Location
from custodes.storage.objects.s3 import S3Objects


def send_backup(folder: Path, objects: S3Objects, place: S3Location) -> int:
    """Put all files of a finished backup below ``place``; returns how many.

    Raises:
        ObjectStoreError: one could not be written; what is there then is no finished backup.
        OSError: one cannot be read.
    """
    paths = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == MANIFEST)
    for path in paths:
        with path.open("rb") as file:
            objects.send(S3Object(place.bucket, f"{place.key}/{path.relative_to(folder).as_posix()}"), file)
    return len(paths)


def require_new(objects: S3Objects, place: S3Location) -> None:
    """Refuse a place that has something, and remove parts that a killed process left there.

    Raises:
        InvalidParameterError: it has objects.
        ObjectStoreError: it cannot be looked at.
    """
    if next(objects.keys(place.bucket, f"{place.key}/"), None) is not None:
        raise InvalidParameterError(f"{place} is not empty: every backup has a prefix of its own")
    objects.clear_abandoned(place.bucket, f"{place.key}/")


def fetch_backup(objects: S3Objects, place: S3Location, folder: Path) -> int:
    """Copy everything below ``place`` into ``folder``, which exists and is empty; returns how many files.

    Raises:
        ObjectStoreError: something cannot be read.
        UnavailableError: there is no finished backup, or a key names no file of one.
        OSError: one cannot be written.
    """
    names = [key.removeprefix(f"{place.key}/") for key, _ in objects.keys(place.bucket, f"{place.key}/")]
    if MANIFEST not in names:
        raise UnavailableError(f"there is no finished backup at {place}")
    for name in names:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise UnavailableError(f"a key at {place} is no file of a backup")
        source, path = S3Object(place.bucket, f"{place.key}/{name}"), folder.joinpath(*parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            objects.copy(source, objects.version(source), file)
    return len(names)
