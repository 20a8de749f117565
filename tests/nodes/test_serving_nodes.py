"""Several ``serve`` processes over one database: what one acknowledged, every other one answers by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.engine import Square, picture
from fakes.nodes import Cluster, cluster
from fakes.postgres import PostgresServer


@pytest.fixture
def nodes(tmp_path: Path, postgres: PostgresServer) -> Iterator[Cluster]:
    with cluster(postgres.database(), tmp_path) as made:
        yield made


def test_one_enrols_and_the_other_finds(nodes: Cluster) -> None:
    one, other = (process.client() for process in nodes.start("one", "two"))
    one.create_collection(CollectionId="people")
    added = one.index_faces(CollectionId="people", Image={"Bytes": picture(Square(20))})["FaceRecords"]
    found = other.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(20))})["FaceMatches"]
    assert [match["Face"]["FaceId"] for match in found] == [added[0]["Face"]["FaceId"]]
    other.delete_faces(CollectionId="people", FaceIds=[added[0]["Face"]["FaceId"]])
    assert one.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(20))})["FaceMatches"] == []
