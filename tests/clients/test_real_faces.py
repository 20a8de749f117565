"""The whole way with real networks: a portrait in the public domain, found again when turned, small, grey or dark."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from custodes.core.errors import UnavailableError
from custodes.deployment.networks.computing import open_engine
from custodes.settings import Settings
from tests.fakes.command import custodes as command

pytestmark = pytest.mark.models

START_LIMIT_S = 4.0
IDLE_LIMIT_MB = 600


def jpeg(picture: PIL.Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _engine(model_pack: Path) -> None:
    """Goes away together with the message that it looks for."""
    try:
        with open_engine(Settings(models=model_pack)):
            pass
    except UnavailableError as error:
        if "no recognition engine built in yet" in error.message:
            pytest.skip(error.message)
        raise


@pytest.fixture(scope="module")
def portrait() -> PIL.Image.Image:
    """Eileen Collins (NASA, public domain), as scikit-image ships it."""
    data = pytest.importorskip("skimage.data")
    return PIL.Image.fromarray(data.astronaut())


def processor_s(pid: int, waited_s: float) -> float:
    """What a process has used of the processors, which does not depend on who else does; ``waited_s`` without /proc."""
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return waited_s
    fields = status.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def process(model_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, float, int]]:
    """``custodes serve`` itself: data directory, URL, processor seconds to the first healthy answer, pid."""
    data = tmp_path_factory.mktemp("real") / "data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    started = time.monotonic()
    popen = subprocess.Popen(
        [sys.executable, "-m", "custodes", "serve", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert popen.stdout is not None
        url = popen.stdout.readline().split()[2]
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            assert answer.status == 200
        yield data, url, processor_s(popen.pid, time.monotonic() - started), popen.pid
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(20) == 0
    finally:
        popen.kill()
        popen.wait(10)
        if popen.stdout is not None:
            popen.stdout.close()


@pytest.fixture(scope="module")
def client(process: tuple[Path, str, float, int]) -> Any:
    import boto3
    from botocore.config import Config

    from custodes.storage.files.credentials import open_credentials

    data, url, _, _ = process
    key = open_credentials(data, region="us-east-1", endpoint_url=url, random=bytes).key
    session = boto3.session.Session(key.access_key_id, key.secret, region_name="us-east-1")
    return session.client("rekognition", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def people(client: Any, portrait: PIL.Image.Image) -> str:
    client.create_collection(CollectionId="people")
    answer = client.index_faces(
        CollectionId="people", Image={"Bytes": jpeg(portrait)}, ExternalImageId="eileen", MaxFaces=1
    )
    assert len(answer["FaceRecords"]) == 1
    return "people"


def test_it_starts_in_time_and_stays_small(process: tuple[Path, str, float, int]) -> None:
    _, _, seconds, pid = process
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        resident_mb = int(status.read_text().split("VmRSS:")[1].split()[0]) / 1024
        print(f"start {seconds:.2f} s, resident {resident_mb:.0f} MB")
        assert resident_mb < IDLE_LIMIT_MB
    assert seconds < START_LIMIT_S


def changed(portrait: PIL.Image.Image) -> dict[str, PIL.Image.Image]:
    head = portrait.crop((100, 0, 360, 260))
    return {
        "turned": head.rotate(12, PIL.Image.Resampling.BICUBIC),
        "mirrored": head.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT),
        "grey": head.convert("L"),
        "dark": PIL.Image.fromarray((np.asarray(head) * 0.5).astype(np.uint8)),
        "small": head.resize((130, 130), PIL.Image.Resampling.LANCZOS),
    }


@pytest.mark.parametrize("name", ["turned", "mirrored", "grey", "dark", "small"])
def test_she_is_found_again(client: Any, people: str, portrait: PIL.Image.Image, name: str) -> None:
    found = client.search_faces_by_image(
        CollectionId=people, Image={"Bytes": jpeg(changed(portrait)[name])}, FaceMatchThreshold=80
    )
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["eileen"]


def test_her_face_is_where_it_is(client: Any, portrait: PIL.Image.Image) -> None:
    details = client.detect_faces(Image={"Bytes": jpeg(portrait)}, Attributes=["ALL"])["FaceDetails"]
    assert len(details) == 1
    box = details[0]["BoundingBox"]
    middle = box["Left"] + box["Width"] / 2, box["Top"] + box["Height"] / 2
    # Her nose is at about (220, 125) of 512 pixels.
    assert abs(middle[0] - 0.43) < 0.06
    assert abs(middle[1] - 0.24) < 0.06
    assert details[0]["Confidence"] > 80
    assert {landmark["Type"] for landmark in details[0]["Landmarks"]} >= {"eyeLeft", "eyeRight", "nose"}


def test_a_picture_without_a_face_has_none(client: Any) -> None:
    sky = PIL.Image.linear_gradient("L").resize((400, 300)).convert("RGB")
    assert client.detect_faces(Image={"Bytes": jpeg(sky)})["FaceDetails"] == []


def test_compare_on_the_command_line(model_pack: Path, portrait: PIL.Image.Image, tmp_path: Path) -> None:
    portrait.save(tmp_path / "a.jpg")
    changed(portrait)["turned"].save(tmp_path / "b.jpg")
    out = tmp_path / "both.png"
    asked = ["compare", tmp_path / "a.jpg", tmp_path / "b.jpg"]
    shown = command(*asked, "--picture", out)
    assert shown.returncode == 0, shown.stderr
    assert "Similarity 9" in shown.stdout
    assert "Traceback" not in shown.stderr
    with PIL.Image.open(out) as both:
        assert both.size[0] > 1000
    facts = json.loads(command(*asked, "--json").stdout)
    assert facts["similarity_pct"] > 90


def test_commands_work_without_a_server(model_pack: Path, portrait: PIL.Image.Image, tmp_path: Path) -> None:
    (tmp_path / "album" / "Eileen Collins").mkdir(parents=True)
    portrait.save(tmp_path / "album" / "Eileen Collins" / "a.jpg")
    changed(portrait)["grey"].save(tmp_path / "query.jpg")
    environment = {**os.environ, "CUSTODES_DATA": str(tmp_path / "data"), "COLUMNS": "200"}

    def custodes(*arguments: str) -> Any:
        answer = command(*arguments, "--json", variables=environment)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    assert custodes("index", str(tmp_path / "album"), "-c", "people")["faces"] == 1
    assert custodes("index", str(tmp_path / "album"), "-c", "people")["done_before"] == 1
    matches = custodes("search", str(tmp_path / "query.jpg"), "-c", "people")["matches"]
    assert [match["name"] for match in matches] == ["Eileen_Collins"]
