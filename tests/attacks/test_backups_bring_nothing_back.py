"""Putting an older copy of some of the files back, so that what was erased is found again."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from custodes.core.errors import UnavailableError
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running

PARTS = {
    "database": ("custodes.sqlite3", "custodes.sqlite3-wal", "custodes.sqlite3-shm"),
    "ledger": ("ledger", "ledger-private"),
    "keys": ("keys",),
}


def image(number: int) -> dict[str, bytes]:
    return {"Bytes": picture(Square(number))}


def copy(data: Path, to: Path, names: tuple[str, ...]) -> None:
    """Replace the files ``names`` of ``to`` by those of ``data``."""
    to.mkdir(exist_ok=True)
    for name in names:
        source, target = data / name, to / name
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy2(source, target)


def restart(data: Path) -> Any:
    return running(data, engine=SquareEngine())


def test_a_deleted_user_does_not_return(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    with restart(data) as server:
        client = server.client()
        client.create_collection(CollectionId="c")
        face = client.index_faces(CollectionId="c", Image=image(1))["FaceRecords"][0]["Face"]["FaceId"]
        client.create_user(CollectionId="c", UserId="eve")
        client.associate_faces(CollectionId="c", UserId="eve", FaceIds=[face])
    copy(data, backup, PARTS["database"])
    with restart(data) as server:
        client = server.client()
        client.delete_user(CollectionId="c", UserId="eve")
        client.delete_faces(CollectionId="c", FaceIds=[face])
    copy(backup, data, PARTS["database"])
    with restart(data) as server:
        client = server.client()
        assert client.list_users(CollectionId="c")["Users"] == []
        assert client.search_users_by_image(CollectionId="c", Image=image(1))["UserMatches"] == []
        client.create_user(CollectionId="c", UserId="eve")  # the name may be used again, and lasts
    with restart(data) as server:
        assert [user["UserId"] for user in server.client().list_users(CollectionId="c")["Users"]] == ["eve"]


def test_a_deleted_collection_does_not_stand_again(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    with restart(data) as server:
        server.client().create_collection(CollectionId="c")
        server.client().create_user(CollectionId="c", UserId="eve")
    copy(data, backup, PARTS["database"])
    with restart(data) as server:
        server.client().delete_collection(CollectionId="c")
        server.client().create_collection(CollectionId="d")
    copy(backup, data, PARTS["database"])
    with restart(data) as server:
        assert server.client().list_collections()["CollectionIds"] == []
        server.client().create_collection(CollectionId="c")
    with restart(data) as server:
        assert server.client().list_collections()["CollectionIds"] == ["c"]


class Story:
    """What a script of calls led to: who was erased, for good."""

    def __init__(self) -> None:
        self.faces: dict[str, tuple[str, int]] = {}
        self.gone: set[str] = set()

    def act(self, client: Any, step: tuple[str, str, int]) -> None:
        do, collection, number = step
        with suppress(ClientError, ParamValidationError):
            if do == "index":
                answer = client.index_faces(CollectionId=collection, Image=image(number))
                for record in answer["FaceRecords"]:
                    self.faces[record["Face"]["FaceId"]] = (collection, number)
            elif do == "user":
                client.create_user(CollectionId=collection, UserId=f"u{number}")
                mine = [face for face, where in self.faces.items() if where == (collection, number)]
                client.associate_faces(CollectionId=collection, UserId=f"u{number}", FaceIds=mine[:1])
            elif do == "forget":
                mine = [face for face, where in self.faces.items() if where == (collection, number)]
                client.delete_user(CollectionId=collection, UserId=f"u{number}")
                client.delete_faces(CollectionId=collection, FaceIds=mine)
                self.gone.update(mine)
            elif do == "drop":
                client.delete_collection(CollectionId=collection)
                self.gone.update(face for face, where in self.faces.items() if where[0] == collection)
        for face in self.gone:
            self.faces.pop(face, None)
        client.create_collection(CollectionId=collection) if do == "make" else None


def listed(client: Any) -> tuple[set[str], set[tuple[str, str]]]:
    faces, users = set(), set()
    for collection in client.list_collections()["CollectionIds"]:
        faces |= {face["FaceId"] for face in client.list_faces(CollectionId=collection)["Faces"]}
        users |= {(collection, user["UserId"]) for user in client.list_users(CollectionId=collection)["Users"]}
    return faces, users


steps = st.lists(
    st.tuples(st.sampled_from(["index", "user", "forget", "drop"]), st.sampled_from(["c", "d"]), st.integers(1, 2)),
    min_size=2,
    max_size=6,
)


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(before=steps, after=steps, part=st.sampled_from(sorted(PARTS)))
def test_no_part_of_any_earlier_moment_brings_an_erased_person_back(
    tmp_path_factory: pytest.TempPathFactory, before: list[Any], after: list[Any], part: str
) -> None:
    folder = tmp_path_factory.mktemp("story")
    data, backup, story = folder / "data", folder / "backup", Story()
    with restart(data) as server:
        client = server.client()
        for collection in ("c", "d"):
            client.create_collection(CollectionId=collection)
        for step in before:
            story.act(client, step)
    copy(data, backup, PARTS[part])
    with restart(data) as server:
        client = server.client()
        for step in [*after, ("forget", "c", 1), ("drop", "d", 1)]:
            story.act(client, step)
        _, users = listed(client)
    copy(backup, data, PARTS[part])
    try:
        with restart(data) as server:
            faces, back = listed(server.client())
            assert not faces & story.gone
            assert ("c", "u1") not in back
            assert not {user for collection, user in back if collection == "d"} - {u for c, u in users if c == "d"}
    except UnavailableError:
        pass  # a server that refuses to start finds nobody
