"""Photos to index, wherever they are: files of this machine, or objects that the server reads itself.

In: a folder, or ``s3://bucket/prefix``. Out: photos with a place that the journal knows them by, where they stand below
the folder or prefix (which names come from), and what is sent for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from custodes.core.errors import InvalidParameterError
from custodes.storage.objects.places import SCHEME, bucket_and_key

if TYPE_CHECKING:
    from custodes.settings import Settings

S3 = SCHEME


class PhotoSource(Protocol):
    """One photo."""

    @property
    def place(self) -> str:
        """Absolute path or URL."""
        ...

    @property
    def inside(self) -> PurePath:
        """Where it is below what is indexed."""
        ...

    def stamp(self) -> str:
        """A text that changes with its content. Raises OSError."""
        ...

    def image(self) -> Mapping[str, Any] | None:
        """The API's ``Image``; None for an empty file.

        Raises:
            OSError, ImageFormatError, ImageTooLargeError: it cannot be sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file of this machine."""

    path: Path
    inside: PurePath

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path)

    def stamp(self) -> str:
        """Size and time of change."""
        facts = self.path.stat()
        return f"{facts.st_size}-{facts.st_mtime_ns}"

    def image(self) -> Mapping[str, Any] | None:
        """Its bytes, made smaller where the API asks for that."""
        from custodes.cli.pictures.photo import read

        data = read(self.path)
        return {"Bytes": data} if data else None


@dataclass(frozen=True, slots=True)
class PhotoObject:
    """An object of a bucket; the server reads it."""

    bucket: str
    key: str
    tag: str
    inside: PurePath

    @property
    def place(self) -> str:
        """Its URL."""
        return f"{S3}{self.bucket}/{self.key}"

    def stamp(self) -> str:
        """What the listing said of its content."""
        return self.tag

    def image(self) -> Mapping[str, Any] | None:
        """A reference to it."""
        return {"S3Object": {"Bucket": self.bucket, "Name": self.key}}


def find_photos(where: str, settings: Settings) -> list[PhotoSource]:
    """Photos below a folder or a prefix.

    Raises:
        InvalidParameterError: it is neither.
        NothingToDoError: there are none.
        ObjectStoreError: the bucket cannot be listed.
    """
    from custodes.cli.pictures.photo import find

    if not where.startswith(S3):
        root = Path(where).resolve()
        return [PhotoFile(path, path.relative_to(root)) for path in find(root)]
    return list(_objects(where, settings))


def named_bucket(where: str) -> tuple[str, str]:
    """The bucket and the prefix of ``s3://bucket/prefix``. Raises InvalidParameterError where no bucket is named."""
    bucket, prefix = bucket_and_key(where)
    if not bucket:
        raise InvalidParameterError(f"{where} names no bucket: give s3://bucket/prefix")
    return bucket, prefix


def _objects(where: str, settings: Settings) -> list[PhotoObject]:
    from custodes.cli.output import NothingToDoError
    from custodes.cli.pictures.photo import SUFFIXES
    from custodes.deployment.storage.s3_places import s3_endpoints
    from custodes.storage.objects.listing import list_objects

    bucket, prefix = named_bucket(where)
    # A prefix may end in the middle of a name; names of folders count from the last whole one.
    root = PurePosixPath(prefix if prefix.endswith("/") else prefix.rpartition("/")[0])
    found = [
        PhotoObject(bucket, one.key, one.tag, PurePosixPath(one.key).relative_to(root))
        for one in list_objects(settings.buckets, s3_endpoints(settings), bucket, prefix)
        if PurePosixPath(one.key).suffix.lower() in SUFFIXES
    ]
    if not found:
        raise NothingToDoError(f"there are no pictures below {where}")
    return found
