"""Live streams in the browser: a processor started and stopped, and whom it saw coming up by itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.browser import Watched, sign_in
from tests.fakes.camera import Camera
from tests.fakes.live import REGION, running
from tests.fakes.sight import sight

KEYS = {"aws_access_key_id": "AKEXAMPLE", "aws_secret_access_key": "secret", "region_name": REGION}


def test_events_follow_by_themselves(chromium: Any, tmp_path: Path) -> None:
    moto = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    camera = Camera(lambda number: scene(Blob("ann", 10 + number % 40), Blob("bob", 200)))
    try:
        url = "http://{}:{}".format(*moto.get_host_and_port())
        overrides: dict[str, Any] = {"stream_fragment_s": 1, "stream_samples_per_second": "4", "kinesis_endpoint": url}
        overrides |= {"kinesis_access_key_id": "AKEXAMPLE", "kinesis_secret_access_key": "secret"}
        with running(tmp_path / "data", overrides, engine=BlobEngine(), sight=sight()) as server:
            prepare(server, url, camera.url)
            context = chromium.new_context(locale="en-GB")
            watched = Watched(context.new_page(), server.url)
            watched.watch()
            page = watched.page
            page.set_default_timeout(20_000)
            sign_in(watched, server)
            page.get_by_role("link", name="Live streams").click()
            page.get_by_role("link", name="front").click()
            page.get_by_role("link", name="Events").click()
            page.get_by_text("No events since yesterday.").wait_for()
            server.client().start_stream_processor(Name="front")
            page.get_by_role("link", name="Ann").wait_for()  # nobody loaded the page again
            page.get_by_text("unknown", exact=True).wait_for()
            assert page.locator("li.face img").count() == 2
            page.get_by_role("link", name="Live streams").first.click()
            page.get_by_role("button", name="Stop").click()
            page.locator(".state", has_text="STOPPED").wait_for()
            page.get_by_role("button", name="Start").click()
            page.locator(".state", has_text="RUNNING").wait_for()
            page.get_by_role("button", name="Stop").click()
            page.locator(".state", has_text="STOPPED").wait_for()
            page.get_by_role("button", name="Delete").click()
            page.get_by_text("No stream processors.").wait_for()
            context.close()
            assert watched.wrong == []
    finally:
        camera.shut()
        moto.stop()


def prepare(server: Any, kinesis_url: str, camera_url: str) -> None:
    """A processor that looks for Ann and keeps whom it sees."""
    kinesis = boto3.client("kinesis", endpoint_url=kinesis_url, **KEYS)
    # moto is one for all tests of a process, and others have a stream called front.
    kinesis.create_stream(StreamName="seen-on-pages", ShardCount=1)
    output = kinesis.describe_stream_summary(StreamName="seen-on-pages")["StreamDescriptionSummary"]["StreamARN"]
    arn = f"arn:aws:kinesisvideo:{REGION}:{server.deployment.keys.account_id}:stream/front/1700000000000"
    server.deployment.administration.ask("stream source set", {"arn": arn, "url": camera_url}, os.getuid())
    client = server.client()
    client.create_collection(CollectionId="staff")
    client.index_faces(CollectionId="staff", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
    until = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
    stated = {"purpose": "access-control", "legal_basis": "consent", "place": "private", "until": until, "events": "7"}
    client.create_stream_processor(
        Name="front",
        Input={"KinesisVideoStream": {"Arn": arn}},
        Output={"KinesisDataStream": {"Arn": output}},
        RoleArn="arn:aws:iam::123456789012:role/streams",
        Settings={"FaceSearch": {"CollectionId": "staff", "FaceMatchThreshold": 90}},
        Tags={f"custodes:{name}": value for name, value in stated.items()},
    )
