"""Guides are run as they stand: their commands against a live server, their answers against what came."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.engine import Square, SquareEngine, picture
from fakes.live import running
from fakes.story import run_page

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
PAGES = {"data-subject.md": 4}
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
