"""Somebody asks what is kept about their face: found, handed out, erased with proof; through the gate all the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from custodes.cli.client.administration import ask
from custodes.ledger.__main__ import check
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[LiveServer]:
    """With a gallery on disk, and Anna in two of three collections."""
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        client = server.client()
        for collection in ("customers", "staff", "guests"):
            client.create_collection(CollectionId=collection)
            client.index_faces(CollectionId=collection, Image=image(2), ExternalImageId="ben")
        for collection in ("customers", "staff"):
            client.index_faces(CollectionId=collection, Image=image(1), ExternalImageId="anna")
        client.create_user(CollectionId="staff", UserId="anna-k")
        anna = faces_of(client, "staff", "anna")
        client.associate_faces(CollectionId="staff", UserId="anna-k", FaceIds=anna)
        yield server


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "anna.png"
    path.write_bytes(picture(Square(1)))
    return str(path)


def image(number: int) -> dict[str, bytes]:
    return {"Bytes": picture(Square(number))}


def faces_of(client: Any, collection: str, name: str) -> list[str]:
    listed = client.list_faces(CollectionId=collection)["Faces"]
    return [face["FaceId"] for face in listed if face.get("ExternalImageId") == name]


def decisions(server: LiveServer, operation: str) -> list[Mapping[str, Any]]:
    log = server.deployment.ledger.log
    log.flush()
    bodies = [json.loads(log.body(index) or b"{}") for index in range(log.published.size)]
    return [body for body in bodies if body.get("op") == operation and "purpose" in body]


def test_found_handed_out_and_erased_with_proof(
    live_server: LiveServer, custodes: Any, photo: str, tmp_path: Path
) -> None:
    found = json.loads(custodes("subject", "find", photo, "--json").stdout)
    assert [face["collection_id"] for face in found["faces"]] == ["customers", "staff"]
    assert set(found["searched"]) == {"customers", "guests", "staff"}
    assert custodes("subject", "export", photo, "--out", str(tmp_path / "report")).returncode == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [face["stored"]["ExternalImageId"] for face in report["faces"]] == ["anna", "anna"]
    assert report["collections"]["guests"]["model_version"] == "1.0"
    asked = custodes("subject", "erase", photo, "--out", str(tmp_path / "unasked"))
    assert asked.returncode != 0 and faces_of(live_server.client(), "staff", "anna"), "it asks first"
    done = custodes("subject", "erase", photo, "--out", str(tmp_path / "erased"), "--yes")
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "erased").glob("erasure-*.json"))
    assert len(files) == 2
    assert {check(file, live_server.data / "trust.policy")[0] for file in files} == {"ABSENT"}
    report = json.loads((tmp_path / "erased" / "report.json").read_text())
    assert report["after"]["faces"] == [] and {one["verdict"] for one in report["erased"]} == {"ABSENT"}
    client = live_server.client()
    for collection in ("customers", "staff"):
        assert len(client.list_faces(CollectionId=collection)["Faces"]) == 1, "Ben stays"
    assert client.list_users(CollectionId="staff")["Users"] == [], "a user made of these faces only goes, too"


def test_the_purpose_is_stated_and_on_record(live_server: LiveServer, custodes: Any, photo: str) -> None:
    account = str(live_server.deployment.keys.account_id)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    trust = {**trust, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    everything = {"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}
    document = {"Version": "2012-10-17"}
    ask(live_server.data, "role create", role="Privacy", trust=json.dumps({**document, "Statement": trust}))
    text = json.dumps({**document, "Statement": everything})
    ask(live_server.data, "document put", owner="role/Privacy", name="all", text=text)
    role = f"arn:aws:iam::{account}:role/Privacy"
    found = custodes("subject", "find", photo, "--role", role)
    assert found.returncode == 0, found.stderr
    assert {body["purpose"] for body in decisions(live_server, "SearchFacesByImage")} == {"data-subject-request"}


def test_where_two_persons_have_to_confirm_nobody_is_named_or_erased(
    live_server: LiveServer, custodes: Any, photo: str, tmp_path: Path
) -> None:
    profile = {"legal_name": "Coast Guard", "sector": "public-safety", "country": "NL"}
    stated = {"purpose": "imminent-threat", "legal_basis": "public-task"}
    made = ask(live_server.data, "account create", profile=profile, stated=stated)
    credentials = tmp_path / "coast-guard"
    credentials.write_text(
        f"[custodes]\naws_access_key_id={made['access_key_id']}\naws_secret_access_key={made['secret_access_key']}\n"
    )
    elsewhere = ("--endpoint", live_server.url)
    client = boto3.client(
        "rekognition",
        endpoint_url=live_server.url,
        region_name="eu-central-1",
        aws_access_key_id=made["access_key_id"],
        aws_secret_access_key=made["secret_access_key"],
    )
    client.create_collection(CollectionId="wanted")
    face = client.index_faces(CollectionId="wanted", Image=image(1))["FaceRecords"][0]["Face"]["FaceId"]
    variables = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    out = tmp_path / "held"
    held = custodes("subject", "erase", photo, "--out", str(out), "--yes", *elsewhere, **variables)
    assert held.returncode == 1 and "held for two persons" in held.stderr
    assert face not in held.stdout + held.stderr + (out / "report.json").read_text()
    assert [one["FaceId"] for one in client.list_faces(CollectionId="wanted")["Faces"]] == [face]
    named = custodes(
        "subject",
        "erase",
        "--face",
        f"wanted:{face}",
        "--out",
        str(tmp_path / "named"),
        "--yes",
        *elsewhere,
        **variables,
    )
    assert named.returncode == 0, named.stderr
    assert client.list_faces(CollectionId="wanted")["Faces"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--face", "nonsense"], "COLLECTION:FACEID"),
        (["--face", "staff:00000000-0000-4000-8000-000000000000"], "there is no face"),
        ([], "name a photo"),
    ],
)
def test_what_cannot_be_meant_is_refused(custodes: Any, tmp_path: Path, arguments: list[str], said: str) -> None:
    refused = custodes("subject", "export", *arguments, "--out", str(tmp_path / "out"))
    assert refused.returncode == 1 and said in refused.stderr
