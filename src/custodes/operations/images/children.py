"""Refuses to compare or search faces that look like children's, where the provider's rules ask for it.

In: a permit, a picture, the faces that are about to be compared. Out: nothing, or the refusal. The estimate of age is
made for this alone: it is not told, whatever the request asks for, and made for nobody where no rule asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.errors import DeniedError
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, Trait
from custodes.governance.children import GROWN_FROM_YEARS, REFUSE_CHILDREN, looks_like_a_child
from custodes.imaging.image import Image
from custodes.operations.requests.gate import Permit


def require_grown(engine: FaceEngine, permit: Permit, image: Image, faces: Sequence[DetectedFace]) -> None:
    """Raise DeniedError when the rules refuse children and one of ``faces`` looks like a child's."""
    if REFUSE_CHILDREN not in permit.obligations:
        return
    for face in engine.describe(permit.slot, image, faces, {Trait.AGE_RANGE}):
        age = face.traits.age
        if age is None or looks_like_a_child(age.low_years, age.high_years):
            raise DeniedError(
                f"A face looks younger than {GROWN_FROM_YEARS}: the provider's rules do not let it be compared or "
                "searched (obligation refuse-children)."
            )
