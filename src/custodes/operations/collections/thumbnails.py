"""Small pictures of enrolled faces: kept only by collections that say so, each look at them on record.

In: commands and faces that were just enrolled. Out: JPEGs. A collection keeps pictures from when it has the tag
``custodes:thumbnails`` with the value ``on``; without it, as for every client of the API that does not set it, no
picture of a face is left anywhere. They are encrypted under a key of each face's own and go with their face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import FaceId
from custodes.engine.results.face import DetectedFace
from custodes.gallery.entities import CollectionKey, Face
from custodes.imaging.image import Image
from custodes.imaging.thumbnail import thumbnail
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals

TAG, ON = "custodes:thumbnails", "on"
MAX_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFaceThumbnails(CollectionCommand):
    """Pictures of faces of a collection that keeps them."""

    operation: ClassVar[str] = "GetFaceThumbnails"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    face_ids: tuple[FaceId, ...]

    def check(self) -> None:
        """At most a page of them."""
        if not 1 <= len(self.face_ids) <= MAX_SHOWN:
            raise InvalidParameterError(f"1 to {MAX_SHOWN} faces are looked at at once")


class Thumbnails:
    """Makes, keeps and shows them."""

    def __init__(self, gallery: Gallery) -> None:
        """Keep them in ``gallery``."""
        self._gallery = gallery

    def keep(self, key: CollectionKey, image: Image, faces: Sequence[tuple[Face, DetectedFace]]) -> None:
        """Keep pictures of ``faces`` of ``image`` where their collection wants them."""
        if faces and self._gallery.tags(key).get(TAG) == ON:
            pictures = {face.face_id: thumbnail(image, seen.box_px) for face, seen in faces}
            self._gallery.put_thumbnails(key, pictures)

    def show(self, permit: Permit, command: GetFaceThumbnails) -> Mapping[FaceId, bytes]:
        """The pictures that are there. Raises NotFoundError for an unknown collection."""
        found = self._gallery.thumbnails(command.key(permit.context.caller), command.face_ids)
        permit.tally.add(thumbnails_shown=len(found))
        return found
