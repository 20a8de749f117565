"""Several servers over one PostgreSQL database and one directory, in this process or as processes that are killed.

In: the URL of a database, a directory. Out: servers with their addresses. They have the predictable engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from custodes.cli.server.listener import Listener
from custodes.deployment.nodes.node import open_node
from custodes.settings import Settings
from custodes.storage.files.credentials import stored_key
from tests.fakes.engine import SquareEngine
from tests.fakes.live import REGION
from tests.fakes.process import SCRIPT, Process, first_url


@dataclass(frozen=True)
class Node:
    """A server of this process."""

    url: str
    data: Path

    def client(self, service: str = "rekognition", key: tuple[str, str] | None = None) -> Any:
        """A client as the operator, or with another key."""
        found = key or stored_key(self.data)
        assert found is not None
        session = boto3.session.Session(aws_access_key_id=found[0], aws_secret_access_key=found[1], region_name=REGION)
        return session.client(service, endpoint_url=self.url)

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def keeping(self) -> Node:
        """This server, once it has the duties."""
        end = time.monotonic() + 60
        while not self.health()["duties"]:
            assert time.monotonic() < end, "it does not take the duties up"
            time.sleep(0.05)
        return self


@dataclass
class Cluster:
    """The processes by name; ``url`` and ``data`` are what they share."""

    url: str
    data: Path
    running: dict[str, Process] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "CUSTODES_DATABASE": self.url, **self.variables}

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

    def begun(self, name: str) -> Process | None:
        """Start a process that serves when this returns, not among the running ones yet; None where it gave up."""
        popen = self.begin(name)
        try:
            return Process(popen, first_url(popen), self.data)
        except AssertionError:
            popen.wait(30)
            assert popen.stdout is not None
            popen.stdout.close()
            return None

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
def running_node(
    name: str, url: str, data: Path, overrides: Mapping[str, Any] | None = None, engine: SquareEngine | None = None
) -> Iterator[Node]:
    """A server in a thread of this process, which nobody can kill."""
    settings = Settings(data=data, region=REGION, shutdown_s=2, threads=1, database=url, node=name, **(overrides or {}))
    with (
        closing(Listener("127.0.0.1", 0)) as listener,
        open_node(settings, endpoint_url=listener.url, engine=engine or SquareEngine()) as app,
    ):
        ready = threading.Event()
        thread = threading.Thread(target=listener.serve, args=(app, settings.shutdown_s, ready.set), daemon=True)
        thread.start()
        assert ready.wait(10), "the server did not start"
        yield Node(listener.url, data)
        listener.stop()
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def cluster(url: str, folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """No process yet; all get ``variables``."""
    made = Cluster(url, folder / "data", variables=variables or {})
    try:
        yield made
    finally:
        made.close()
