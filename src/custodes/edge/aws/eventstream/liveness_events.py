"""Events of StartFaceLivenessSession: challenges as messages to the client, its messages as values.

In: challenges; inner messages of a stream. Out: messages; video, times, or a refusal. What the client claims about
faces is not read: only the video tells. It checks no signature and keeps no state.

Source: behaviour specification, section 3.11; the service model ``rekognitionstreaming`` in the JavaScript SDK.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
import pybase64

from custodes.edge.aws.errors import INTERNAL, THROTTLED, VALIDATION, ApiError
from custodes.edge.aws.eventstream.event_stream import EventMessage
from custodes.liveness.challenge import FIT_TIMEOUT_MS, OVAL_HEIGHT_WIDTH, LivenessChallenge, version_text

MAX_JSON_BYTES = 64 * 1024
"""Of an event that is no video; the component's have less than one."""
_VIDEO, _INFORMATION = "VideoEvent", "ClientSessionInformationEvent"
_CONFIG: Mapping[str, float] = MappingProxyType(
    {
        "BlazeFaceDetectionThreshold": 0.75,
        # Zeros would be taken for absent by the component.
        "FaceDistanceThreshold": 0.4,
        "FaceDistanceThresholdMin": 0.4,
        "FaceDistanceThresholdMax": 0.0,
        "OvalIouThreshold": 0.6,
        "OvalHeightWidthRatio": OVAL_HEIGHT_WIDTH,
        "OvalIouWidthThreshold": 0.25,
        "OvalIouHeightThreshold": 0.25,
        "FaceIouWidthThreshold": 0.15,
        "FaceIouHeightThreshold": 0.15,
        "OvalFitTimeout": FIT_TIMEOUT_MS,
    }
)
MODELLED = frozenset(
    {
        VALIDATION,
        "AccessDeniedException",
        "SessionNotFoundException",
        THROTTLED,
        "ServiceQuotaExceededException",
        "InternalServerException",
        "ServiceUnavailableException",
        "InvalidSignatureException",
    }
)
_SAME_AS: Mapping[str, str] = MappingProxyType(
    {
        INTERNAL: "ServiceUnavailableException",
        "ProvisionedThroughputExceededException": THROTTLED,
        "LimitExceededException": "ServiceQuotaExceededException",
        "UnrecognizedClientException": "AccessDeniedException",
        "ExpiredTokenException": "AccessDeniedException",
        "MissingAuthenticationTokenException": "AccessDeniedException",
        "IncompleteSignatureException": "AccessDeniedException",
    }
)
"""Codes of the API that the stream's model does not have."""


@dataclass(frozen=True, slots=True)
class VideoChunk:
    """A piece of the video; empty at its end."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientTimes:
    """What the client says of times, in ms of its own clock: when the video began, when colours began, by number."""

    video_start_ms: float | None = None
    colour: tuple[int, float] | None = None


def event(kind: str, body: Mapping[str, Any]) -> EventMessage:
    """An event of the server."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return EventMessage(headers, orjson.dumps(body))


def challenge_event(challenge: LivenessChallenge) -> EventMessage:
    """Which challenge is asked: newer clients need it first."""
    return event("ChallengeEvent", {"Type": challenge.kind, "Version": version_text(challenge.version)})


def session_information(challenge: LivenessChallenge) -> EventMessage:
    """The challenge itself."""
    oval = challenge.oval
    asked: dict[str, Any] = {
        "OvalParameters": {
            "Width": float(oval.width),
            "Height": float(oval.height),
            "CenterX": float(oval.centre_x),
            "CenterY": float(oval.centre_y),
        },
        "ChallengeConfig": dict(_CONFIG),
    }
    if challenge.colours:
        asked["LightChallengeType"] = "SEQUENTIAL"
        asked["ColorSequences"] = [
            {
                "FreshnessColor": {"RGB": list(one.rgb)},
                "DownscrollDuration": float(one.scroll_ms),
                "FlatDisplayDuration": float(one.flat_ms),
            }
            for one in challenge.colours
        ]
    information = {"Challenge": {challenge.kind.value: asked}}
    return event("ServerSessionInformationEvent", {"SessionInformation": information})


def disconnection(ts_ms: int) -> EventMessage:
    """The end: the result is there."""
    return event("DisconnectionEvent", {"TimestampMillis": ts_ms})


def exception(error: ApiError) -> EventMessage:
    """An error as the stream's model has it."""
    code = _SAME_AS.get(error.code, error.code)
    code = code if code in MODELLED else VALIDATION
    headers = {":message-type": "exception", ":exception-type": code, ":content-type": "application/json"}
    return EventMessage(headers, orjson.dumps({"Message": error.message, "Code": code}))


def client_event(message: EventMessage) -> VideoChunk | ClientTimes:
    """What an inner message says.

    Raises:
        ApiError: ValidationException, for what no client of the protocol sends.
    """
    kind = message.headers.get(":event-type")
    if message.headers.get(":message-type") != "event" or kind not in (_VIDEO, _INFORMATION):
        raise _invalid("The message is no event of this stream.")
    if kind == _INFORMATION and len(message.payload) > MAX_JSON_BYTES:
        raise _invalid("The event is too long.")
    try:
        told = orjson.loads(message.payload)
    except ValueError:
        raise _invalid("The event is not JSON.") from None
    if not isinstance(told, dict):
        raise _invalid("The event is no object.")
    return _video(told) if kind == _VIDEO else _times(told)


def _video(told: Mapping[str, Any]) -> VideoChunk:
    chunk = told.get("VideoChunk", "")
    if not isinstance(chunk, str):
        raise _invalid("VideoChunk is not base64.")
    try:
        return VideoChunk(pybase64.b64decode(chunk, validate=True))
    except (binascii.Error, ValueError):
        raise _invalid("VideoChunk is not base64.") from None


def _times(told: Mapping[str, Any]) -> ClientTimes:
    challenge = told.get("Challenge")
    asked = next(iter(challenge.values()), None) if isinstance(challenge, dict) and len(challenge) == 1 else None
    if not isinstance(asked, dict):
        raise _invalid("The event names no challenge.")
    shown = asked.get("ColorDisplayed")
    colour = None
    if isinstance(shown, dict):
        number, began = shown.get("SequenceNumber"), _moment(shown.get("CurrentColorStartTimestamp"))
        if isinstance(number, int) and not isinstance(number, bool) and began is not None:
            colour = (number, began)
    return ClientTimes(_moment(asked.get("VideoStartTimestamp")), colour)


def _moment(value: object) -> float | None:
    """A time in ms, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value < 1e14 else None


def _invalid(message: str) -> ApiError:
    return ApiError(VALIDATION, message)
