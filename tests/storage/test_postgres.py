"""What PostgreSQL adds: one owner, sessions that are lost, databases that are not fit, and moving there and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from custodes.cli.storage.database import copy
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.ids import FaceId, UserId
from custodes.deployment.databases import copy_from_shared, copy_to_shared, is_elsewhere, open_database
from custodes.settings import Settings
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.postgres_database import PostgresDatabase
from custodes.storage.sql.schema import METADATA
from tests.fakes.directories import opened
from tests.fakes.postgres import PostgresServer
from tests.fakes.vectors import KEY, collection, new_face, units

VECTORS = units(41, 6)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


def fill(store: SqlGalleryStore) -> None:
    """Six faces, one of them a user's, the last one deleted again; tags, a rule, a picture."""
    store.create_collection(collection(), {"note": "née Müller"})
    store.add_faces(KEY, [new_face(vector, f"face-{n}") for n, vector in enumerate(VECTORS)])
    store.create_user(KEY, UserId("ann"))
    store.set_user_faces(KEY, UserId("ann"), add=[FaceId("face-0")], remove=[], vector=VECTORS[0])
    store.put_thumbnails(KEY, {FaceId("face-1"): b"\xff\xd8 small"})
    store.set_retention_rule(KEY, 30)
    store.delete_faces(KEY, [FaceId("face-5")])


def check(store: SqlGalleryStore) -> None:
    """Everything of ``fill`` is there, and a new face gets a number that none had before."""
    (rows, vectors), *rest = store.face_vectors(KEY)
    assert not rest
    assert rows.tolist() == [1, 2, 3, 4, 5]
    assert np.array_equal(vectors, VECTORS[:5])
    vector = store.user_vector(KEY, UserId("ann"))
    assert vector is not None and np.array_equal(vector, VECTORS[0])
    assert store.tags(KEY) == {"note": "née Müller"}
    assert store.thumbnails(KEY, [FaceId("face-1")]) == {FaceId("face-1"): b"\xff\xd8 small"}
    assert [rule.days for rule in store.retention_rules()] == [30]
    assert store.collection(KEY).face_count == 5
    (new,) = store.add_faces(KEY, [new_face(VECTORS[5], "later")])
    assert new.row == 7
    store.delete_faces(KEY, [FaceId("later")])


def test_migrations_and_schema_agree(postgres: PostgresServer) -> None:
    url = postgres.empty()
    PostgresDatabase.beside(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path, url: str) -> None:
    with opened(tmp_path / "data", url=url) as store:
        fill(store)
    with opened(tmp_path / "data", url=url) as store:
        check(store)


def test_a_database_has_one_owner(tmp_path: Path, url: str) -> None:
    with closing(PostgresDatabase.open(tmp_path / "one", url)):
        with pytest.raises(UnavailableError, match="in use by another process"):
            PostgresDatabase.open(tmp_path / "two", url)
        with pytest.raises(UnavailableError, match="in use by another process"):
            PostgresDatabase.open(tmp_path / "one", url)
    PostgresDatabase.open(tmp_path / "two", url).close()


def test_an_owner_whose_sessions_were_cut_goes_on(tmp_path: Path, url: str, postgres: PostgresServer) -> None:
    with opened(tmp_path / "data", url=url) as store:
        fill(store)
        assert len(store.faces_by_row(KEY, [1, 2])) == 2
        postgres.end_sessions(url)
        assert len(store.faces_by_row(KEY, [1, 2, 3])) == 3
        try:
            store.put_tags(KEY, {"a": "1"})
        except UnavailableError:
            store.put_tags(KEY, {"a": "1"})
        assert store.tags(KEY)["a"] == "1"


def test_an_owner_that_was_replaced_meanwhile_writes_no_more(
    tmp_path: Path, url: str, postgres: PostgresServer
) -> None:
    with opened(tmp_path / "data", url=url) as store:
        fill(store)
        postgres.end_sessions(url)
        PostgresDatabase.open(tmp_path / "other", url).close()
        for _ in range(3):
            with pytest.raises(UnavailableError):
                store.put_tags(KEY, {"a": "1"})


@pytest.fixture
def unfit(postgres: PostgresServer) -> Iterator[str]:
    yield postgres.empty(locale="C.UTF-8")


def test_a_database_that_orders_text_otherwise_is_refused(tmp_path: Path, unfit: str) -> None:
    for _ in range(2):  # the lock is given up each time
        with pytest.raises(UnavailableError, match="CREATE DATABASE custodes TEMPLATE template0"):
            PostgresDatabase.open(tmp_path, unfit)


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UnavailableError, match="a newer version wrote it"):
        PostgresDatabase.open(tmp_path, url)


@pytest.mark.parametrize(
    "wrong", ["nonsense", "sqlite:///x", "postgresql+psycopg2://u:secret@h/d", "mysql://u:secret@h/d"]
)
def test_other_urls_are_refused_without_telling_their_password(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UnavailableError) as refused:
        PostgresDatabase.open(tmp_path, wrong)
    assert "secret" not in refused.value.message
    assert "postgresql+psycopg://" in refused.value.message


def test_a_server_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened") as refused:
        PostgresDatabase.open(tmp_path, "postgresql+psycopg://custodes:secret@127.0.0.1:1/custodes")
    assert "secret" not in refused.value.message


def test_a_directory_moves_to_postgresql_and_back(tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    here, there = Settings(data=data), Settings(data=data, database=url)
    with opened(data) as store:
        fill(store)
    with pytest.raises(UnavailableError, match="custodes database copy --to URL"):
        open_database(there)
    copied = copy_to_shared(data, url)
    assert (copied["faces"], copied["users"], copied["thumbnails"]) == (5, 1, 1)
    with pytest.raises(UnavailableError, match="set CUSTODES_DATABASE"):
        open_database(here)
    with opened(data, url=url) as store:
        check(store)
        store.create_user(KEY, UserId("bob"))
    assert copy_from_shared(data, url)["users"] == 2
    open_database(here).close()
    with opened(data) as store:
        (new,) = store.add_faces(KEY, [new_face(VECTORS[5], "last")])
        assert new.row == 8
        assert store.user(KEY, UserId("bob")).face_count == 0


def test_nothing_is_copied_over_what_is_there(tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    with opened(data) as store:
        fill(store)
    with opened(tmp_path / "other", url=url) as store:
        store.create_collection(replace(collection(), created_ts_ms=1), {})
    with pytest.raises(UnavailableError, match="not empty"):
        copy_to_shared(data, url)
    with opened(data) as store:
        check(store)


def test_a_directory_on_postgresql_has_its_database_backed_up_elsewhere(tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    open_database(Settings(data=data, database=url)).close()
    assert is_elsewhere(data)
    assert not (data / "custodes.sqlite3").exists()


def test_the_driver_is_not_imported_without_the_setting(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from custodes.settings import Settings;"
        "from custodes.deployment.databases import open_database;"
        "open_database(Settings(data=Path(sys.argv[1]))).close();"
        "print([name for name in ('psycopg', 'custodes.storage.sql.postgres_database') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_needs_one_direction(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="exactly one"):
        copy(to=None, source=None, data=tmp_path)
