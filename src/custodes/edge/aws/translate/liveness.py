"""CreateFaceLivenessSession and GetFaceLivenessSessionResults between members of the API and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.members import bounding_box
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.liveness.challenge import ChallengePreference, ChallengeType
from custodes.liveness.session import FeedbackCode, PictureBucket, SessionPicture, SessionWishes
from custodes.operations.liveness.commands import CreateFaceLivenessSession, GetFaceLivenessSessionResults
from custodes.operations.liveness.use_cases import FaceLiveness, SessionReport
from custodes.operations.requests.gate import Gate

_MESSAGES = {
    FeedbackCode.FACE_NOT_VISIBLE: "The face was not visible long enough.",
    FeedbackCode.FACE_OBSTRUCTION_DETECTED: "Something covered the face.",
    FeedbackCode.LOW_VIDEO_QUALITY_DETECTED: "The video is not sharp enough.",
    FeedbackCode.FACE_NOT_ALIGNED: "The face did not fill the oval to the end.",
    FeedbackCode.EYES_CLOSED_DETECTED: "The eyes were closed.",
    FeedbackCode.LOW_LIGHTING_DETECTED: "The face was too dark.",
    FeedbackCode.HIGH_LIGHTING_DETECTED: "There was too much light to see the colours of the screen on the face.",
}


def handlers(gate: Gate, liveness: FaceLiveness) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "CreateFaceLivenessSession": gated(gate, create_command, liveness.create, _created),
        "GetFaceLivenessSessionResults": gated(gate, results_command, liveness.results, results_output),
    }


def create_command(params: Params) -> CreateFaceLivenessSession:
    """Parameters of CreateFaceLivenessSession."""
    settings = params.get("Settings", {})
    output = settings.get("OutputConfig")
    wishes = SessionWishes(
        settings.get("AuditImagesLimit", 0),
        None if output is None else PictureBucket(output["S3Bucket"], output.get("S3KeyPrefix", "")),
        tuple(_preference(one) for one in settings.get("ChallengePreferences", ())),
        params.get("ClientRequestToken"),
        params.get("KmsKeyId"),
    )
    return CreateFaceLivenessSession(wishes=wishes)


def results_command(params: Params) -> GetFaceLivenessSessionResults:
    """Parameters of GetFaceLivenessSessionResults."""
    return GetFaceLivenessSessionResults(session_id=params["SessionId"])


def results_output(report: SessionReport) -> Output:
    """Output of GetFaceLivenessSessionResults."""
    found: Output = {"SessionId": report.session_id, "Status": report.state.value}
    result = report.result
    if result is None:
        return found
    return {
        **found,
        "Confidence": result.confidence_pct,
        "ReferenceImage": None if result.reference is None else _picture(result.reference),
        "AuditImages": [_picture(one) for one in result.audit],
        "Challenge": {"Type": result.kind.value, "Version": result.version},
        "Feedback": [{"Code": code.value, "Message": _MESSAGES[code]} for code in result.feedback],
        "Metadata": {"SDKType": result.client},
    }


def _created(session_id: str) -> Output:
    return {"SessionId": session_id}


def _preference(told: Params) -> ChallengePreference:
    kind, versions = ChallengeType(told["Type"]), told.get("Versions", {})
    asked = ChallengePreference(kind)
    return ChallengePreference(
        kind,
        versions.get("Minimum", asked.minimum),
        versions.get("Maximum", asked.maximum),
    )


def _picture(picture: SessionPicture) -> Output:
    box = bounding_box(picture.box)
    if picture.data is not None:
        return {"Bytes": picture.data, "BoundingBox": box}
    return {"S3Object": {"Bucket": picture.bucket, "Name": picture.key}, "BoundingBox": box}
