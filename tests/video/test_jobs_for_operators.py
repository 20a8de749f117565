"""What the operator sees of jobs and can do about them: over a server's socket, by command, and without a server."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.errors import InvalidParameterError, NotFoundError
from tests.fakes.administration import administer
from tests.fakes.blobs import Blob, BlobEngine, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import running

VIDEO = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}


def command(*words: str) -> Any:
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output.splitlines()[-1])  # the server in this process may log before it


def films(root: Path) -> dict[str, Any]:
    folder = root / "films"
    folder.mkdir(exist_ok=True)
    write_clip(folder / "a.mp4", 100, lambda n: scene(Blob("ann", 10 + n)))
    return {"buckets": {"films": folder}, "video_part_s": 1}


def test_jobs_are_listed_shown_and_cancelled(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    with running(tmp_path / "data", {**films(tmp_path), "video_workers": 0}, engine=BlobEngine()) as server:
        client = server.client()
        job = client.start_face_detection(Video=VIDEO)["JobId"]
        (listed,) = command("job", "list", "--open", *data)
        assert (listed["job_id"], listed["state"], listed["operation"]) == (job, "QUEUED", "StartFaceDetection")
        assert command("job", "list", "--account", "999999999999", *data) == []
        cancelled = command("job", "cancel", job, "--reason", "It is the wrong film.", *data)
        assert cancelled["state"] == "FAILED"
        answer = client.get_face_detection(JobId=job)
        assert answer["JobStatus"] == "FAILED"
        assert answer["StatusMessage"] == "The operator of the server has cancelled the job. It is the wrong film."
        with pytest.raises(InvalidParameterError, match="over already"):
            administer(server, "job cancel", job_id=job)
        with pytest.raises(NotFoundError):
            administer(server, "job show", job_id="0" * 64)
    # Without a server the same commands open the directory themselves.
    assert command("job", "show", job, *data)["error"].startswith("The operator")
    assert command("job", "list", "--open", *data) == []


def test_progress_and_files_of_cancelled_jobs(tmp_path: Path) -> None:
    with running(tmp_path / "data", films(tmp_path), engine=BlobEngine()) as server:
        job = server.client().start_face_detection(Video=VIDEO)["JobId"]
        seen = []
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = administer(server, "job show", job_id=job)
            seen.append(found["percent"])
            if found["state"] == "SUCCEEDED":
                break
            time.sleep(0.005)
        assert (found["frames"], found["percent"]) == (100, 100.0)
        assert found["frames_per_second"] > 0
        told = [pct for pct in seen if pct is not None]
        assert told == sorted(told)
        # What a job that is over has left behind goes with the next sweep.
        left = server.data / "media" / job
        left.write_bytes(b"left by a crash")
        server.deployment.scheduler.wake("job sweep")
        while left.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left.exists()


def test_health_tells_how_decoders_are_locked(tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=BlobEngine()) as server:
        deadline = time.monotonic() + 30
        told: dict[str, Any] = {}
        while "video" not in told and time.monotonic() < deadline:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=5) as answer:
                told = json.loads(answer.read())
            time.sleep(0.02)
        assert told["status"] == "ready" and "rlimits" in told["video"]["decoder_lock"]
