"""What use cases need from the gallery: its store and its two exact searches behind one face."""

from __future__ import annotations

from typing import Protocol

from custodes.core.ids import ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, Hit
from custodes.gallery.ports import FloatArray, GalleryStore


class Gallery(GalleryStore, Protocol):
    """A gallery store whose vectors can be searched; an acknowledged change is seen by the next search."""

    def outline(self, key: CollectionKey) -> Collection:
        """The collection with counts that may be outdated; cheap. Raises NotFoundError."""
        ...

    def search_faces(
        self, key: CollectionKey, vector: FloatArray, limit: int, min_cosine: float, model: ModelVersion | None = None
    ) -> tuple[Hit, ...]:
        """At most ``limit`` faces with cosine >= ``min_cosine`` to the unit ``vector`` (D,), best first.

        Raises NotReadyError where the collection is not of version ``model`` at the end.
        """
        ...

    def search_users(
        self, key: CollectionKey, vector: FloatArray, limit: int, min_cosine: float, model: ModelVersion | None = None
    ) -> tuple[Hit, ...]:
        """The same over user vectors."""
        ...
