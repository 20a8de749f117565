"""A real server on a free loopback port, in a thread of this process, over a data directory of its own.

In: a data directory and, where the real ones are not wanted, an engine and a gallery. Out: its address, its data and
boto3 clients for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custodes.cli.server.listener import Listener
from custodes.deployment.server import Deployment, open_deployment
from custodes.settings import Settings

REGION = "eu-central-1"


@dataclass(frozen=True)
class LiveServer:
    """A running server."""

    url: str
    data: Path
    deployment: Deployment
    gallery: Any = None
    """What stands in for the database of galleries, where something does."""

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


@contextmanager
def running(data: Path, overrides: Mapping[str, Any] | None = None, **stand_ins: Any) -> Iterator[LiveServer]:
    """The server of ``data``; ``overrides`` are settings, ``stand_ins`` open_deployment's."""
    listener = Listener("127.0.0.1", 0)
    settings = Settings(data=data, region=REGION, shutdown_s=2, threads=1, **(overrides or {}))
    with (
        closing(listener),
        open_deployment(settings, endpoint_url=listener.url, **stand_ins) as deployment,
    ):
        ready = threading.Event()
        thread = threading.Thread(
            target=listener.serve, args=(deployment.app(), settings.shutdown_s, ready.set), daemon=True
        )
        thread.start()
        assert ready.wait(10), "the server did not start"
        yield LiveServer(listener.url, settings.data, deployment, stand_ins.get("gallery"))
        listener.stop()
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
