"""What is known about a detected face, in AWS members, as far as the request asks for it.

In: a DetectedFace, the size its pixels refer to, the requested attributes. Out: ``FaceDetail`` or ``ComparedFace``.
What no model measured is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from custodes.core.box import Size
from custodes.edge.aws.translate.members import bounding_box
from custodes.edge.aws.translate.route import Output
from custodes.engine.results.face import AgeRange, DetectedFace, Emotion, Gaze, Judgement, Landmark
from custodes.operations.images.attributes import Attribute, Attributes, shows
from custodes.operations.images.selection import FaceRefused

_EXPRESSIONS = frozenset({Attribute.SMILE, Attribute.EMOTIONS})
DEFAULT_LANDMARKS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")
# Source: the answers printed in the API's guide, "Detecting faces in an image"; programs index into them.
_LANDMARK_ORDER = {
    name: place
    for place, name in enumerate(
        (
            *DEFAULT_LANDMARKS,
            *("leftEyeBrowLeft", "leftEyeBrowRight", "leftEyeBrowUp"),
            *("rightEyeBrowLeft", "rightEyeBrowRight", "rightEyeBrowUp"),
            *("leftEyeLeft", "leftEyeRight", "leftEyeUp", "leftEyeDown"),
            *("rightEyeLeft", "rightEyeRight", "rightEyeUp", "rightEyeDown"),
            *("noseLeft", "noseRight", "mouthUp", "mouthDown", "leftPupil", "rightPupil"),
            *("upperJawlineLeft", "midJawlineLeft", "chinBottom", "midJawlineRight", "upperJawlineRight"),
        )
    )
}


def face_detail(face: DetectedFace, size: Size, attributes: Attributes) -> Output:
    """The structure ``FaceDetail``; 30 landmarks only with ALL, which single attributes do not imply."""
    everything = Attribute.ALL in attributes
    detail = _basics(face, size, every_landmark=everything)
    for attribute, (member, render) in _RENDERERS.items():
        if shows(attributes, attribute):
            detail[member] = render(face)
    return detail


def compared_face(face: DetectedFace, size: Size) -> Output:
    """The structure ``ComparedFace``."""
    return _basics(face, size, every_landmark=False)


def expressive_face(face: DetectedFace, size: Size, attributes: Attributes) -> Output:
    """The structure ``ComparedFace`` with Smile and Emotions, as far as ``attributes`` has them."""
    members = {
        member: render(face)
        for attribute, (member, render) in _RENDERERS.items()
        if attribute in _EXPRESSIONS and shows(attributes, attribute)
    }
    return {**_basics(face, size, every_landmark=False), **members}


def unindexed_face(refused: FaceRefused, size: Size, attributes: Attributes) -> Output:
    """The structure ``UnindexedFace``."""
    return {"Reasons": list(refused.reasons), "FaceDetail": face_detail(refused.face, size, attributes)}


def unsearched_face(refused: FaceRefused, size: Size, attributes: Attributes) -> Output:
    """The structure ``UnsearchedFace``, whose member is ``FaceDetails``."""
    return {"Reasons": list(refused.reasons), "FaceDetails": face_detail(refused.face, size, attributes)}


def _basics(face: DetectedFace, size: Size, *, every_landmark: bool) -> Output:
    points = [point for point in face.landmarks if every_landmark or point.name in DEFAULT_LANDMARKS]
    points.sort(key=lambda point: _LANDMARK_ORDER[point.name])
    return {
        "BoundingBox": bounding_box(face.box_px.to_ratio(size)),
        "Confidence": face.confidence_pct,
        "Landmarks": [_landmark(point, size) for point in points],
        "Pose": {"Roll": face.pose.roll_deg, "Yaw": face.pose.yaw_deg, "Pitch": face.pose.pitch_deg},
        "Quality": {"Brightness": face.quality.brightness_pct, "Sharpness": face.quality.sharpness_pct},
    }


def _landmark(point: Landmark, size: Size) -> Output:
    return {"Type": point.name, "X": point.x_px / size.width, "Y": point.y_px / size.height}


def _judgement(judgement: Judgement | None) -> Output | None:
    return None if judgement is None else {"Value": judgement.value, "Confidence": judgement.confidence_pct}


def _gaze(gaze: Gaze | None) -> Output | None:
    return None if gaze is None else {"Yaw": gaze.yaw_deg, "Pitch": gaze.pitch_deg, "Confidence": gaze.confidence_pct}


def _age_range(age: AgeRange | None) -> Output | None:
    return None if age is None else {"Low": age.low_years, "High": age.high_years}


def _gender(male: Judgement | None) -> Output | None:
    if male is None:
        return None
    return {"Value": "Male" if male.value else "Female", "Confidence": male.confidence_pct}


def _emotions(emotions: tuple[Emotion, ...] | None) -> list[Output] | None:
    if emotions is None:
        return None
    return [{"Type": emotion.name, "Confidence": emotion.confidence_pct} for emotion in emotions]


_RENDERERS: Mapping[Attribute, tuple[str, Callable[[DetectedFace], Any]]] = MappingProxyType(
    {
        Attribute.AGE_RANGE: ("AgeRange", lambda face: _age_range(face.traits.age)),
        Attribute.SMILE: ("Smile", lambda face: _judgement(face.traits.smile)),
        Attribute.EYEGLASSES: ("Eyeglasses", lambda face: _judgement(face.traits.eyeglasses)),
        Attribute.SUNGLASSES: ("Sunglasses", lambda face: _judgement(face.traits.sunglasses)),
        Attribute.GENDER: ("Gender", lambda face: _gender(face.traits.male)),
        Attribute.BEARD: ("Beard", lambda face: _judgement(face.traits.beard)),
        Attribute.MUSTACHE: ("Mustache", lambda face: _judgement(face.traits.mustache)),
        Attribute.EMOTIONS: ("Emotions", lambda face: _emotions(face.traits.emotions)),
        Attribute.FACE_OCCLUDED: ("FaceOccluded", lambda face: _judgement(face.traits.occluded)),
        Attribute.EYES_OPEN: ("EyesOpen", lambda face: _judgement(face.eyes_open)),
        Attribute.MOUTH_OPEN: ("MouthOpen", lambda face: _judgement(face.mouth_open)),
        Attribute.EYE_DIRECTION: ("EyeDirection", lambda face: _gaze(face.gaze)),
    }
)
"""Member and renderer of each attribute beyond the default ones. """
