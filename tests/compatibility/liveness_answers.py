"""Requests that make the operations of Face Liveness return every member that this server returns."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from tests.fakes.clips import write_clip
from tests.fakes.liveness_client import Key, stream

BUCKET = "films"
MOVEMENT = [{"Type": "FaceMovementChallenge"}]


def video(picture: bytes) -> bytes:
    """A second of one picture."""
    seen = PIL.Image.open(io.BytesIO(picture)).convert("RGB")
    still = PIL.Image.new("RGB", (640, 480))
    still.paste(seen.resize((480, 480)), (80, 0))
    frame = np.asarray(still)
    with tempfile.TemporaryDirectory() as folder:
        return write_clip(Path(folder) / "still.webm", 15, lambda _: frame, 15.0, "VP80").read_bytes()


def checked(studio: Any, **settings: Any) -> dict[str, Any]:
    """The results of a whole check with the one face of the studio, which never comes closer."""
    client = studio.client
    session_id = client.create_face_liveness_session(Settings={"ChallengePreferences": MOVEMENT, **settings})[
        "SessionId"
    ]
    with stream(client.meta.endpoint_url, Key(*studio.key), session_id) as opened:
        opened.challenge()
        opened.video(video(studio.one))
        assert opened.event(60)[0] == "DisconnectionEvent"
    return client.get_face_liveness_session_results(SessionId=session_id)  # type: ignore[no-any-return]


LIVENESS_ANSWERS = {
    "CreateFaceLivenessSession": lambda studio: [studio.client.create_face_liveness_session()],
    "GetFaceLivenessSessionResults": lambda studio: [
        checked(studio, AuditImagesLimit=2),
        checked(studio, AuditImagesLimit=2, OutputConfig={"S3Bucket": BUCKET, "S3KeyPrefix": "checks/"}),
    ],
}
