"""A server that stops while somebody listens: streams end at once and in good order, and no defect is logged."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from custodes.core.slot import Slot
from custodes.engine.results.face import Detail, FacesFound
from custodes.imaging.image import Image
from tests.fakes.engine import MAX_FACES, Square, SquareEngine, picture
from tests.fakes.live import REGION, running
from tests.streams.kept import EventSource, credentials, presigned


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """What went wrong, said when the test is over."""
    found: list[str] = []
    with caplog.at_level(logging.WARNING):
        yield found
    text = caplog.text + "".join(capsys.readouterr())
    assert "Traceback" not in text and "ASGI" not in text and "unexpected error" not in text, text


@pytest.fixture
def open_ends() -> Iterator[ExitStack]:
    """Connections that outlive the server."""
    with ExitStack() as found:
        yield found


@pytest.mark.usefixtures("logged")
def test_event_streams_end_when_the_server_stops(tmp_path: Path, open_ends: ExitStack) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        source = EventSource(server)
        socket = open_ends.enter_context(connect(presigned(server, "ws")))
        began_s = time.monotonic()
    # Two seconds are what requests get that are still running.
    assert time.monotonic() - began_s < 1.9
    with closing(source), pytest.raises(EOFError):
        source.next()
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            assert "After" in json.loads(socket.recv(10))
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012


class StandingEngine(SquareEngine):
    """Looks at a picture for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        self.begun.set()
        assert self.go_on.wait(30)
        return super().detect(slot, image, detail, at_most)


@pytest.mark.usefixtures("logged")
def test_a_request_that_takes_too_long_is_told_to_come_back(tmp_path: Path) -> None:
    engine, told = StandingEngine(), list[int]()
    with running(tmp_path / "data", engine=engine) as server:
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "RekognitionService.DetectFaces"}
        image = {"Image": {"Bytes": base64.b64encode(picture(Square(1))).decode()}}
        request = AWSRequest("POST", server.url, headers=headers, data=json.dumps(image))
        SigV4Auth(credentials(server), "rekognition", REGION).add_auth(request)
        prepared = request.prepare()

        def ask() -> None:
            try:
                told.append(URLLib3Session().send(prepared).status_code)
            finally:
                engine.go_on.set()

        asking = threading.Thread(target=ask)
        asking.start()
        assert engine.begun.wait(10)
    asking.join(10)
    assert told == [503]
