"""Fixtures that whole-server tests share.

``live_server`` is a real server on a free loopback port, in a thread of this process, over a data directory of its
own. Its engine is the predictable fake of ``fakes.engine`` and its gallery is in memory, so it needs no model files and
starts in milliseconds; settings, credentials, edge, gate and use cases are the real ones. ``rekognition`` is a boto3
client for it, ``aws`` runs the AWS CLI against it, ``custodes`` runs our own command on its data directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custodes.cli.listener import Listener
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import Gallery
from custodes.settings import Settings
from custodes.wiring import Deployment, open_deployment
from fakes.engine import SquareEngine
from fakes.gallery import MemoryGalleryStore

REGION = "eu-central-1"


@dataclass(frozen=True)
class LiveServer:
    """A running server."""

    url: str
    data: Path
    deployment: Deployment

    def client(self, service: str = "rekognition") -> Any:
        import boto3

        key = self.deployment.keys.key
        session = boto3.session.Session(
            aws_access_key_id=key.access_key_id, aws_secret_access_key=key.secret, region_name=REGION
        )
        return session.client(service, endpoint_url=self.url)

    def environment(self) -> dict[str, str]:
        """Variables for AWS clients in other processes, and none of this one's own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUSTODES_"))}
        return {
            **inherited,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.data / "credentials"),
            "AWS_CONFIG_FILE": str(self.data / "config"),
            "AWS_PROFILE": "custodes",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
        }


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[LiveServer]:
    listener = Listener("127.0.0.1", 0)
    settings = Settings(data=tmp_path / "data", region=REGION, shutdown_s=2)
    gallery = Gallery(MemoryGalleryStore(), BruteForceIndex)
    with open_deployment(settings, endpoint_url=listener.url, engine=SquareEngine(), gallery=gallery) as deployment:
        ready = threading.Event()
        thread = threading.Thread(
            target=listener.serve, args=(deployment.app(), settings.shutdown_s, ready.set), daemon=True
        )
        thread.start()
        assert ready.wait(10), "the server did not start"
        yield LiveServer(listener.url, settings.data, deployment)
        listener.stop()
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
    listener.close()


@pytest.fixture
def rekognition(live_server: LiveServer) -> Any:
    """A boto3 client for ``live_server``."""
    return live_server.client()


@pytest.fixture(scope="session")
def model_pack() -> Path:
    """Folder of the default networks, fetched when they are not there yet; skips, saying why, when that fails."""
    from custodes.engine.store import default_root

    answer = subprocess.run(
        [sys.executable, "-m", "custodes", "models", "fetch"], capture_output=True, text=True, timeout=280, check=False
    )
    if answer.returncode != 0:
        pytest.skip(f"the networks cannot be fetched: {' '.join((answer.stdout + answer.stderr).split())[-300:]}")
    return Path(os.environ.get("CUSTODES_MODELS") or default_root(os.environ))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _program(name: str) -> str:
    """A program of this environment, whether or not it is on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"the program {name} is not installed")
    return found


@pytest.fixture
def aws(live_server: LiveServer) -> Run:
    """``aws("rekognition", ...)`` runs the AWS CLI as another process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_program("aws"), *arguments],
            env=live_server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def custodes(live_server: LiveServer) -> Run:
    """``custodes("search", ...)`` runs our command as another process, with the live server's data directory."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **live_server.environment(),
            "CUSTODES_DATA": str(live_server.data),
            "COLUMNS": "200",
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-m", "custodes", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
