"""What ends a running job: a suspended account, a rule that is gone, an erased collection, a decoder that crashes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from custodes.cli.policy.policy import app as policy_app
from custodes.core.clock import SystemClock
from custodes.jobs.job import Job, JobLimits, JobState
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.ledger.tlog.entry import decode
from custodes.video.frames import DecoderCrashedError, DecodingPlan, VideoFrame
from tests.fakes.administration import administer
from tests.fakes.blobs import Blob, BlobEngine, portrait, scene
from tests.fakes.clips import ScriptedFrames, write_clip
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.live import REGION, LiveServer, running
from tests.fakes.video_jobs import person_job, video_jobs

VIDEO = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}
FRAMES, HOLD_AT = 100, 4
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}}


class PausingEngine(BlobEngine):
    """Sees blobs, and waits in its fifth look until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.paused, self.go_on = threading.Event(), threading.Event()

    def detect(self, slot: Any, image: Any, *arguments: Any, **named: Any) -> Any:
        if image.rgb.shape[:2] == (240, 320):
            self.looks += 1
            if self.looks > HOLD_AT:
                self.paused.set()
                assert self.go_on.wait(30)
        return super().detect(slot, image, *arguments, **named)


@dataclass(frozen=True)
class House:
    """A server with a film, and the engine that a test lets wait."""

    server: LiveServer
    engine: PausingEngine
    films: Path

    def opened(self, name: str, **profile: Any) -> tuple[str, dict[str, Any]]:
        """An account, and clients of its users ``ann`` and ``bob``."""
        whole = {"legal_name": name, "sector": "retail", "country": "NL"} | profile
        stated = {"purpose": "imminent-threat", "legal_basis": "public-task"}
        account = administer(self.server, "account create", profile=whole, stated=stated)["account_id"]
        clients = {}
        for user in ("ann", "bob"):
            administer(self.server, "user create", user=user, account=account)
            document = {"owner": f"user/{user}", "name": "all", "text": json.dumps(EVERYTHING), "account": account}
            administer(self.server, "document put", **document)
            key = administer(self.server, "key create", user=user, account=account)
            session = boto3.session.Session(key["access_key_id"], key["secret_access_key"], region_name=REGION)
            clients[user] = session.client("rekognition", endpoint_url=self.server.url)
        return account, clients

    @contextmanager
    def paused_job(self, client: Any) -> Iterator[str]:
        """A face search that has done some parts, waits in the next, and goes on when the block is left."""
        client.create_collection(CollectionId="people")
        client.index_faces(CollectionId="people", Image={"Bytes": portrait("ann")}, ExternalImageId="Ann")
        engine = self.engine
        engine.looks = 0
        engine.paused.clear()
        engine.go_on.clear()
        job = client.start_face_search(Video=VIDEO, CollectionId="people", FaceMatchThreshold=99)["JobId"]
        try:
            assert engine.paused.wait(30)
            yield job
        finally:
            engine.go_on.set()

    def failed(self, client: Any, job: str) -> str:
        """Why a job failed; read by somebody who still may."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = client.get_face_search(JobId=job)
            if answer["JobStatus"] != "IN_PROGRESS":
                assert answer["JobStatus"] == "FAILED"
                return str(answer["StatusMessage"])
            time.sleep(0.02)
        raise AssertionError("the job did not end")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with built(tmp_path_factory.mktemp("stop")) as house:
        yield house


@contextmanager
def built(root: Path) -> Iterator[House]:
    engine = PausingEngine()
    (root / "films").mkdir()
    write_clip(root / "films" / "a.mp4", FRAMES, lambda n: scene(Blob("ann", 10 + n), Blob("bob", 250, 150)))
    overrides = {"buckets": {"films": root / "films"}, "video_part_s": 1}
    with running(root / "data", overrides, engine=engine) as server:
        yield House(server, engine, root / "films")


def test_a_suspended_account_stops_its_job(house: House) -> None:
    account, clients = house.opened("Shop A")
    with house.paused_job(clients["ann"]) as job:
        administer(house.server, "account suspend", account=account, reason="under review")
    job_facts = _ended(house.server, job)
    assert job_facts["state"] == "FAILED" and 0 < job_facts["frames"] < FRAMES
    assert "not authorized to perform: rekognition:StartFaceSearch" in job_facts["error"] or (
        "out of use" in job_facts["error"]
    )


def test_a_rule_that_is_gone_stops_a_job(house: House) -> None:
    account, clients = house.opened("Shop B")
    with house.paused_job(clients["ann"]) as job:
        administer(house.server, "document delete", owner="user/ann", name="all", account=account)
    assert "not authorized to perform: rekognition:StartFaceSearch" in house.failed(clients["bob"], job)


def test_a_new_provider_rule_stops_a_running_job(tmp_path: Path) -> None:
    """An officer's tightening is in force at once, for the next part of a job that was allowed when it began."""
    officer, proposal = str(tmp_path / "officer"), str(tmp_path / "tighter.json")
    with built(tmp_path) as house:
        at = ("--data", str(house.server.data))
        _, clients = house.opened("Shop D")
        policy("officer", "add", policy("officer", "key", "ann", "--out", officer), *at)
        with house.paused_job(clients["ann"]) as job:
            policy("propose", "--enable", "uk-russia-sanctions", "--out", proposal, *at)
            policy("sign", proposal, "--key", officer, *at)
            assert "in force now" in policy("apply", proposal, *at)
        facts = _ended(house.server, job)
    assert facts["state"] == "FAILED" and 0 < facts["frames"] < FRAMES
    assert "uk-russia-sanctions" in facts["error"]


def policy(*arguments: str) -> str:
    done = CliRunner().invoke(policy_app, arguments)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_an_erased_collection_stops_a_job(house: House) -> None:
    _, clients = house.opened("Shop C")
    with house.paused_job(clients["ann"]) as job:
        clients["ann"].delete_collection(CollectionId="people")
    assert "people" in house.failed(clients["ann"], job)


def test_a_search_under_review_is_sealed_in_one_review_for_each_person(house: House) -> None:
    _, clients = house.opened("Coast Guard", sector="public-safety")
    ann = clients["ann"]
    with house.paused_job(ann) as job:
        pass
    assert _ended(house.server, job)["state"] == "SUCCEEDED"
    whole = ann.get_face_search(JobId=job)["Persons"]
    sealed = [match["Face"] for one in whole for match in one.get("FaceMatches", ())]
    assert len(sealed) == 8 and len({face["FaceId"] for face in sealed}) == 1
    assert "Ann" not in str(whole) and sealed[0]["ExternalImageId"].startswith("sealed:")
    paged, token = [], None
    while True:
        more = {} if token is None else {"NextToken": token}
        page = ann.get_face_search(JobId=job, SortBy="INDEX", MaxResults=3, **more)
        paged += page["Persons"]
        token = page.get("NextToken")
        if token is None:
            break
    assert {match["Face"]["FaceId"] for one in paged for match in one.get("FaceMatches", ())} == {sealed[0]["FaceId"]}
    assert _opened_reviews(house.server.deployment.ledger.log) == 1


class CrashingFrames:
    """Implements FrameSource: the first ``crashes`` decoders die at frame 60."""

    def __init__(self, crashes: int) -> None:
        self.left = crashes
        self._calm = ScriptedFrames(FRAMES, lambda n: scene(Blob("ann", 10 + n)))

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:
        with self._calm.frames(path, plan) as calm:
            yield self._frames(calm)

    def _frames(self, calm: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in calm:
            if frame.index >= 60 and self.left > 0:
                self.left -= 1
                raise DecoderCrashedError("The video could not be decoded.")
            yield frame


@pytest.mark.parametrize(("crashes", "state"), [(2, JobState.SUCCEEDED), (3, JobState.FAILED)])
def test_the_third_crash_of_a_part_fails_the_job(tmp_path: Path, crashes: int, state: JobState) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_clip(films / "a.mp4", FRAMES, lambda n: scene(Blob("ann", 10 + n)))
    with running(tmp_path / "data", {"video_workers": 0}, engine=BlobEngine()) as server:
        handler, files = video_jobs(server, films, CrashingFrames(crashes), part_ms=1000)
        store = MemoryJobStore(JobLimits(retry_ms=1))
        asked = person_job(server, files, "a").request
        store.add(asked, SystemClock().now_ms())
        workers = JobWorkers(store, {asked.operation: handler}, SystemClock(), WorkerSettings("test", poll_s=0.01))
        with closing(workers):
            workers.start()
            deadline = time.monotonic() + 30
            while (job := _found(store, asked)).is_open and time.monotonic() < deadline:
                time.sleep(0.01)
        assert job.state is state
        assert job.error == (None if state is JobState.SUCCEEDED else "The video could not be decoded.")


def _found(store: MemoryJobStore, asked: Any) -> Job:
    job = store.find(asked.account_id, asked.job_id)
    assert job is not None
    return job


def _ended(server: LiveServer, job: str) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = administer(server, "job show", job_id=job)
        if found["state"] not in ("QUEUED", "RUNNING"):
            return found
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def _opened_reviews(log: Any) -> int:
    """Reviews that were opened, as the record of use has them."""
    log.flush()
    opened = 0
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        facts = {} if body is None else json.loads(body)
        opened += facts.get("counts", {}).get("reviews_opened", 0)
    return opened
