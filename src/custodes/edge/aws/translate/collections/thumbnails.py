"""GetFaceThumbnails between members of our own model and commands."""

from __future__ import annotations

from collections.abc import Mapping

from custodes.core.ids import FaceId
from custodes.edge.aws.translate.members import collection_id, face_ids
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.operations.collections.thumbnails import GetFaceThumbnails, Thumbnails
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, thumbnails: Thumbnails) -> dict[str, Handler]:
    """The handler by operation."""
    return {"GetFaceThumbnails": gated(gate, thumbnails_command, thumbnails.show, thumbnails_output)}


def thumbnails_command(params: Params) -> GetFaceThumbnails:
    """Parameters of GetFaceThumbnails."""
    return GetFaceThumbnails(collection_id=collection_id(params), face_ids=face_ids(params))


def thumbnails_output(found: Mapping[FaceId, bytes]) -> Output:
    """Output of GetFaceThumbnails."""
    return {"Thumbnails": [{"FaceId": face_id, "Bytes": picture} for face_id, picture in found.items()]}
