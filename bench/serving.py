"""A server process to measure: start it, know when it answers, ask it as boto3, read its memory, stop it.

In: a command that serves from a data directory. Out: a ``Served``. No subject of its own.
"""

from __future__ import annotations

import http.client
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and the seconds from its start until ``/healthz`` said 200."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    start_seconds: float

    def client(self) -> Any:
        """A boto3 client that reads the key which the server wrote."""
        text = (self.data / "credentials").read_text(encoding="utf-8")
        found = dict(re.findall(r"^(aws_\w+)\s*=\s*(\S+)", text, re.MULTILINE))
        return rekognition(self.port, found["aws_access_key_id"], found["aws_secret_access_key"])

    def resident_mb(self) -> float:
        """Resident memory of the process in MB (10**6 bytes), as Linux counts it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found.group(1)) * 1024 / 1e6


def rekognition(port: int, key_id: str, secret: str) -> Any:
    """A boto3 client of whoever listens on ``port``."""
    import boto3

    return boto3.client(
        "rekognition",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


@contextmanager
def serving(data: Path, command: Sequence[str] | None = None) -> Iterator[Served]:
    """Run ``custodes serve``, or ``command`` instead of it, until the block ends.

    Args:
        data: its data directory; what it prints goes into a file beside it.
        command: gets its settings from the environment.
    """
    port = free_port()
    environment = os.environ | {"CUSTODES_DATA": str(data), "CUSTODES_PORT": str(port), "CUSTODES_REGION": REGION}
    started = time.perf_counter()
    log = data.with_name(f"{data.name}.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            command or [str(Path(sys.executable).with_name("custodes")), "serve"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        _until_healthy(process, port, log)
        yield Served(process, port, data, time.perf_counter() - started)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def portrait(side_px: int = 512, quality: int = 90) -> bytes:
    """A JPEG of one face: NASA's portrait of Eileen Collins, which scikit-image carries, resized to a square."""
    import PIL.Image
    import skimage.data

    picture = PIL.Image.fromarray(skimage.data.astronaut())
    if picture.width != side_px:
        picture = picture.resize((side_px, side_px), PIL.Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + PATIENCE_S
    while not _healthy(port):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with status {process.returncode}: {log.read_text()[-1000:]}")
        if time.perf_counter() > deadline:
            raise SystemExit("the server does not answer")
        time.sleep(0.01)


def _healthy(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
