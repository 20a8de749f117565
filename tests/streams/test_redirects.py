"""What is sent to an address of the operator's goes nowhere else, whatever that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing

import pytest

from custodes.core.clock import SystemClock
from custodes.core.errors import CustodesError, ObjectStoreError
from custodes.core.ids import AccountId
from custodes.jobs.job import JobId, JobLimits, JobRequest, queued
from custodes.operations.images.ports import S3Object
from custodes.operations.streams.ports import KeptEvent
from custodes.storage.messages.endpoint import Endpoint
from custodes.storage.messages.outputs import AwsOutputs
from custodes.storage.messages.sns import JobMessages, MessageTargets
from custodes.storage.messages.webhook import Webhooks
from custodes.video.live.destination import EventDestination
from tests.fakes.receiver import Receiver
from tests.streams.kept import seen

ACCOUNT = AccountId("123456789012")
KINESIS = "arn:aws:kinesis:eu-central-1:123456789012:stream/front"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:told"


class NoPictures:
    """Where no picture goes: those of buckets stay at their endpoint by ``storage_objects``."""

    def check(self, account_id: AccountId, bucket: str, kms_key: str | None = None) -> None:
        raise ObjectStoreError("nothing is written here")

    def write(self, account_id: AccountId, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        raise ObjectStoreError("nothing is written here")


def outputs(url: str) -> AbstractContextManager[AwsOutputs]:
    endpoint = Endpoint(url, "eu-central-1", "AKEXAMPLE", "secret")
    return closing(AwsOutputs(endpoint, NoPictures(), endpoint))


def records(url: str) -> None:
    with outputs(url) as sent:
        sent.put_records(KINESIS, "front", [b"{}"])


def message(url: str) -> None:
    with outputs(url) as sent:
        sent.publish(TOPIC, "told", b"{}")


def webhook(url: str) -> None:
    destination = EventDestination(ACCOUNT, "hook", url, secret="whsec_c2VjcmV0")
    Webhooks(SystemClock()).send(destination, KeptEvent(1, seen(ACCOUNT)), {})


def job_webhook(url: str) -> None:
    request = JobRequest(JobId("f" * 64), ACCOUNT, "StartFaceDetection", b"")
    targets = MessageTargets("eu-central-1", webhook_url=url, webhook_secret="secret")
    JobMessages(targets, lambda _: "{}", SystemClock()).send(queued(request, 0, JobLimits()))


SENDERS: dict[str, Callable[[str], None]] = {
    "records": records,
    "messages": message,
    "webhook of events": webhook,
    "webhook of jobs": job_webhook,
}


@pytest.fixture
def pair() -> Iterator[tuple[Receiver, Receiver]]:
    asked, elsewhere = Receiver(), Receiver()
    yield asked, elsewhere
    asked.shut()
    elsewhere.shut()


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("sender", SENDERS)
def test_redirects_are_a_failure_and_not_followed(pair: tuple[Receiver, Receiver], sender: str, status: int) -> None:
    asked, elsewhere = pair
    asked.status, asked.location = status, f"{elsewhere.url}/there"
    with pytest.raises((CustodesError, OSError)):
        SENDERS[sender](asked.url)
    assert asked.got and elsewhere.got == []
