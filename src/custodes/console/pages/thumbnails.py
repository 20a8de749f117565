"""Small pictures of faces on pages, where their collection keeps them. In: faces of an answer. Out: their pictures.

Each page of them is one GetFaceThumbnails, on record.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from custodes.console.visit import Visit
from custodes.operations.collections.thumbnails import MAX_SHOWN, ON, TAG


def arn_of(visit: Visit, collection: str) -> str:
    """The collection's ARN."""
    return str(visit.api("DescribeCollection", CollectionId=collection)["CollectionARN"])


def keeps(tags: Mapping[str, str]) -> bool:
    """Whether a collection with these tags keeps pictures."""
    return tags.get(TAG) == ON


def pictures(visit: Visit, collection: str, faces: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """JPEGs in Base64 by the id of their face."""
    if not faces:
        return {}
    ids = [face["FaceId"] for face in faces][:MAX_SHOWN]
    found = visit.api("GetFaceThumbnails", CollectionId=collection, FaceIds=ids)["Thumbnails"]
    return {one["FaceId"]: b64encode(one["Bytes"]).decode() for one in found}
