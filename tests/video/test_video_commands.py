"""``custodes video`` with a server and without: what it prints and writes, and that it goes on where it was killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from tests.fakes.administration import administer
from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import LiveServer, running
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

pytestmark = pytest.mark.slow


def walk(n: int) -> np.ndarray:
    """Ann walks to the right; Bob stands there for the second half."""
    return scene(Blob("ann", 10 + n), *([Blob("bob", 250, 150)] if n >= 50 else []))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    root = tmp_path_factory.mktemp("commands")
    overrides = {"video_part_s": 1, "video_workers": 2}
    with running(root / "data", overrides, engine=BlobEngine(), text=ScriptedText(), sight=sight()) as live:
        yield live


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("film") / "walk.mp4", 100, walk)


def run(server: LiveServer, *words: str) -> str:
    answer = CliRunner().invoke(app, ["video", *words, "--data", str(server.data)])
    assert answer.exit_code == 0, (answer.output, answer.exception)
    # The server in this process logs its requests to the same place.
    return "\n".join(line for line in answer.stdout.splitlines() if "[info " not in line)


def test_analyze_tells_and_writes_everything(server: LiveServer, film: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"out.{suffix}" for suffix in ("mp4", "webm", "html", "png", "json")]
    words = [word for out in outs for word in ("--out", str(out))]
    told = run(server, "analyze", str(film), "--what", "faces,labels,text,persons,segments", *words)
    assert "person 2: 2.0 s (00:02.0-00:04.0)" in told
    assert "Car: 4.0 s (00:00.0-00:04.0)" in told
    answers = json.loads(outs[4].read_text())
    assert len(answers["FaceDetection"]["Faces"]) == 12
    assert set(answers) == {
        "FaceDetection", "LabelDetection", "TextDetection", "PersonTracking", "SegmentDetection",
    }  # fmt: skip
    for out in outs[:2]:
        capture = cv2.VideoCapture(str(out))
        frames = []
        while (read := capture.read())[0]:
            frames.append(read[1])
        assert len(frames) == 100 and frames[0].shape[0] > 240 and frames[0].shape[1] == 320
        # The cursor of the time line goes to the right.
        columns = [np.flatnonzero((frame[250:, :, 2] > 150) & (frame[250:, :, 1] < 100)).size for frame in frames]
        assert min(columns) > 0
    page = outs[2].read_text()
    assert page.count("<img ") >= 6 and "<script" not in page and "person 1" in page
    with PIL.Image.open(outs[3]) as picture:
        assert picture.width == 1200


def test_a_browser_plays_the_annotated_webm(server: LiveServer, film: Path, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or pytest.skip("needs Chromium: scripts/install-test-tools.sh")
    driver = pytest.importorskip("playwright.sync_api")
    out = tmp_path / "out.webm"
    run(server, "analyze", str(film), "--what", "faces", "--out", str(out))
    (tmp_path / "page.html").write_text("<video muted src='out.webm'></video>")
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        played = page.evaluate(
            """async () => {
                const video = document.querySelector("video");
                video.playbackRate = 4;
                await video.play();
                await new Promise((resolve, reject) => { video.onended = resolve; video.onerror = reject; });
                return [video.videoWidth, Math.round(video.duration), video.error];
            }"""
        )
        browser.close()
    assert played == [320, 4, None]


def test_names_are_escaped_on_the_page(server: LiveServer, tmp_path: Path) -> None:
    film = write_clip(tmp_path / "<b>&.mp4", 30, walk)
    run(server, "analyze", str(film), "--what", "faces", "--out", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "<b>" not in page and "&lt;b&gt;&amp;.mp4" in page


def test_search_names_persons_with_times_and_best_shots(server: LiveServer, film: Path, tmp_path: Path) -> None:
    client = server.client()
    client.create_collection(CollectionId="staff")
    client.index_faces(CollectionId="staff", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
    page = tmp_path / "page.html"
    told = json.loads(run(server, "search", str(film), "-c", "staff", "--json", "--out", str(page)))
    ann, bob = told["persons"]
    assert (ann["name"], ann["similarity_pct"], ann["times_ms"]) == ("Ann", 100, [[0, 4000]])
    assert ann["best_shot_ms"] in range(0, 4000, 1) and bob["name"] is None and bob["times_ms"] == [[2000, 4000]]
    assert "Ann (person 0), at 00:" in page.read_text()
    assert "Ann" in run(server, "search", str(film), "-c", "staff")


def test_the_same_question_is_answered_from_the_same_job(server: LiveServer, film: Path) -> None:
    def jobs() -> int:
        return len(administer(server, "job list", limit=1000)["jobs"])

    first = run(server, "analyze", str(film), "--what", "moderation", "--json")
    count = jobs()
    assert run(server, "analyze", str(film), "--what", "moderation", "--json") == first
    assert jobs() == count
    again = json.loads(run(server, "analyze", str(film), "--what", "moderation", "--json", "--again"))
    assert again["ContentModeration"]["ModerationLabels"] == json.loads(first)["ContentModeration"]["ModerationLabels"]
    assert jobs() == count + 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["walk.mp4", "--what", "ghosts"], "ghosts"),
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["walk.mp4", "--out", "out.gif"], "must end in"),
        (["walk.mp4", "--out", "walk.mp4"], "would destroy it"),
        (["s3://films/a.mp4", "--out", "out.mp4"], "needs the file"),
        (["walk.mp4", "--endpoint", "http://127.0.0.1:9"], "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    server: LiveServer, film: Path, words: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(film.parent)
    answer = CliRunner().invoke(app, ["video", "analyze", *words, "--data", str(server.data)])
    assert answer.exit_code == 1 and reason in str(answer.exception)


def test_a_file_that_is_no_video_fails_with_its_reason(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video at all")
    answer = CliRunner().invoke(app, ["video", "analyze", str(tmp_path / "text.mp4"), "--data", str(server.data)])
    assert answer.exit_code == 1 and "face detection:" in str(answer.exception)


@pytest.mark.models
def test_without_a_server_it_goes_on_where_it_was_killed(model_pack: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 18, 32, 3), dtype=np.uint8)

    def draw(n: int) -> np.ndarray:
        return np.kron(noise[n // 75 % 40], np.ones((20, 20, 1), np.uint8))

    film = write_clip(tmp_path / "shots.mp4", 1500, draw)
    words = ["video", "analyze", str(film), "--what", "segments", "--json", "--data", str(tmp_path / "data")]
    command = [sys.executable, "-m", "custodes", *words]
    environment = {"CUSTODES_VIDEO_PART_S": "2", "CUSTODES_MODELS": str(model_pack), "PATH": "/usr/bin:/bin"}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    media = tmp_path / "data" / "media"
    deadline = time.monotonic() + 60
    while not (media.is_dir() and any(media.iterdir())) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.4)
    first.send_signal(signal.SIGKILL)
    first.wait()
    told: dict[str, Any] = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    shots = [one for one in told["SegmentDetection"]["Segments"] if one["Type"] == "SHOT"]
    assert [one["StartFrameNumber"] for one in shots] == list(range(0, 1500, 75))
