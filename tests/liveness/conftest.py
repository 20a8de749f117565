"""Servers with face liveness over drawn faces: no networks are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.clips import write_clip
from tests.fakes.engine import Square, colour
from tests.fakes.live import LiveServer
from tests.fakes.liveness_client import Key


@pytest.fixture
def key(live_server: LiveServer) -> Key:
    """The operator's key."""
    found = live_server.deployment.keys.key
    return Key(found.access_key_id, found.secret)


@pytest.fixture
def new_session(rekognition: Any) -> Callable[..., str]:
    """Makes a session; its id."""

    def make(**wishes: Any) -> str:
        preferences = [{"Type": "FaceMovementChallenge"}, {"Type": "FaceMovementAndLightChallenge"}]
        settings = {"ChallengePreferences": preferences} | wishes
        return str(rekognition.create_face_liveness_session(Settings=settings)["SessionId"])

    return make


@pytest.fixture(scope="session")
def square_video(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """A drawn face that comes closer, 3 s, in WebM."""

    def draw(number: int) -> np.ndarray:
        rgb = np.zeros((480, 640, 3), np.uint8)
        side = 100 + number * 4
        top, left = 240 - side // 2, 320 - side // 2
        rgb[top : top + side, left : left + side] = colour(Square(1))
        return rgb

    path = write_clip(Path(tmp_path_factory.mktemp("film")) / "square.webm", 45, draw, 15.0, "VP80")
    yield path.read_bytes()
