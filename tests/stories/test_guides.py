"""Guides are run as they stand: their commands against a live server, their answers against what came."""

from __future__ import annotations

import os
import re
import shlex
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.story import run_page

pytestmark = pytest.mark.slow

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
PAGES = {"app-developer.md": 4, "auditor.md": 4, "data-subject.md": 4, "leaving-rekognition.md": 2, "operator.md": 5}
"""Pages that are run, and how many blocks each has."""


def photo(folder: Path, name: str, number: int) -> None:
    # PNG bytes: the name of a file does not count.
    (folder / name).write_bytes(picture(Square(number)))


def check(name: str, folder: Path, environment: Mapping[str, str]) -> None:
    blocks, wrong = run_page(GUIDES / name, folder, environment)
    assert not wrong, "\n".join(wrong)
    assert blocks == PAGES[name]


def test_data_subject(tmp_path: Path) -> None:
    photo(tmp_path, "anna.jpg", 1)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        client = server.client()
        for collection in ("customers", "guests", "staff"):
            client.create_collection(CollectionId=collection)
            index(client, collection, 2, "ben")
        for collection in ("guests", "staff"):
            anna = index(client, collection, 1, "anna")
        client.create_user(CollectionId="staff", UserId="anna-k")
        client.associate_faces(CollectionId="staff", UserId="anna-k", FaceIds=[anna])
        check("data-subject.md", tmp_path, server.environment())


def index(client: Any, collection: str, number: int, name: str) -> str:
    bytes_ = {"Bytes": picture(Square(number))}
    found = client.index_faces(CollectionId=collection, Image=bytes_, ExternalImageId=name)
    face: str = found["FaceRecords"][0]["Face"]["FaceId"]
    return face


def test_app_developer(tmp_path: Path) -> None:
    photo(tmp_path, "ann.jpg", 1)
    photo(tmp_path, "unknown.jpg", 1)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        check("app-developer.md", tmp_path, outside(server))


def test_operator(tmp_path: Path) -> None:
    photo(tmp_path, "unknown.jpg", 1)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        check("operator.md", tmp_path, outside(server))


def test_auditor(tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        server.client().detect_faces(Image={"Bytes": picture(Square(1))})
        server.deployment.ledger.duties.close_heads()
        account = str(server.deployment.keys.account_id)
        check("auditor.md", tmp_path, {**outside(server), "account": account})


@pytest.mark.parametrize("name", ["backup.md", "upgrade.md"])
def test_backups_as_the_pages_take_and_restore_them(name: str, tmp_path: Path) -> None:
    """Every line that is our command and ends, with the pages' folders below one of the test."""
    data = tmp_path / "srv" / "old"
    with running(data, engine=SquareEngine()) as server:
        server.client().create_collection(CollectionId="people")
    lines = [line[4:] for line in (GUIDES / name).read_text("utf-8").splitlines() if line.startswith("    custodes ")]
    # Buckets and databases elsewhere: tests/backup takes and restores those.
    ran = [line for line in lines if not line.startswith("custodes serve") and "://" not in line]
    assert len(ran) >= 2
    for line in ran:
        words = re.sub(r" /(backups|vault|srv)/", rf" {tmp_path}/\1/", line).split()[1:]
        done = custodes(*words, variables={**outside_of_all(), "CUSTODES_DATA": str(data)})
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / "backups").is_dir() and (tmp_path / "vault").is_dir()
    assert (tmp_path / "srv" / "new" / "ledger.pub").exists() == (name == "backup.md")


def test_watching_a_log_as_the_page_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's command at another address; whoever is told at an alarm writes a file here."""
    text = (GUIDES / "watching.md").read_text("utf-8")
    (block,) = re.findall(r"^```\n(custodes monitor .*?)^```$", text, re.MULTILINE | re.DOTALL)
    words = shlex.split(block.replace("\\\n", " "))[1:]
    for folder in ("receipts", "statements"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        server.client().detect_faces(Image={"Bytes": picture(Square(1))})
        server.deployment.ledger.duties.close_heads()
        with urllib.request.urlopen(f"{server.url}/ledger/trust.policy", timeout=30) as answer:
            (tmp_path / "trust.policy").write_bytes(answer.read())
        looked = monitor(words, server)
        assert looked.returncode == 0 and looked.stdout.startswith("OK"), looked.stdout + looked.stderr
        assert not (tmp_path / "alarm").exists() and (tmp_path / "watched" / "ledger" / "checkpoint").is_file()
    with running(tmp_path / "other", engine=SquareEngine()) as other:
        other.client().detect_faces(Image={"Bytes": picture(Square(1))})
        looked = monitor(words, other)
        assert looked.returncode == 1 and looked.stdout.startswith("CONTRADICTION"), looked.stdout + looked.stderr
        assert (tmp_path / "alarm").exists()


def monitor(words: list[str], server: LiveServer) -> CompletedProcess[str]:
    """The page's words at the address of ``server``; an alarm writes a file."""
    asked = [word.replace("https://server.example", server.url) for word in words[: words.index("--")]]
    told = ["--", sys.executable, "-c", "open('alarm', 'w').close()"]
    return custodes(*asked, *told, variables=outside_of_all())


def outside_of_all() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUSTODES_"))}


def test_leaving_rekognition(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name, number in (("ann.jpg", 1), ("ben.jpg", 2)):
        photo(tmp_path / "photos", name, number)
    with (
        running(tmp_path / "amazon", engine=SquareEngine()) as amazon,
        running(tmp_path / "data", engine=SquareEngine()) as server,
    ):
        client = amazon.client()
        client.create_collection(CollectionId="people")
        faces = [
            index(client, "people", number, name) for number, name in enumerate(("ann.jpg", "ben.jpg", "gone.jpg"), 1)
        ]
        client.create_user(CollectionId="people", UserId="ann")
        client.associate_faces(CollectionId="people", UserId="ann", FaceIds=faces[:1])
        key = amazon.deployment.keys.key
        file = tmp_path / "profiles"
        file.write_text(f"[amazon]\naws_access_key_id={key.access_key_id}\naws_secret_access_key={key.secret}\n")
        found = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_DEFAULT_REGION": "eu-central-1", "AMAZON": amazon.url}
        check("leaving-rekognition.md", tmp_path, {**outside(server), **found})


def outside(server: LiveServer) -> dict[str, str]:
    """A shell in which nothing points anywhere yet."""
    return {name: value for name, value in server.environment().items() if not name.startswith("AWS_")}
