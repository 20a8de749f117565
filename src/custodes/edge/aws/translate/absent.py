"""Members of the API that this server does not return or does not read, each with the reason.

The one list behind docs/compatibility.md; tests/compatibility derives all other members from the service model and
proves on answers that they do occur and that these never do. A name is ``Structure.Member``: it holds in every
operation, or with ``Operation:`` before it in that one. What stands in it, for instance all of ``AgeRange``, goes with
it. To return a member, delete its line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_UPRIGHT = "boxes refer to the upright picture; the service stopped sending it with face model 4"
_NO_REVIEW = "there are no reviewers: a request for a human loop is refused as a whole"
_DEFAULT_ONLY = "the service tells default attributes only here, and so do we"
_NO_BODY = "a face search looks at faces; GetPersonTracking has bodies"
_NOT_IN_VIDEO = "the service never tells it of videos, and so do we"
_PINNED = "the video is told back as it was asked for, without a version"
_UNVERSIONED = "manifests and lists are told back without a version, and results have none"
_LISTS = ("DescribeProjectVersions", "GetMediaAnalysisJob", "ListMediaAnalysisJobs")
_FACES_IN_VIDEO = ("GetFaceSearch", "GetPersonTracking", "GetCelebrityRecognition")
_VIDEO_FAMILIES = (
    "FaceDetection",
    "FaceSearch",
    "PersonTracking",
    "LabelDetection",
    "ContentModeration",
    "TextDetection",
    "CelebrityRecognition",
    "SegmentDetection",
)
_BEYOND_DEFAULT = (
    "AgeRange",
    "Smile",
    "Eyeglasses",
    "Sunglasses",
    "Gender",
    "Beard",
    "Mustache",
    "EyesOpen",
    "MouthOpen",
    "Emotions",
    "FaceOccluded",
    "EyeDirection",
)

NOT_RETURNED: Mapping[str, str] = MappingProxyType(
    {
        "DetectFacesResponse.OrientationCorrection": _UPRIGHT,
        "IndexFacesResponse.OrientationCorrection": _UPRIGHT,
        "RecognizeCelebritiesResponse.OrientationCorrection": _UPRIGHT,
        "CompareFacesResponse.SourceImageOrientationCorrection": _UPRIGHT,
        "CompareFacesResponse.TargetImageOrientationCorrection": _UPRIGHT,
        "DetectModerationLabelsResponse.HumanLoopActivationOutput": _NO_REVIEW,
        "DetectCustomLabels:Geometry.Polygon": "the service never tells it of custom labels, and so do we",
        "DetectLabelsResponse.OrientationCorrection": _UPRIGHT,
        "GetFaceLivenessSessionResults:S3Object.Version": "pictures are told by bucket and key alone",
        "DescribeStreamProcessor:RegionOfInterest.BoundingBox": "a region is told back as a polygon",
        "CompareFaces:ComparedFace.Emotions": _DEFAULT_ONLY,
        "CompareFaces:ComparedFace.Smile": _DEFAULT_ONLY,
        "GetFaceDetection:FaceDetail.FaceOccluded": _NOT_IN_VIDEO,
        "GetFaceDetection:FaceDetail.EyeDirection": _NOT_IN_VIDEO,
        "GetLabelDetection:Instance.DominantColors": _NOT_IN_VIDEO,
        "GetFaceSearch:PersonDetail.BoundingBox": _NO_BODY,
        "GetCelebrityRecognition:CelebrityDetail.BoundingBox": _NO_BODY,
        **{f"Get{family}:S3Object.Version": _PINNED for family in _VIDEO_FAMILIES},
        **{f"{operation}:S3Object.Version": _UNVERSIONED for operation in _LISTS},
        **{
            f"{operation}:FaceDetail.{member}": _DEFAULT_ONLY
            for operation in _FACES_IN_VIDEO
            for member in _BEYOND_DEFAULT
        },
        **{f"SearchUsersByImage:FaceDetail.{member}": _DEFAULT_ONLY for member in _BEYOND_DEFAULT},
    }
)
"""Output members that no answer has."""

NOT_READ: Mapping[str, str] = MappingProxyType(
    {f"HumanLoopConfig.{member}": _NO_REVIEW for member in ("HumanLoopName", "FlowDefinitionArn", "DataAttributes")}
)
"""Input members that are accepted, as the service does, and change nothing."""


def reason_of(listed: Mapping[str, str], operation: str, owner: str, member: str) -> str | None:
    """Why ``listed`` has this member of ``owner`` in ``operation``; None when it does not."""
    name = f"{owner}.{member}"
    return listed.get(f"{operation}:{name}", listed.get(name))
