"""From cosine to percent and back at the border between engine and gallery, and the guard on model versions.

In: thresholds in percent (0 to 100, inclusive), hits with cosines. Out: cosine limits for searches, similarities for
answers. The calibration itself is the engine's.
"""

from __future__ import annotations

from custodes.core.errors import InvalidParameterError
from custodes.engine.ports import FaceEngine, SimilarityScale
from custodes.gallery.entities import Collection

# Below every cosine that float32 arithmetic can produce for unit vectors: a threshold of 0 percent excludes nothing.
NO_LIMIT_COSINE = -2.0


def min_cosine(scale: SimilarityScale, threshold_pct: float) -> float:
    """The smallest cosine that reaches ``threshold_pct``; 0 percent lets everything pass."""
    return scale.cosine(threshold_pct) if threshold_pct > 0 else NO_LIMIT_COSINE


def similarity_pct(scale: SimilarityScale, cosine: float) -> float:
    """Cosine on the published scale; rounding beyond -1 and 1 in float32 is cut off."""
    return scale.similarity_pct(min(1.0, max(-1.0, cosine)))


def require_same_model(engine: FaceEngine, collection: Collection) -> None:
    """Raise InvalidParameterError when the collection's vectors are not of the version the engine computes."""
    if collection.model_version != engine.model_version or collection.dimension != engine.dimension:
        raise InvalidParameterError(
            f"The collection id: {collection.key.collection_id} holds vectors of face model version "
            f"{collection.model_version}, and this server computes version {engine.model_version}. Vectors of "
            "different versions are never compared: re-embed it from its photos (custodes task re-embed)."
        )
