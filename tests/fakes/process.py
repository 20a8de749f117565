"""The server of ``fakes.serve`` as a process: started, asked, stopped, killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from custodes.storage.files.credentials import open_credentials

_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=10)
SCRIPT = Path(__file__).with_name("serve.py")


@dataclass
class Process:
    popen: subprocess.Popen[str]
    url: str
    data: Path

    def client(self, config: Config = _ONCE) -> Any:
        key = open_credentials(self.data, region="eu-central-1", endpoint_url=self.url, random=bytes).key
        return boto3.client(
            "rekognition",
            endpoint_url=self.url,
            region_name="eu-central-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret,
            config=config,
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.popen.send_signal(how)
        status = self.popen.wait(15)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        return status


def first_url(popen: subprocess.Popen[str]) -> str:
    """Where a process serves, once it does."""
    assert popen.stdout is not None
    lines = list[str]()
    found = None
    while found is None:  # remarks of the start may stand in front of it
        lines.append(popen.stdout.readline())
        found = re.match(r"Custodes serves (http://127\.0\.0\.1:\d+) ", lines[-1])
        assert lines[-1], lines
    return found[1]


@contextmanager
def serving(data: Path) -> Iterator[Process]:
    popen = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(data)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield Process(popen, first_url(popen), data)
    finally:
        popen.kill()
        popen.wait(10)
        if popen.stdout is not None:
            popen.stdout.close()
