"""Publishes that jobs are over: to SNS topics through boto3, and to one webhook of the operator's.

In: a finished job with a channel. Out: one message. Where no endpoint is configured nothing is sent and nothing fails:
clients then poll. The webhook's request is signed: HMAC-SHA256 of the time and the body.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.jobs.job import Job
from custodes.storage.messages.endpoint import Endpoint, open_client
from custodes.storage.messages.post import post


@dataclass(frozen=True, slots=True)
class MessageTargets:
    """Where messages go; empty means nowhere.

    Attributes:
        sns_url: endpoint of SNS.
        webhook_url: gets every message, whatever its topic.
        webhook_secret: signs requests to it.
    """

    region: str
    sns_url: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)


class JobMessages:
    """Implements ``NoticeSender``. The client of SNS is made at the first message."""

    def __init__(self, targets: MessageTargets, text_of: Callable[[Job], str], clock: Clock) -> None:
        """Send what ``text_of`` says of a job."""
        self._targets = targets
        self._text_of = text_of
        self._clock = clock
        self._lock = threading.Lock()
        self._client: Any = None

    def send(self, job: Job) -> None:
        """See NoticeSender."""
        text = self._text_of(job)
        if self._targets.sns_url and job.request.channel:
            try:
                self._sns().publish(TopicArn=job.request.channel, Message=text)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                raise UnavailableError("The topic did not take the message.") from error
        if self._targets.webhook_url:
            self._post(text.encode())

    def _post(self, body: bytes) -> None:
        ts_ms = str(self._clock.now_ms())
        signature = hmac.new(self._targets.webhook_secret.encode(), f"{ts_ms}.".encode() + body, hashlib.sha256)
        headers = {
            "content-type": "application/json",
            "x-custodes-timestamp": ts_ms,
            "x-custodes-signature": f"sha256={signature.hexdigest()}",
        }
        status = post(self._targets.webhook_url, body, headers)
        if not 200 <= status < 300:
            raise UnavailableError(f"The webhook answered {status}.")

    def _sns(self) -> Any:
        with self._lock:
            if self._client is None:
                targets = self._targets
                endpoint = Endpoint(targets.sns_url, targets.region, targets.access_key_id, targets.secret_access_key)
                self._client = open_client("sns", endpoint)
            return self._client
