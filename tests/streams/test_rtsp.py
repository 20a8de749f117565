"""Cameras that speak RTSP, through the locked decoder: who calls, over what, and what a lost or lying camera does."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from custodes.core.clock import SystemClock
from custodes.core.errors import NotFoundError
from custodes.storage.media.live import LiveLimits, LockedSources
from custodes.video.live.source import LiveSource
from tests.fakes.camera import Camera
from tests.fakes.rtsp_camera import USER, RtspCamera
from tests.fakes.tls import TlsAuthority

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
def watching(source: LiveSource, authorities: Path | None = None) -> Iterator[Iterator[np.ndarray | None]]:
    """Frames, and None while there is none, for half a minute at most."""
    sources = LockedSources(OneSource(source), SystemClock(), LiveLimits(silence_s=5, most_pause_s=0.5), authorities)
    end_s = time.monotonic() + 30
    with sources.frames("arn", 10, lambda: time.monotonic() > end_s) as frames:
        yield (None if frame is None else frame.rgb for frame in frames)


def first(source: LiveSource, within_s: float = 30, authorities: Path | None = None) -> np.ndarray | None:
    """The first frame, where one comes in time."""
    end_s = time.monotonic() + within_s
    with watching(source, authorities) as frames:
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


@pytest.mark.parametrize("kind", ["rtsps", "https"])
def test_a_camera_is_watched_whom_an_authority_of_the_operator_vouches_for(tmp_path: Path, kind: str) -> None:
    authority = TlsAuthority(tmp_path)
    with speaking(kind, authority.server("localhost")) as seen:
        assert shows(first(LiveSource(seen.url.replace("127.0.0.1", "localhost")), authorities=authority.file), RED)


@pytest.mark.parametrize("kind", ["rtsps", "https"])
@pytest.mark.parametrize("wrong", ["name", "address", "authority", "time", "authorities unknown"])
def test_a_camera_with_a_wrong_certificate_is_not_watched(tmp_path: Path, kind: str, wrong: str) -> None:
    authority, other = TlsAuthority(tmp_path), TlsAuthority(tmp_path, "other")
    context = {
        "name": lambda: authority.server("camera.example"),
        "address": lambda: authority.server("127.0.0.1"),
        "authority": lambda: other.server("localhost"),
        "time": lambda: authority.server("localhost", valid_days=-1),
        "authorities unknown": lambda: authority.server("localhost"),
    }[wrong]()
    known = None if wrong == "authorities unknown" else authority.file
    with speaking(kind, context) as seen:
        assert first(LiveSource(seen.url.replace("127.0.0.1", "localhost")), within_s=4, authorities=known) is None
        assert not (seen.asked if isinstance(seen, RtspCamera) else seen.number)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0177.0.0.1", "127.1"])
def test_a_camera_behind_tls_without_a_name_is_not_called(tmp_path: Path, host: str) -> None:
    authority = TlsAuthority(tmp_path)
    with speaking("rtsps", authority.server("127.0.0.1")) as seen:
        source = LiveSource(seen.url.replace("127.0.0.1", host))
        with pytest.raises(NotFoundError, match="name"), watching(source, authority.file):
            pass
        assert not seen.asked
    assert LiveSource("rtsps://camera.example/").verifiable and LiveSource(f"rtsp://{host}/").verifiable


@contextmanager
def speaking(kind: str, context: ssl.SSLContext) -> Iterator[RtspCamera | Camera]:
    """A camera behind TLS."""
    seen = RtspCamera(plain(RED), tls=context) if kind == "rtsps" else Camera(plain(RED), tls=context)
    try:
        yield seen
    finally:
        seen.shut()


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
