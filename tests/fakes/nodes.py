"""Several ``serve`` processes over one PostgreSQL database and one directory, started, asked, killed and stopped.

In: the URL of a database, a directory. Out: processes with their addresses. They have the predictable engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.process import SCRIPT, Process, first_url


@dataclass
class Cluster:
    """The processes by name; ``url`` and ``data`` are what they share."""

    url: str
    data: Path
    running: dict[str, Process] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "CUSTODES_DATABASE": self.url}

    def begin(self, name: str) -> subprocess.Popen[str]:
        """Start a process and wait for nothing."""
        log = (self.data.parent / f"{name}.log").open("a")
        with log:
            return subprocess.Popen(
                [sys.executable, str(SCRIPT), str(self.data)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**self.environment(), "CUSTODES_NODE": name},
            )

    def start(self, *names: str) -> list[Process]:
        """Start processes at the same time; all of them serve when this returns."""
        begun = {name: self.begin(name) for name in names}
        for name, popen in begun.items():
            self.running[name] = Process(popen, first_url(popen), self.data)
        return [self.running[name] for name in names]

    def health(self, name: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.running[name].url}/healthz", timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def keeper(self, timeout_s: float = 30.0) -> str:
        """The process that has the duties, once one has."""
        end = time.monotonic() + timeout_s
        while True:
            for name in self.running:
                if self.health(name)["duties"]:
                    return name
            assert time.monotonic() < end, "nobody took the duties up"
            time.sleep(0.05)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        return self.running.pop(name).stop(how)

    def close(self) -> None:
        for process in self.running.values():
            process.popen.send_signal(signal.SIGCONT)
            process.popen.terminate()
        for process in self.running.values():
            process.popen.wait(30)
            if process.popen.stdout is not None:
                process.popen.stdout.close()
        self.running.clear()


@contextmanager
def cluster(url: str, folder: Path) -> Iterator[Cluster]:
    """No process yet."""
    made = Cluster(url, folder / "data")
    try:
        yield made
    finally:
        made.close()
