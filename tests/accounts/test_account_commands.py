"""``custodes account`` beside a running server and without one, and what the accounts then can do through boto3."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return custodes(*arguments, "--data", data, "--json")


def answered(data: Path, *arguments: str) -> Any:
    done = run(data, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def create(data: Path, name: str, sector: str = "retail") -> Mapping[str, Any]:
    found: Mapping[str, Any] = answered(
        data, "account", "create", "--name", name, "--sector", sector, "--country", "NL"
    )
    return found


def client(url: str, key: Mapping[str, Any]) -> Any:
    return boto3.client(
        "rekognition",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def test_accounts_of_a_directory_that_no_server_ever_opened_work_on_a_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    early = create(data, "Early B.V.")
    with serving(data) as server:
        late = create(data, "Late B.V.")
        for key in (early, late):
            mine = client(server.url, key)
            mine.create_collection(CollectionId="people")
            mine.index_faces(CollectionId="people", Image={"Bytes": picture(Square(1))}, ExternalImageId="ann")
            assert len(mine.list_faces(CollectionId="people")["Faces"]) == 1
        listed = answered(data, "account", "list")
        assert [account["organisation"]["sector"] for account in listed] == ["operator", "retail", "retail"]
        assert server.client().list_collections()["CollectionIds"] == []

        answered(data, "account", "suspend", late["account_id"], "--reason", "unpaid")
        with pytest.raises(ClientError) as refused:
            client(server.url, late).list_collections()
        assert code(refused)[0] == "AccessDeniedException"
        assert "baseline.active" in code(refused)[1] and "unpaid" not in code(refused)[1]
        assert client(server.url, early).list_collections()["CollectionIds"] == ["people"]

        answered(data, "account", "activate", late["account_id"])
        assert client(server.url, late).list_collections()["CollectionIds"] == ["people"]

        answered(data, "account", "close", late["account_id"])
        with pytest.raises(ClientError) as refused:
            client(server.url, late).list_collections()
        assert code(refused)[0] == "UnrecognizedClientException"
        assert server.stop() == 0
    again = run(data, "account", "activate", late["account_id"])
    assert (again.returncode, "cannot become active" in again.stderr) == (1, True)
    assert answered(data, "account", "show", late["account_id"])["status"] == "closed"
    audit = custodes("ledger", "audit", "--data", data)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_mistakes_are_one_plain_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    missing = run(data, "account", "list")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert not data.exists()
    wrong = run(data, "account", "create", "--name", "N", "--sector", "police", "--country", "NL")
    assert wrong.returncode == 1
    assert "law-enforcement" in wrong.stderr
