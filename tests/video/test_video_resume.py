"""A job whose worker dies before its checkpoint: the part is done again, says the same, and is not charged again."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from custodes.jobs.job import JobCheckpoint, JobId
from custodes.ledger.tlog.entry import decode
from tests.fakes.blobs import Blob, BlobEngine, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import LiveServer, running
from tests.fakes.video_jobs import person_job, video_jobs


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
        video, files = video_jobs(server, films)
        calm = person_job(server, files, "a")
        whole = list(video.run(calm))
        assert uses(server, calm.request.job_id) == [(0, 1), (1, 1), (2, 1), (3, 1)]

        for lost in (0, 1, 2):
            disturbed = person_job(server, files, "bcd"[lost])
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


class UnevenEngine(BlobEngine):
    """Takes longest for the first of two frames, so that the second is seen first."""

    def __init__(self) -> None:
        super().__init__()
        self.looks, self.at_once, self.most_at_once = 0, 0, 0
        self._lock = threading.Lock()

    def detect(self, slot: Any, image: Any, *arguments: Any, **named: Any) -> Any:
        with self._lock:
            self.looks, self.at_once = self.looks + 1, self.at_once + 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            pause_s = 0.03 if self.looks % 2 else 0.0
        time.sleep(pause_s)
        try:
            return super().detect(slot, image, *arguments, **named)
        finally:
            with self._lock:
                self.at_once -= 1


def test_frames_are_looked_at_two_at_once_and_told_in_their_order(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_clip(films / "a.mp4", 100, lambda n: scene(Blob("ann", 10 + n), Blob("bob", 200, 150)))
    told = []
    for engine in (BlobEngine(), UnevenEngine()):
        with running(tmp_path / f"data-{len(told)}", {"video_workers": 0}, engine=BlobEngine()) as server:
            video, files = video_jobs(server, films, engine=engine)
            told.append(pages(list(video.run(person_job(server, files, "a")))))
    assert told[0] == told[1] and engine.most_at_once == 2
