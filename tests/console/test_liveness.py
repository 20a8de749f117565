"""Check liveness in the browser: a page streams a drawn camera to the server, signed, and is judged by it."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from botocore.eventstream import EventStreamBuffer

from custodes.core.device import Device
from custodes.engine.faces.assembly import open_face_engine
from custodes.ledger.tlog.entry import decode
from custodes.liveness.challenge import Oval
from custodes.models.store import ModelStore
from tests.fakes.browser import Watched, sign_in
from tests.fakes.engine import Square, colour
from tests.fakes.live import running
from tests.fakes.liveness_film import Film, portrait_of

CAMERA = (Path(__file__).parent / "drawn_camera.js").read_text(encoding="utf-8")
LEAST_FPS = 6.0
"""Fewer hold too little of the colours; see tests/liveness/test_component.py."""
SQUARE = "rgb({} {} {})".format(*colour(Square(1)))


def draw_camera(watched: Watched, **given: Any) -> None:
    watched.page.add_init_script(f"window.drawnCamera = {json.dumps(given)};\n{CAMERA}")


def begin(watched: Watched, challenge: str) -> None:
    page = watched.page
    page.get_by_role("link", name="Check liveness").click()
    page.check(f"input[value={challenge}]")
    page.get_by_role("button", name="Make a session").click()
    page.get_by_role("button", name="Open the camera").click()


@pytest.mark.parametrize("challenge", ["light", "movement"])
def test_a_check_runs_to_its_result(browse: Callable[..., Any], served: Any, challenge: str) -> None:
    with browse() as watched:
        page = watched.page
        draw_camera(watched, square=SQUARE, reflects=True)
        sign_in(watched, served)
        begin(watched, challenge)
        page.get_by_text("Come closer").wait_for(timeout=20_000)
        page.wait_for_url("**/console/liveness/*-*", timeout=40_000)
        assert "%" in page.inner_text(".figure .value")
        assert page.locator("dd .state").inner_text() == "SUCCEEDED"
        assert "custodes-console" in page.inner_text("dl.facts")
        page.wait_for_selector("[data-receipt][data-state=good]")
    ledger = served.deployment.ledger
    ledger.log.flush()
    used = [decode(envelope).kind for _, envelope in ledger.log.tree().entries()]
    assert used.count("use") >= 4


def test_what_the_page_may_sign_with_is_good_for_the_stream_alone(browse: Callable[..., Any], served: Any) -> None:
    import boto3
    from botocore.exceptions import ClientError

    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/liveness")
        page.get_by_role("button", name="Make a session").click()
        part = page.locator("[data-liveness]")
        key, secret, token = (part.get_attribute(f"data-{name}") for name in ("key", "secret", "token"))
    session = boto3.session.Session(key, secret, token, region_name="eu-central-1")
    client = session.client("rekognition", endpoint_url=served.url)
    for ask in (
        client.list_collections,
        client.create_face_liveness_session,
        lambda: client.create_collection(CollectionId="stolen"),
    ):
        with pytest.raises(ClientError, match="not authorized"):
            ask()


def test_a_camera_that_is_refused_is_told(browse: Callable[..., Any], served: Any) -> None:
    with browse() as watched:
        draw_camera(watched, refused=True)
        sign_in(watched, served)
        begin(watched, "light")
        watched.page.get_by_role("alert").get_by_text("The camera cannot be opened").wait_for()
        assert not watched.page.is_visible(".booth")


def test_whoever_stops_is_not_judged(browse: Callable[..., Any], served: Any) -> None:
    with browse() as watched:
        page = watched.page
        draw_camera(watched, square=SQUARE)
        sign_in(watched, served)
        begin(watched, "light")
        page.locator(".say", has_text="Hold your face in the middle").wait_for()
        session = page.locator("[data-liveness]").get_attribute("data-liveness")
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("alert").get_by_text("broke off").wait_for()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            watched.go(f"/liveness/{session}")
            if page.locator("dd .state").inner_text() == "FAILED":
                break
        assert page.locator("dd .state").inner_text() == "FAILED"
        page.get_by_text("The check was not completed").wait_for()


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.parametrize(("reflects", "least", "most"), [(True, 50.0, 100.0), (False, 0.0, 30.0)])
def test_the_real_networks_tell_a_head_that_is_lit_from_one_that_is_not(
    chromium: Any, model_pack: Path, tmp_path: Path, reflects: bool, least: float, most: float
) -> None:
    frames = film(model_pack)
    with running(tmp_path / "data", {"models": model_pack}) as server:
        # The oval is drawn at random, and some live faces are refused (docs/liveness.md): people try again.
        for _ in range(3):
            context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
            watched = Watched(context.new_page(), server.url)
            watched.watch()
            sent = messages_of(watched.page)
            draw_camera(watched, frames=frames, reflects=reflects)
            sign_in(watched, server)
            begin(watched, "light")
            watched.page.wait_for_url("**/console/liveness/*-*", timeout=60_000)
            confidence = float(watched.page.inner_text(".figure .value").split()[0])
            context.close()
            assert watched.wrong == []
            fps = frames_per_second(sent, tmp_path / "seen.webm")
            if fps < LEAST_FPS:
                pytest.skip(f"this machine is too busy: the browser recorded {fps:.0f} frames a second")
            if confidence >= least:
                break
        assert least <= confidence <= most


def messages_of(page: Any) -> list[bytes]:
    """What the page sends over WebSockets from now on."""
    sent: list[bytes] = []

    def note(data: bytes) -> None:
        sent.append(data)

    page.on("websocket", lambda socket: socket.on("framesent", note))
    return sent


def frames_per_second(sent: list[bytes], path: Path) -> float:
    """Of the video that these messages hold."""
    events = [inside(inside(message)[1]) for message in sent]
    pieces = [json.loads(body)["VideoChunk"] for kind, body in events if kind == "VideoEvent"]
    path.write_bytes(b"".join(map(b64decode, pieces)))
    capture, times = cv2.VideoCapture(str(path)), []
    while capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    return 1000.0 * len(times) / times[-1]


def inside(message: bytes) -> tuple[str, bytes]:
    """Kind and body of a message, as botocore reads it."""
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    told = next(iter(buffer)).to_response_dict()
    return str(told["headers"].get(":event-type", "")), told["body"]


def film(models: Path) -> list[str]:
    """Pictures of a face that comes closer, as JPEGs in Base64: the astronaut, rendered with perspective."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    engine = open_face_engine(ModelStore(models), Device.CPU, 2)
    oval = Oval(320, 240, 280, 453)
    seen = Film(portrait_of(engine, astronaut), oval, far_ms=0, near_ms=1000, end_ms=1000, noise=1.0)
    pictures = (seen.frame(1000 * number / 23)[..., ::-1] for number in range(24))
    return [b64encode(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]).decode() for bgr in pictures]
