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

import boto3

from custodes.cli.server.listener import Listener
from custodes.deployment.server import Deployment, open_deployment
from custodes.settings import Settings
from tests.fakes.schema import LISTS_FILE, new_database
from tests.fakes.square_sight import square_sight

REGION = "eu-central-1"
_MAKING_A_CLIENT = threading.Lock()
"""boto3 lets one thread at a time."""


@dataclass(frozen=True)
class LiveServer:
    """A running server."""

    url: str
    data: Path
    deployment: Deployment
    gallery: Any = None
    """What stands in for the database of galleries, where something does."""

    def client(self, service: str = "rekognition") -> Any:
        """One of the shared session of this process, which reads the descriptions of services once."""
        key = self.deployment.keys.key
        with _MAKING_A_CLIENT:
            return boto3.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=key.access_key_id,
                aws_secret_access_key=key.secret,
            )

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
    """The server of ``data``; ``overrides`` are settings, ``stand_ins`` open_deployment's.

    Portraits are checked by ``engine`` where that is one of them: networks make nothing of drawn squares.
    """
    listener = Listener("127.0.0.1", 0)
    settings = Settings(data=data, region=REGION, shutdown_s=2, threads=1, **(overrides or {}))
    if "engine" in stand_ins:
        stand_ins.setdefault("sight", square_sight(settings, stand_ins["engine"]))
    if not settings.database:
        new_database(settings.data, LISTS_FILE)
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
