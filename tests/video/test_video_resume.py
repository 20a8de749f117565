"""A job whose worker dies before its checkpoint: the part is done again, says the same, and is not charged again."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

from custodes.core.clock import SystemClock
from custodes.deployment.server import new_request_id
from custodes.deployment.video import LedgerCharges
from custodes.edge.aws.translate.video_format import AwsResultFormat
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.jobs.job import Job, JobCheckpoint, JobId, JobRequest, JobState
from custodes.ledger.tlog.entry import decode
from custodes.operations.images.ports import S3Object
from custodes.operations.video.analysis import VideoEngines
from custodes.operations.video.commands import StartPersonTracking
from custodes.operations.video.request import VideoRequest
from custodes.operations.video.run import VideoJobs, VideoParts, VideoSettings
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import MediaFiles, StructureProbe
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.folder import FolderObjects
from custodes.video.facts import VideoLimits
from fakes.blobs import Blob, BlobEngine, scene
from fakes.clips import write_clip
from fakes.gallery import MemoryGalleryStore
from fakes.live import LiveServer, running
from fakes.sight import sight
from fakes.text import ScriptedText

VIDEO = S3Object("films", "a.mp4")


def handler(server: LiveServer, films: Path) -> tuple[VideoJobs, MediaFiles]:
    deployment = server.deployment
    assert deployment.ledger is not None
    files = MediaFiles(server.data, BucketObjects({"films": FolderObjects(films)}))
    eyes = sight()
    engines = VideoEngines(
        BlobEngine(),
        eyes.labels,
        eyes.moderation,
        ScriptedText,
        IndexedGallery(MemoryGalleryStore(), BruteForceIndex),
        deployment.operations.celebrities,
        AwsResultFormat(),
    )
    parts = VideoParts(
        engines,
        LockedDecoder(),
        StructureProbe(VideoLimits()),
        files,
        LedgerCharges(deployment.ledger.log),
        SystemClock(),
        new_request_id,
        VideoSettings(Fraction(2), 60_000),
    )
    return VideoJobs(deployment.gate, parts), files


def job(server: LiveServer, files: MediaFiles, name: str) -> Job:
    key = server.deployment.keys.key
    request = VideoRequest(StartPersonTracking(video=VIDEO), key.caller("eu-central-1"), files.version(VIDEO))
    asked = JobRequest(JobId(name * 64), key.account_id, "StartPersonTracking", request.to_bytes())
    now = SystemClock().now_ms()
    return Job(asked, JobState.RUNNING, now, now, now + 10**9, now, attempt=1, fence=1)


def uses(server: LiveServer, job_id: JobId) -> list[tuple[int, int]]:
    """Part and units of every use of the job on record."""
    assert server.deployment.ledger is not None
    log = server.deployment.ledger.log
    log.flush()
    found: list[tuple[int, int]] = []
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        facts: dict[str, Any] = {} if body is None else orjson.loads(body)
        if facts.get("job") == job_id:
            found.append((facts["part"], entry.units or 0))
    return found


def pages(checkpoints: list[JobCheckpoint]) -> list[bytes]:
    return [page for one in checkpoints for page in one.pages]


def test_a_part_done_twice_is_charged_once_and_says_the_same(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_clip(films / "a.mp4", 200, lambda n: scene(Blob("ann", 10 + n % 60), Blob("bob", 200, 150)), fps=1.0)
    with running(tmp_path / "data", {"video_workers": 0}, engine=BlobEngine()) as server:
        video, files = handler(server, films)
        calm = job(server, files, "a")
        whole = list(video.run(calm))
        assert uses(server, calm.request.job_id) == [(0, 1), (1, 1), (2, 1), (3, 1)]

        for lost in (0, 1, 2):
            disturbed = job(server, files, "bcd"[lost])
            kept: list[JobCheckpoint] = []
            first = video.run(disturbed)
            for _ in range(lost):
                kept.append(next(first))
            next(first)  # on record, and its checkpoint never stored
            first.close()  # type: ignore[attr-defined]
            cursor = kept[-1].cursor if kept else disturbed.cursor
            again = replace(disturbed, cursor=cursor, attempt=2, fence=2)
            kept += video.run(again)
            assert pages(kept) == pages(whole)
            told = uses(server, disturbed.request.job_id)
            assert sorted(told) == sorted([(0, 1), (1, 1), (2, 1), (3, 1), (lost, 0)])
