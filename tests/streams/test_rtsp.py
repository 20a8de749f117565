"""Cameras that speak RTSP, through the locked decoder: who calls, over what, and what a lost or lying camera does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from custodes.core.clock import SystemClock
from custodes.storage.media.live import LiveLimits, LockedSources
from custodes.video.live.source import LiveSource
from tests.fakes.camera import Camera
from tests.fakes.rtsp_camera import USER, RtspCamera

GREY, RED = (90, 90, 90), (200, 40, 40)


def plain(colour: tuple[int, int, int]) -> Callable[[int], np.ndarray]:
    return lambda _: np.full((240, 320, 3), colour, np.uint8)


class OneSource:
    """Implements LiveSourceMap for one."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def find(self, arn: str) -> LiveSource | None:
        return self._source

    def all(self) -> dict[str, LiveSource]:
        return {"arn": self._source}

    def put(self, arn: str, source: LiveSource) -> None: ...
    def drop(self, arn: str) -> bool:
        return False


@pytest.fixture
def camera() -> Iterator[Callable[..., RtspCamera]]:
    made: list[RtspCamera] = []

    def begin(**how: Any) -> RtspCamera:
        made.append(RtspCamera(**how))
        return made[-1]

    yield begin
    for one in made:
        one.shut()


@contextmanager
def watching(source: LiveSource) -> Iterator[Iterator[np.ndarray | None]]:
    """Frames, and None while there is none, for half a minute at most."""
    sources = LockedSources(OneSource(source), SystemClock(), LiveLimits(silence_s=5, most_pause_s=0.5))
    end_s = time.monotonic() + 30
    with sources.frames("arn", 10, lambda: time.monotonic() > end_s) as frames:
        yield (None if frame is None else frame.rgb for frame in frames)


def first(source: LiveSource, within_s: float = 30) -> np.ndarray | None:
    """The first frame, where one comes in time."""
    end_s = time.monotonic() + within_s
    with watching(source) as frames:
        for rgb in frames:
            if rgb is not None or time.monotonic() > end_s:
                return rgb
    return None


def shows(rgb: np.ndarray | None, colour: tuple[int, int, int]) -> bool:
    return rgb is not None and rgb.shape == (240, 320, 3) and np.abs(rgb.mean((0, 1)) - colour).max() < 12


def test_frames_come_over_the_one_connection(camera: Callable[..., RtspCamera]) -> None:
    seen = camera(view=plain(RED))
    assert shows(first(LiveSource(seen.url)), RED)
    assert seen.callers == 1
    assert seen.asked[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert all("RTP/AVP/TCP" in transport for transport in seen.transports)


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
@pytest.mark.parametrize("secret", ["simple", "with: @/% & ü"])
def test_who_calls_is_asked(camera: Callable[..., RtspCamera], scheme: str, secret: str) -> None:
    seen = camera(view=plain(GREY), password=secret, scheme=scheme)
    assert shows(first(LiveSource(seen.url, USER, secret)), GREY)


def test_a_wrong_password_shows_nothing(camera: Callable[..., RtspCamera]) -> None:
    seen = camera(view=plain(GREY), password="right")
    assert first(LiveSource(seen.url, USER, "wrong"), within_s=3) is None
    assert "DESCRIBE" in seen.asked and "PLAY" not in seen.asked


def test_a_camera_that_hangs_up_is_called_again(camera: Callable[..., RtspCamera]) -> None:
    seen = camera(view=plain(GREY))
    with watching(LiveSource(seen.url)) as frames:
        assert shows(next(rgb for rgb in frames if rgb is not None), GREY)
        seen.view = plain(RED)
        seen.drop()
        assert any(shows(rgb, RED) for rgb in frames)
    assert seen.callers == 2


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"], ids=["other port", "other host, same port"])
def test_nobody_is_sent_elsewhere(camera: Callable[..., RtspCamera], host: str, scheme: str) -> None:
    lying = camera(view=plain(GREY))
    port = 0 if host == lying.host else lying.port
    elsewhere = camera(view=plain(RED), host=host, port=port)
    lying.redirect = elsewhere.url.replace("rtsp:", f"{scheme}:")
    assert first(LiveSource(lying.url), within_s=4) is None
    assert lying.asked
    assert elsewhere.callers == 0


def test_a_camera_of_http_sends_nobody_elsewhere() -> None:
    elsewhere = Camera(plain(RED), host="127.0.0.2")
    lying = Camera(plain(GREY), elsewhere.port)
    try:
        assert shows(first(LiveSource(lying.url)), GREY)
        lying.redirect = elsewhere.url
        assert first(LiveSource(lying.url), within_s=4) is None
        assert (elsewhere.number, lying.redirected) == (0, True)
    finally:
        lying.shut()
        elsewhere.shut()
