"""Where results go is one rule for all that writes them: buckets that the operator allows, by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError

from custodes.core.errors import InvalidParameterError
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.settings import Settings
from tests.fakes.clips import write_clip
from tests.fakes.engine import Square, SquareEngine, colour
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import REGION, LiveServer, running
from tests.fakes.liveness_client import Key, stream
from tests.fakes.waiting import eventually

KEYS = {"aws_access_key_id": "AKEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
ROLE = "arn:aws:iam::123456789012:role/streams"
NOBODY = "999999999999"
MOVEMENT = [{"Type": "FaceMovementChallenge"}]


@dataclass(frozen=True)
class Cloud:
    """A server that writes to S3 and to a folder, its client, and the S3 behind it."""

    server: LiveServer
    client: Any
    s3: Any
    folder: Path

    def session(self, bucket: str, **more: Any) -> str:
        output = {"S3Bucket": bucket, "S3KeyPrefix": "checks/"}
        settings = {"OutputConfig": output, "ChallengePreferences": MOVEMENT, "AuditImagesLimit": 1}
        return str(self.client.create_face_liveness_session(Settings=settings, **more)["SessionId"])

    def processor(self, bucket: str) -> None:
        self.client.create_stream_processor(
            Name=f"watch-{bucket}",
            Input={
                "KinesisVideoStream": {
                    "Arn": f"arn:aws:kinesisvideo:{REGION}:{NOBODY}:stream/{bucket}/1700000000000",
                }
            },
            Output={"S3Destination": {"Bucket": bucket}},
            RoleArn=ROLE,
            Settings={"ConnectedHome": {"Labels": ["PERSON"]}},
        )

    def training(self, bucket: str) -> None:
        project = self.client.create_project(ProjectName=f"things-{bucket}")["ProjectArn"]
        manifest = {"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": "train.manifest"}}}
        self.client.create_project_version(
            ProjectArn=project,
            VersionName="v1",
            OutputConfig={"S3Bucket": bucket},
            TrainingData={"Assets": [manifest]},
            TestingData={"AutoCreate": True},
        )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    moto = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    url = "http://{}:{}".format(*moto.get_host_and_port())
    s3 = boto3.client("s3", endpoint_url=url, **KEYS)
    for bucket in ("everybodys", "others", "unnamed"):
        s3.create_bucket(Bucket=bucket)
    root = tmp_path_factory.mktemp("outputs")
    folder = root / "folder"
    folder.mkdir()
    overrides = {
        "s3_endpoint": url,
        "s3_access_key_id": "AKEXAMPLE",
        "s3_secret_access_key": "secret",
        "buckets": {"folder": folder},
        "output_buckets": f"everybodys, folder, others:{NOBODY}",
        "training_wait_s": 0,
    }
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with running(root / "data", overrides, engine=SquareEngine(), gallery=gallery) as server:
        yield Cloud(server, server.client(), s3, folder)
    moto.stop()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[140:340, 220:420] = colour(Square(1))
    path = write_clip(tmp_path_factory.mktemp("film") / "still.webm", 10, lambda _: frame, 15.0, "VP80")
    return path.read_bytes()


def check(cloud: Cloud, session_id: str, video: bytes) -> dict[str, Any]:
    signing = cloud.server.deployment.keys.key
    with stream(cloud.server.url, Key(signing.access_key_id, signing.secret), session_id) as opened:
        opened.challenge()
        opened.video(video)
        assert opened.event(60)[0] == "DisconnectionEvent"
    found: dict[str, Any] = cloud.client.get_face_liveness_session_results(SessionId=session_id)
    return found


@pytest.mark.parametrize("family", ["session", "processor", "training"])
@pytest.mark.parametrize("bucket", ["others", "unnamed", "missing"])
def test_a_bucket_that_is_not_the_accounts_is_refused_where_it_is_named(cloud: Cloud, family: str, bucket: str) -> None:
    with pytest.raises(ClientError, match="S3 bucket") as refused:
        getattr(cloud, family)(bucket)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_training_for_an_allowed_bucket_begins_and_a_processor_is_made(cloud: Cloud) -> None:
    cloud.processor("everybodys")
    cloud.training("everybodys")


def test_a_list_of_pictures_is_not_answered_into_anothers_bucket(cloud: Cloud) -> None:
    (cloud.folder / "list.jsonl").write_text('{"source-ref": "s3://folder/none.jpg"}\n')
    job = cloud.client.start_media_analysis_job(
        Input={"S3Object": {"Bucket": "folder", "Name": "list.jsonl"}},
        OutputConfig={"S3Bucket": "others"},
        OperationsConfig={"DetectModerationLabels": {}},
    )["JobId"]
    eventually(lambda: cloud.client.get_media_analysis_job(JobId=job)["Status"] in ("SUCCEEDED", "FAILED"))
    found = cloud.client.get_media_analysis_job(JobId=job)
    assert (found["Status"], found["FailureDetails"]["Code"]) == ("FAILED", "INVALID_OUTPUT_CONFIG")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="others")


def test_pictures_go_to_the_bucket_that_was_named_encrypted_as_was_asked(cloud: Cloud, video: bytes) -> None:
    key = f"arn:aws:kms:us-east-1:{NOBODY}:key/11111111-1111-4111-8111-111111111111"
    made = cloud.session("everybodys", KmsKeyId=key)
    found = check(cloud, made, video)
    place = found["ReferenceImage"]["S3Object"]
    assert place["Name"].startswith(f"checks/{made}/") and len(found["AuditImages"]) == 1
    there = cloud.s3.get_object(Bucket=place["Bucket"], Key=place["Name"])
    assert there["Body"].read()[:2] == b"\xff\xd8"
    assert (there["ServerSideEncryption"], there["SSEKMSKeyId"], there["ContentType"]) == ("aws:kms", key, "image/jpeg")
    assert not list((cloud.server.data / "liveness").iterdir())  # the video is gone


def test_a_folder_takes_pictures_but_encrypts_under_no_key_that_is_named(cloud: Cloud, video: bytes) -> None:
    place = check(cloud, cloud.session("folder"), video)["ReferenceImage"]["S3Object"]
    assert (cloud.folder / place["Name"]).read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(ClientError, match="KMS"):
        cloud.session("folder", KmsKeyId="alias/pictures")


@pytest.mark.parametrize("text", ["a", "Bucket:12", "bucket:", "buck et", "bucket:123456789012:1"])
def test_a_list_of_buckets_that_says_nothing_clear_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidParameterError, match="output_buckets"):
        Settings(data=tmp_path, output_buckets=text)


def test_a_bucket_named_for_two_accounts_is_both_of_theirs_and_one_for_all_is_everybodys(tmp_path: Path) -> None:
    one, two = "1" * 12, "2" * 12
    settings = Settings(data=tmp_path, output_buckets=f"ours:{one},ours:{two},alls:{one},alls")
    assert settings.writable == {"ours": {one, two}, "alls": None}
