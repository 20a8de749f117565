"""Sessions of face liveness: what was wished for, which state may follow which, what came of it.

In: sessions and the time. Out: their states, and bytes to be sealed. A session is for one check: it is begun once,
within three minutes of being made, and ends once. It keeps and judges nothing.

Source of states and limits: API guide, Face Liveness; behaviour specification, section 3.10.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson

from custodes.core.box import BoxRatio
from custodes.core.ids import AccountId
from custodes.liveness.challenge import ChallengePreference, ChallengeType

LIFETIME_MS = 180_000
"""From being made until it must have begun."""
MAX_RUN_MS = 300_000
"""From then until it has ended, whatever happens to the server."""
MAX_PICTURE_BYTES = 204_800
MAX_AUDIT_PICTURES = 4


class LivenessState(StrEnum):
    """States of a session (API enum)."""

    CREATED = "CREATED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    """The check was completed. It does not say that somebody is alive."""
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class FeedbackCode(StrEnum):
    """What makes a result less sure (API enum)."""

    FACE_NOT_VISIBLE = "FACE_NOT_VISIBLE"
    FACE_OBSTRUCTION_DETECTED = "FACE_OBSTRUCTION_DETECTED"
    LOW_VIDEO_QUALITY_DETECTED = "LOW_VIDEO_QUALITY_DETECTED"
    FACE_NOT_ALIGNED = "FACE_NOT_ALIGNED"
    EYES_CLOSED_DETECTED = "EYES_CLOSED_DETECTED"
    LOW_LIGHTING_DETECTED = "LOW_LIGHTING_DETECTED"
    HIGH_LIGHTING_DETECTED = "HIGH_LIGHTING_DETECTED"


@dataclass(frozen=True, slots=True)
class PictureBucket:
    """Where pictures are to go: a bucket, and what their keys begin with."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class SessionWishes:
    """What an application asked for.

    Attributes:
        audit_pictures: at most so many, 0 to 4.
        output: bucket for the pictures; None to have them in the answer.
        preferences: challenges in order of preference; empty for the default.
        token: ClientRequestToken.
        kms_key: under which the bucket of ``output`` encrypts pictures; what is kept here has a key of its own.
    """

    audit_pictures: int = 0
    output: PictureBucket | None = None
    preferences: tuple[ChallengePreference, ...] = ()
    token: str | None = None
    kms_key: str | None = None


@dataclass(frozen=True, slots=True)
class SessionPicture:
    """One frame of the video as a JPEG of at most 200 kB, or where it was put; and where the face is in it."""

    box: BoxRatio
    data: bytes | None = field(default=None, repr=False)
    bucket: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """What came of a completed check.

    Attributes:
        confidence_pct: 0 to 100, as docs/liveness.md has it.
        kind: of challenge that was asked.
        reference: the best frame, None where there is none.
        audit: further frames.
        feedback: what made it less sure.
        client: what the client says that it is.
    """

    confidence_pct: float
    kind: ChallengeType
    version: str
    reference: SessionPicture | None = None
    audit: tuple[SessionPicture, ...] = ()
    feedback: tuple[FeedbackCode, ...] = ()
    client: str = ""


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """One session.

    Attributes:
        stored: the state as it was last written; ``state_at`` tells what the clock has made of it.
        begun_ts_ms: when its stream began.
        charged: whether somebody has paid for the result.
    """

    account_id: AccountId
    session_id: str
    created_ts_ms: int
    wishes: SessionWishes
    stored: LivenessState = LivenessState.CREATED
    begun_ts_ms: int | None = None
    result: LivenessResult | None = None
    charged: bool = False

    def state_at(self, now_ms: int) -> LivenessState:
        """Its state now: nobody writes that time has passed."""
        if self.stored is LivenessState.CREATED and now_ms >= self.created_ts_ms + LIFETIME_MS:
            return LivenessState.EXPIRED
        if self.stored is LivenessState.IN_PROGRESS and now_ms >= (self.begun_ts_ms or 0) + MAX_RUN_MS:
            return LivenessState.FAILED
        return self.stored


def begun(session: LivenessSession, now_ms: int) -> LivenessSession | None:
    """``session`` in progress; None unless it waits to begin."""
    if session.state_at(now_ms) is not LivenessState.CREATED:
        return None
    return replace(session, stored=LivenessState.IN_PROGRESS, begun_ts_ms=now_ms)


def ended(session: LivenessSession, result: LivenessResult | None, now_ms: int) -> LivenessSession | None:
    """``session`` with its result, or failed without one; None unless it is in progress."""
    if session.state_at(now_ms) is not LivenessState.IN_PROGRESS:
        return None
    state = LivenessState.FAILED if result is None else LivenessState.SUCCEEDED
    return replace(session, stored=state, result=result)


def charged(session: LivenessSession) -> LivenessSession | None:
    """``session``, paid for; None where it was before, or has no result."""
    return None if session.charged or session.result is None else replace(session, charged=True)


def encoded(session: LivenessSession) -> bytes:
    """What of ``session`` is sealed."""
    wishes, result = session.wishes, session.result
    output = wishes.output
    return orjson.dumps(
        {
            "audit": wishes.audit_pictures,
            "output": None if output is None else [output.bucket, output.prefix],
            "preferences": [[one.kind.value, one.minimum, one.maximum] for one in wishes.preferences],
            "begun": session.begun_ts_ms,
            "kms_key": wishes.kms_key,
            "charged": session.charged,
            "result": None if result is None else _result_json(result),
        }
    )


def decoded(bare: LivenessSession, state: str, told: bytes) -> LivenessSession:
    """``bare``, of which only ids, time and token are known, in ``state`` and with what ``encoded`` wrote.

    Raises:
        ValueError, KeyError, TypeError: for what it did not write.
    """
    value = orjson.loads(told)
    output = value["output"]
    wishes = SessionWishes(
        value["audit"],
        None if output is None else PictureBucket(*output),
        tuple(ChallengePreference(ChallengeType(kind), least, most) for kind, least, most in value["preferences"]),
        bare.wishes.token,
        value.get("kms_key"),
    )
    result = None if value["result"] is None else _result(value["result"])
    begun_ts_ms, paid = value["begun"], value.get("charged", False)
    return replace(
        bare, wishes=wishes, stored=LivenessState(state), begun_ts_ms=begun_ts_ms, result=result, charged=paid
    )


def _result_json(result: LivenessResult) -> dict[str, object]:
    return {
        "confidence": result.confidence_pct,
        "kind": result.kind.value,
        "version": result.version,
        "reference": None if result.reference is None else _picture_json(result.reference),
        "audit": [_picture_json(one) for one in result.audit],
        "feedback": [one.value for one in result.feedback],
        "client": result.client,
    }


def _result(value: Mapping[str, Any]) -> LivenessResult:
    return LivenessResult(
        value["confidence"],
        ChallengeType(value["kind"]),
        value["version"],
        None if value["reference"] is None else _picture(value["reference"]),
        tuple(_picture(one) for one in value["audit"]),
        tuple(FeedbackCode(one) for one in value["feedback"]),
        value["client"],
    )


def _picture_json(picture: SessionPicture) -> dict[str, object]:
    box = picture.box
    return {
        "box": [box.left, box.top, box.width, box.height],
        "data": None if picture.data is None else base64.b64encode(picture.data).decode(),
        "place": [picture.bucket, picture.key],
    }


def _picture(value: Mapping[str, Any]) -> SessionPicture:
    data, (bucket, key) = value["data"], value["place"]
    return SessionPicture(BoxRatio(*value["box"]), None if data is None else base64.b64decode(data), bucket, key)
