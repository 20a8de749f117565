"""Results of single frames in AWS members, as video jobs keep them. Implements ``ResultFormat``."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.box import BoxRatio, Size
from custodes.edge.aws.translate.collections.celebrities import info_output
from custodes.edge.aws.translate.face_detail import face_detail
from custodes.edge.aws.translate.images.labels import label_output
from custodes.edge.aws.translate.images.moderation import content_types
from custodes.edge.aws.translate.images.moderation import label_output as moderation_output
from custodes.edge.aws.translate.images.text import detections
from custodes.edge.aws.translate.members import bounding_box
from custodes.edge.aws.translate.route import Output
from custodes.engine.results.face import DetectedFace
from custodes.engine.results.label import Label
from custodes.engine.results.moderation import Concern, ContentKind
from custodes.engine.results.text import TextFound
from custodes.gallery.celebrities import Celebrity
from custodes.operations.images.attributes import DEFAULT_ATTRIBUTES, Attributes


class AwsResultFormat:
    """Members of the API; what was not measured is left out."""

    def face(self, face: DetectedFace, size: Size, attributes: Attributes) -> Output:
        """The structure ``FaceDetail``."""
        return _present(face_detail(face, size, attributes))

    def box(self, box: BoxRatio) -> Output:
        """The structure ``BoundingBox``."""
        return bounding_box(box)

    def label(self, label: Label, size: Size) -> Output:
        """The structure ``Label``."""
        return label_output(label, size, colours=False)

    def moderation(self, concern: Concern) -> Output:
        """The structure ``ModerationLabel``."""
        return moderation_output(concern)

    def kinds(self, kinds: Sequence[ContentKind]) -> list[Output]:
        """Structures ``ContentType``."""
        return content_types(kinds)

    def text(self, found: TextFound) -> list[Output]:
        """Structures ``TextDetection``."""
        return detections(found)

    def celebrity(self, person: Celebrity, face: DetectedFace, size: Size, confidence_pct: float) -> Output:
        """The structure ``CelebrityDetail``."""
        known = _present(info_output(person))
        detail = _present(face_detail(face, size, DEFAULT_ATTRIBUTES))
        return {**known, "Id": person.celebrity_id, "Confidence": confidence_pct, "Face": detail}


def _present(members: Output) -> Output:
    return {name: value for name, value in members.items() if value is not None}
