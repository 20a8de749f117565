"""Servers whose faces are searched by pgvector or Milvus: the answers of memory, and said where some may be missed."""

from __future__ import annotations

import base64
import importlib.util
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.setting_text import search_engine
from custodes.settings import load
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.postgres import PostgresServer

SHOTS = [(who, angle) for who in (1, 2, 3) for angle in (0, 4, 8, 12, 30)]
PATHS = ("milvus", "milvus+approximate", "pgvector", "pgvector+approximate")


def filled(server: LiveServer) -> dict[str, str]:
    """Ids of faces by name."""
    client = server.client()
    client.create_collection(CollectionId="people")
    ids = {}
    for number, (who, angle) in enumerate(SHOTS):
        image = {"Bytes": picture(Square(who, angle_deg=angle, left=10 + number))}
        name = f"{who}-{angle}"
        told = client.index_faces(CollectionId="people", Image=image, ExternalImageId=name)
        ids[name] = told["FaceRecords"][0]["Face"]["FaceId"]
    return ids


def answers(server: LiveServer) -> list[list[tuple[str, float]]]:
    """What is found, by what was asked."""
    client, found = server.client(), []
    for who, angle, limit, threshold in ((1, 2, 1, 80), (1, 2, 4096, 0), (2, 30, 3, 0), (3, 1, 4096, 95)):
        told = client.search_faces_by_image(
            CollectionId="people",
            Image={"Bytes": picture(Square(who, angle_deg=angle))},
            MaxFaces=limit,
            FaceMatchThreshold=threshold,
        )
        found.append([(one["Face"]["ExternalImageId"], one["Similarity"]) for one in told["FaceMatches"]])
    return found


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, float]]]:
    with running(tmp_path_factory.mktemp("exact") / "data", engine=SquareEngine()) as server:
        filled(server)
        return answers(server)


@pytest.fixture(params=PATHS)
def overrides(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, Any]:
    """Settings of a server by its way of searching."""
    if request.param.startswith("milvus"):
        for package in ("pymilvus", "milvus_lite"):
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed: make clusters")
        return {"search": f"{request.param}://{tmp_path / 'milvus.db'}"}
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return {"search": request.param, "database": postgres.empty()}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that pymilvus imports
        yield


def started(data: Path, overrides: Mapping[str, Any]) -> Any:
    return running(data, overrides, engine=SquareEngine())


def search_of(server: LiveServer) -> str | None:
    """What the record of a search says of how it was done."""
    client = server.client()
    told = client.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(1))})
    text = told["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt-body"]
    body = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    found: str | None = body.get("search")
    users = client.search_users_by_image(CollectionId="people", Image={"Bytes": picture(Square(1))})
    text = users["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt-body"]
    assert b"approximate" not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "users are in memory"
    return found


def test_answers_are_those_of_memory_and_the_record_says_how(
    overrides: Mapping[str, Any], exact: list[list[tuple[str, float]]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    try:
        with started(data, overrides) as server:
            ids = filled(server)
            assert answers(server) == exact
            assert search_of(server) == ("approximate" if "approximate" in overrides["search"] else None)
            client = server.client()
            client.delete_faces(CollectionId="people", FaceIds=[ids["1-0"], ids["1-4"]])
            left = [[one for one in found if one[0] not in ("1-0", "1-4")] for found in exact]
            assert answers(server)[1] == left[1]
            client.create_collection(CollectionId="other")
            nobody = client.search_faces_by_image(CollectionId="other", Image={"Bytes": picture(Square(1))})
            assert nobody["FaceMatches"] == []
            client.delete_collection(CollectionId="other")
    except UnavailableError as error:
        if "vector" in error.message:
            pytest.skip(f"this PostgreSQL has no pgvector: {error.message}")
        raise
    with started(data, overrides) as server:
        assert answers(server)[1] == left[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pgvector", "while database is not on PostgreSQL"),
        ("milvus", "exact, sharded, pgvector or milvus://host:port"),
        ("exact+approximate", "exact, sharded, pgvector or milvus"),
        ("faiss", "exact, sharded, pgvector or milvus"),
        ("milvus+tls:///folder/file", "exact, sharded, pgvector or milvus"),
        ("sharded+approximate", "exact, sharded, pgvector or milvus"),
        ("sharded", "for several with names"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=said):
        load({"CUSTODES_SEARCH": text, "CUSTODES_DATA": str(tmp_path)})


def test_a_file_is_for_one_server() -> None:
    with pytest.raises(InvalidParameterError, match="several nodes"):
        load(
            {
                "CUSTODES_SEARCH": "milvus:///folder/file",
                "CUSTODES_NODE": "node-1",
                "CUSTODES_DATABASE": "postgresql+psycopg://h/d",
            }
        )


def test_addresses_of_milvus() -> None:
    found = search_engine("milvus+tls+approximate://milvus.example:19530")
    assert found is not None and found.approximate and not found.embedded
    assert found.address == "https://milvus.example:19530"
    plain, file = search_engine("milvus://m:1"), search_engine("milvus:///a/b.db")
    assert plain is not None and (plain.address, plain.approximate) == ("http://m:1", False)
    assert file is not None and file.embedded and file.address == "/a/b.db"


def test_a_milvus_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    if importlib.util.find_spec("pymilvus") is None:
        pytest.skip("pymilvus is not installed: make clusters")
    with (
        pytest.raises(UnavailableError, match="Milvus"),
        started(tmp_path / "data", {"search": "milvus://127.0.0.1:9"}),
    ):
        pass
