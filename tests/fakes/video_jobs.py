"""The handler of video jobs over a live server's gate and ledger, with blobs for faces, to be run step by step.

In: a server without workers of its own, a folder of films. Out: the handler, and jobs for it.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.deployment.server import new_request_id
from custodes.deployment.video import LedgerCharges
from custodes.edge.aws.translate.video.format import AwsResultFormat
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.jobs.job import Job, JobId, JobRequest, JobState
from custodes.operations.images.ports import S3Object
from custodes.operations.video.analysis import VideoEngines
from custodes.operations.video.commands import START_COMMANDS
from custodes.operations.video.request import VideoRequest
from custodes.operations.video.run import VideoJobs, VideoParts, VideoSettings
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import MediaFiles, StructureProbe
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.folder import FolderObjects
from custodes.video.formats.facts import VideoLimits
from custodes.video.frames import FrameSource
from tests.fakes.blobs import BlobEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer
from tests.fakes.sight import sight
from tests.fakes.text import ScriptedText

VIDEO = S3Object("films", "a.mp4")


def video_jobs(
    server: LiveServer,
    films: Path,
    frames: FrameSource | None = None,
    part_ms: int = 60_000,
    engine: BlobEngine | None = None,
) -> tuple[VideoJobs, MediaFiles]:
    deployment = server.deployment
    assert deployment.ledger is not None
    files = MediaFiles(server.data, BucketObjects({"films": FolderObjects(films)}))
    eyes = sight()
    engines = VideoEngines(
        engine or BlobEngine(),
        eyes.labels,
        eyes.moderation,
        ScriptedText,
        IndexedGallery(MemoryGalleryStore(), BruteForceIndex),
        deployment.operations.celebrities,
        AwsResultFormat(),
    )
    parts = VideoParts(
        engines,
        frames or LockedDecoder(),
        StructureProbe(VideoLimits()),
        files,
        LedgerCharges(deployment.ledger.log),
        SystemClock(),
        new_request_id,
        VideoSettings(Fraction(2), part_ms=part_ms),
    )
    return VideoJobs(deployment.gate, parts), files


def person_job(server: LiveServer, files: MediaFiles, name: str) -> Job:
    key = server.deployment.keys.key
    request = VideoRequest(
        START_COMMANDS["StartPersonTracking"](video=VIDEO), key.caller("eu-central-1"), files.version(VIDEO)
    )
    asked = JobRequest(JobId(name * 64), key.account_id, "StartPersonTracking", request.to_bytes())
    now = SystemClock().now_ms()
    return Job(asked, JobState.RUNNING, now, now, now + 10**9, now, attempt=1, fence=1)
