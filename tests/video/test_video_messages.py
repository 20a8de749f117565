"""The flow of the samples: a topic that a queue listens to, start, wait for the message, read; and the webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from tests.fakes.blobs import Blob, BlobEngine, scene
from tests.fakes.clips import write_clip
from tests.fakes.live import running

REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKEXAMPLE", "aws_secret_access_key": "secret", "region_name": REGION}


class _Hook(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def test_start_topic_queue_get_and_webhook(tmp_path: Path) -> None:
    server_module = pytest.importorskip("moto.server")
    moto = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    hook = HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        url = "http://{}:{}".format(*moto.get_host_and_port())
        sns, sqs = (boto3.client(name, endpoint_url=url, **KEYS) for name in ("sns", "sqs"))
        topic = sns.create_topic(Name="AmazonRekognition-films")["TopicArn"]
        queue = sqs.create_queue(QueueName="films")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        films = tmp_path / "films"
        films.mkdir()
        write_clip(films / "a.mp4", 30, lambda n: scene(Blob("ann", 10 + n)))
        overrides = {
            "buckets": {"films": films},
            "sns_endpoint": url,
            "sns_access_key_id": "AKEXAMPLE",
            "sns_secret_access_key": "secret",
            "job_webhook": f"http://127.0.0.1:{hook.server_port}/done",
            "job_webhook_secret": "shared",
        }
        with running(tmp_path / "data", overrides, engine=BlobEngine()) as server:
            client = server.client()
            job = client.start_face_detection(
                Video={"S3Object": {"Bucket": "films", "Name": "a.mp4"}},
                JobTag="films",
                NotificationChannel={"SNSTopicArn": topic, "RoleArn": "arn:aws:iam::123456789012:role/rekognition"},
            )["JobId"]
            message = _message(sqs, queue)
            assert (message["JobId"], message["Status"], message["API"]) == (job, "SUCCEEDED", "StartFaceDetection")
            assert message["JobTag"] == "films"
            assert message["Video"] == {"S3ObjectName": "a.mp4", "S3Bucket": "films"}
            assert len(client.get_face_detection(JobId=job)["Faces"]) == 3
            # The webhook hears of every job, also of one whose request names no topic.
            quiet = client.start_face_detection(Video={"S3Object": {"Bucket": "films", "Name": "a.mp4"}})["JobId"]
            deadline = time.monotonic() + 30
            while not any(json.loads(body)["JobId"] == quiet for _, body in _Hook.seen):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        headers, body = _Hook.seen[0]
        signed = hmac.new(b"shared", headers["x-custodes-timestamp"].encode() + b"." + body, hashlib.sha256)
        assert headers["x-custodes-signature"] == f"sha256={signed.hexdigest()}"
        assert json.loads(body)["JobId"] == job
    finally:
        hook.shutdown()
        hook.server_close()
        moto.stop()


def _message(sqs: Any, queue: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            return json.loads(json.loads(one["Body"])["Message"])  # type: ignore[no-any-return]
    raise AssertionError("no message came")
