"""Amazon Rekognition as a source: its collections through the user's AWS client, pictures from S3 or a folder.

In: a client of Amazon's. Out: collections with faces, users and tags. Rekognition keeps no pictures and tells no
vectors, so what it knows of a face is its box, its ExternalImageId and its user.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from custodes.cli.client.amazon import AmazonClient
from custodes.cli.client.api import ApiFailureError
from custodes.cli.migrate.source import SourceCollection, SourceFace
from custodes.cli.pictures.photo import find
from custodes.core.errors import InvalidParameterError

CANNOT_MOVE = (
    "FaceIds and ImageIds: they are new here; faces.csv has old and new side by side",
    "vectors: Amazon tells them to nobody; faces are indexed anew from their photos",
    "faces whose photo is not found, listed with the reason",
    "similarities: other numbers for the same pair, see docs/scores.md; choose thresholds by false match rate",
    "stream processors, Custom Labels projects and their policies",
)
_S3 = "s3://"


def collections_of(amazon: AmazonClient, wanted: Sequence[str]) -> list[SourceCollection]:
    """The collections ``wanted``, or all. Raises ApiFailureError, UnavailableError."""
    return [_collection(amazon, name) for name in wanted or sorted(amazon.listed("list_collections"))]


def _collection(amazon: AmazonClient, name: str) -> SourceCollection:
    facts = amazon.call("describe_collection", CollectionId=name)
    faces = tuple(_face(face) for face in amazon.listed("list_faces", CollectionId=name, MaxResults=4096))
    users = tuple(user["UserId"] for user in amazon.listed("list_users", CollectionId=name, MaxResults=500))
    tags = amazon.call("list_tags_for_resource", ResourceArn=facts["CollectionARN"]).get("Tags", {})
    return SourceCollection(name, faces, users, tags, str(facts.get("FaceModelVersion", "")))


def _face(face: Mapping[str, object]) -> SourceFace:
    box = face.get("BoundingBox")
    return SourceFace(
        str(face["FaceId"]),
        _text(face.get("ExternalImageId")),
        _text(face.get("UserId")),
        (box["Left"], box["Top"], box["Width"], box["Height"]) if isinstance(box, Mapping) else None,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


class BucketPhotos:
    """Pictures below ``s3://BUCKET/PREFIX``, read with the user's AWS client."""

    def __init__(self, amazon: AmazonClient, place: str) -> None:
        """Read ``place``."""
        self._amazon = amazon
        self._bucket, _, self._prefix = place.removeprefix(_S3).partition("/")

    def keys(self) -> Sequence[str]:
        """See SourcePhotos."""
        return [key for key in self._amazon.keys(self._bucket, self._prefix) if not key.endswith("/")]

    def read(self, key: str) -> bytes:
        """See SourcePhotos."""
        return self._amazon.read(self._bucket, key)


class FolderPhotos:
    """Pictures below a folder."""

    def __init__(self, root: Path) -> None:
        """Read ``root``."""
        self._root = root

    def keys(self) -> Sequence[str]:
        """See SourcePhotos."""
        return [path.relative_to(self._root).as_posix() for path in find(self._root)]

    def read(self, key: str) -> bytes:
        """See SourcePhotos."""
        return (self._root / key).read_bytes()


def open_photos(amazon: AmazonClient, place: str) -> BucketPhotos | FolderPhotos:
    """Pictures at ``place``, a folder or ``s3://BUCKET/PREFIX``."""
    return BucketPhotos(amazon, place) if place.startswith(_S3) else FolderPhotos(Path(place))


def read_table(path: Path | None) -> Mapping[str, str]:
    """The picture by FaceId or ExternalImageId, from a CSV file with the columns ``id`` and ``photo``.

    Raises:
        InvalidParameterError: it has other columns.
        OSError: it cannot be read.
    """
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"id", "photo"} <= set(rows.fieldnames or ()):
            raise InvalidParameterError(f"{path} needs the columns id and photo")
        return {row["id"]: row["photo"] for row in rows}


def top_match(answer: Mapping[str, object]) -> tuple[str | None, float | None]:
    """Name and similarity of the best match of a search."""
    matches = answer.get("FaceMatches")
    if not isinstance(matches, list) or not matches:
        return None, None
    return matches[0]["Face"].get("ExternalImageId"), round(float(matches[0]["Similarity"]), 2)


def amazon_top(amazon: AmazonClient, collection: str, photo: bytes) -> tuple[str | None, float | None]:
    """The same asked of Amazon, which bills it; a picture that it refuses matches nobody."""
    try:
        return top_match(amazon.call("search_faces_by_image", CollectionId=collection, Image={"Bytes": photo}))
    except ApiFailureError as error:
        if error.code == "InvalidParameterException":
            return None, None
        raise
