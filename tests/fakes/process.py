"""The server of ``tests.fakes.serve`` as a process: started, asked, stopped, killed.

In: a data directory. Out: a ``Process``. It is forked from one program of this test process that has read all modules,
see ``tests.fakes.forking``: to read them takes longer than most of what a server is started for.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config

from custodes.storage.files.credentials import open_credentials

_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=10)
SCRIPT = Path(__file__).with_name("serve.py")


class Forked:
    """A process that ``tests.fakes.forking`` forked, as ``subprocess.Popen`` shows one."""

    def __init__(self, program: Path, *arguments: str, apart: bool = False) -> None:
        """Run ``program``, what it writes to its standard output on a pipe; ``apart`` in a session of its own."""
        place = {"folder": str(Path.cwd()), "environment": dict(os.environ)}
        wanted = {"program": str(program), "arguments": arguments, "apart": apart, **place}
        reading, writing = os.pipe()
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._told.connect(_forking())
        socket.send_fds(self._told, [json.dumps(wanted).encode()], [writing])
        os.close(writing)
        self.stdout: IO[str] | None = os.fdopen(reading, encoding="utf-8")
        self.pid, self.returncode = int(self._line()), None

    def _line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            part = self._told.recv(64)
            assert part, "the program that forks servers has ended"
            text += part
        return text.decode()

    def send_signal(self, how: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and nobody has waited for it yet
                os.kill(self.pid, how)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        assert self.stdout is not None
        with self.stdout:
            told = self.stdout.read()
        self.wait(timeout)
        return told, ""

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = int(self._line())
            except TimeoutError as error:
                raise subprocess.TimeoutExpired([str(SCRIPT)], timeout or 0) from error
            self._told.close()
        return self.returncode


@cache
def _forking() -> str:
    """Where the program listens that forks servers; it ends with this process."""
    place = Path(tempfile.mkdtemp()) / "s"
    program = subprocess.Popen(
        [sys.executable, str(SCRIPT.with_name("forking.py")), str(place)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout is not None and program.stdout.readline() == "listening\n"
    program.stdout.close()

    def end() -> None:
        program.communicate()
        shutil.rmtree(place.parent, ignore_errors=True)

    atexit.register(end)
    return str(place)


@dataclass
class Process:
    popen: subprocess.Popen[str] | Forked
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


def first_url(popen: subprocess.Popen[str] | Forked) -> str:
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
    popen = Forked(SCRIPT, str(data))
    try:
        yield Process(popen, first_url(popen), data)
    finally:
        popen.kill()
        popen.wait(10)
        if popen.stdout is not None:
            popen.stdout.close()
