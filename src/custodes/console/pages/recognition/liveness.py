"""Check liveness: whether somebody stands before the camera of this browser.

In: visits. Out: a page whose script opens the camera and streams what it sees to StartFaceLivenessSession, as the
components of Amplify do; then what came of it. The script signs with credentials of who asks, which are good for that
one operation and a quarter of an hour.
"""

from __future__ import annotations

import json
from base64 import b64encode

from custodes.console.visit import View, Visit

CHALLENGES = {"light": "FaceMovementAndLightChallenge", "movement": "FaceMovementChallenge"}
BEGINNING = ("CreateFaceLivenessSession", "GetSessionToken")
RESULT = ("GetFaceLivenessSessionResults",)
ENOUGH_PCT, TOO_LITTLE_PCT = 90.0, 30.0
"""From where and to where docs/liveness.md speaks of a pass and of a failure."""
_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "rekognition:StartFaceLivenessSession", "Resource": "*"}],
    }
)


def page(_: Visit) -> View:
    """What is going to happen, and the choice."""
    return View("liveness.html")


def begin(visit: Visit) -> View:
    """A session, and the page that holds the check."""
    kind = CHALLENGES.get(visit.form.text("challenge"), CHALLENGES["light"])
    wishes = {"ChallengePreferences": [{"Type": kind}]}
    session = visit.api("CreateFaceLivenessSession", Settings=wishes)["SessionId"]
    credentials = visit.credentials(_POLICY)["Credentials"]
    values = {"session": session, "credentials": credentials, "region": visit.parts.region, "kind": kind}
    return View("liveness_check.html", values)


def result(visit: Visit) -> View:
    """What came of a session; reading it is a use on record."""
    session = visit.path["session"]
    answer = visit.api("GetFaceLivenessSessionResults", SessionId=session)
    picture = (answer.get("ReferenceImage") or {}).get("Bytes")
    shown = "" if picture is None else b64encode(picture).decode()
    confidence = answer.get("Confidence")
    return View(
        "liveness_result.html",
        {"session": session, "answer": answer, "picture": shown, "word": _word(answer["Status"], confidence)},
    )


def _word(status: str, confidence: float | None) -> str:
    """Which of the sentences about a result holds."""
    if status != "SUCCEEDED" or confidence is None:
        return "waiting" if status in ("CREATED", "IN_PROGRESS") else "failed"
    if confidence >= ENOUGH_PCT:
        return "live"
    return "not_live" if confidence <= TOO_LITTLE_PCT else "unsure"
