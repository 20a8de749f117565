"""A service of AWS that takes messages, or what speaks like it, and a client for it.

In: an address and a key. Out: a boto3 client of a session of its own, so that no profile of the process is shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is. Without a key, requests are not signed."""

    url: str
    region: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


def open_client(service: str, endpoint: Endpoint) -> Any:
    """A client of ``service``, like ``sns``, at ``endpoint``."""
    signed = bool(endpoint.access_key_id)
    config = Config(
        connect_timeout=5,
        read_timeout=TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 2},
        **({} if signed else {"signature_version": UNSIGNED}),
    )
    return boto3.session.Session(region_name=endpoint.region).client(
        service,
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.access_key_id or None,
        aws_secret_access_key=endpoint.secret_access_key or None,
        config=config,
    )
