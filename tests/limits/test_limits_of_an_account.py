"""``custodes account limits`` beside a running server, and what boto3 then sees."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes.command import custodes
from tests.fakes.process import serving


def account_command(data: Path, *arguments: str) -> Any:
    done = custodes("account", *arguments, "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def entries(url: str) -> int:
    with urllib.request.urlopen(f"{url}/ledger/checkpoint") as answer:
        return int(answer.read().split(b"\n")[1])


def test_limits_hold_from_the_next_request_on_and_refusals_fill_no_ledger(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        made = account_command(data, "create", "--name", "Slow B.V.", "--sector", "retail", "--country", "NL")
        account = made["account_id"]
        client = boto3.client(
            "rekognition",
            endpoint_url=server.url,
            region_name="eu-central-1",
            aws_access_key_id=made["access_key_id"],
            aws_secret_access_key=made["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        for _ in range(10):
            client.list_collections()
        chosen = {"rate.ListCollections": 1, "burst.ListCollections": 1, "collections": 1, "users_per_collection": 0}
        pairs = [f"--set={name}={number}" for name, number in chosen.items()]
        assert account_command(data, "limits", account, *pairs) == chosen
        client.list_collections()
        time.sleep(1)  # a checkpoint is published every quarter of a second
        before = entries(server.url)
        answered = 0
        for _ in range(50):
            with suppress(client.exceptions.ProvisionedThroughputExceededException):
                client.list_collections()
                answered += 1
        time.sleep(1)
        assert answered < 25
        assert entries(server.url) == before + 2 * answered
        client.create_collection(CollectionId="one")
        with pytest.raises(client.exceptions.ServiceQuotaExceededException):
            client.create_collection(CollectionId="two")
        with pytest.raises(client.exceptions.ServiceQuotaExceededException):
            client.create_user(CollectionId="one", UserId="ann")
        server.client().list_collections()
        assert account_command(
            data, "limits", account, "--clear=rate.ListCollections", "--clear=burst.ListCollections"
        ) == {
            "collections": 1,
            "users_per_collection": 0,
        }
        client.list_collections()


def test_a_limit_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = account_command(data, "create", "--name", "Slow B.V.", "--sector", "retail", "--country", "NL")
    for pair in ("rate.DetectNothing=1", "speed=1", "rate=many", "rate=-1", "=1"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "custodes",
                "account",
                "limits",
                made["account_id"],
                f"--set={pair}",
                "--data",
                data,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "limit" in done.stderr
    assert account_command(data, "limits", made["account_id"]) == {}
