"""What every store of projects promises: the embedded database and the shared one."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.projects.entities import (
    Dataset,
    DatasetKey,
    DatasetStats,
    DatasetStatus,
    DatasetType,
    Project,
    ProjectFeature,
    ProjectKey,
    ProjectPolicy,
    S3Place,
    Version,
    VersionKey,
    VersionResult,
    VersionStatus,
)
from custodes.projects.manifest import ManifestLine, read_line
from custodes.projects.ports import ProjectStore
from custodes.projects.records import ProjectRecordKind, Value, dataset_name, record_of, version_name
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.projects import SqlProjectStore
from tests.fakes.directories import opened_database
from tests.fakes.postgres import database_url
from tests.fakes.waiting import eventually

MINE, OTHER = AccountId("111111111111"), AccountId("222222222222")
PROJECT = Project(ProjectKey(MINE, "parts", 1_000), tags={"team": "quality"})
TRAIN, TEST = (DatasetKey(MINE, "parts", kind, 2_000) for kind in (DatasetType.TRAIN, DatasetType.TEST))
DATASET = Dataset(
    TRAIN,
    DatasetStatus.CREATE_COMPLETE,
    2_500,
    "made",
    stats=DatasetStats(5, 4, 3, 2),
    names={"bolt M8": (4, 0), "Mutter, groß": (1, 7)},
    tags={"a": ""},
)
VERSION = Version(
    VersionKey(MINE, "parts", "v1", 3_000),
    VersionStatus.TRAINING_COMPLETED,
    ProjectFeature.CUSTOM_LABELS,
    S3Place("results", "out"),
    train=(S3Place("pictures", "a.manifest", "7"),),
    datasets=(TRAIN.path, TEST.path),
    names=("bolt M8", "nut"),
    thresholds=(0.25, 0.5),
    result=VersionResult(0.75, summary=S3Place("results", "s.json"), validation=(None, S3Place("results", "v"))),
)
POLICY = ProjectPolicy(PROJECT.key, "copy", "ab" * 16, "{}", 4_000, 4_001)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened_database(tmp_path / "data", database_url(request))
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def store(database: Database, tmp_path: Path) -> ProjectStore:
    return opened(database, tmp_path)


def opened(database: Database, folder: Path) -> ProjectStore:
    """The store, as a process that begins with what is on disk would open it."""
    return SqlProjectStore(database, open_master(database, folder / "data", os.urandom), os.urandom)


def line(name: str, *, labeled: bool = True, broken: bool = False) -> ManifestLine:
    label = {
        "kind": 0,
        "kind-metadata": {
            "class-name": "bolt",
            "confidence": 1,
            "type": "groundtruth/text" if broken else "groundtruth/image-classification",
            "human-annotated": "yes",
            "creation-date": "2026-11-30T00:00:00",
        },
    }
    return read_line(json.dumps({"source-ref": f"s3://pictures/{name}", **(label if labeled else {})}))


def filled(store: ProjectStore, *names: str) -> list[ManifestLine]:
    """The training dataset with these pictures."""
    store.add(record_of(DATASET))
    entries = [line(name) for name in names]
    store.put_entries(TRAIN, entries)
    return entries


def listed(store: ProjectStore, key: DatasetKey = TRAIN) -> list[str]:
    return [found.entry.source.rpartition("/")[2] for found in store.entries(key)]


def revision_of(store: ProjectStore, value: Value) -> int:
    record = record_of(value)
    found = store.find(record.account_id, record.kind, record.name)
    assert found is not None
    return found.revision


@pytest.mark.parametrize("value", [PROJECT, DATASET, VERSION, POLICY])
def test_a_record_comes_back_as_it_was_given_and_only_to_its_account(
    store: ProjectStore, database: Database, tmp_path: Path, value: Value
) -> None:
    record = record_of(value)
    assert store.add(record)
    assert not store.add(record)
    again = opened(database, tmp_path)
    found = again.find(MINE, record.kind, record.name)
    assert found is not None and found.value == value and found.created_ts_ms == record.created_ts_ms
    assert again.find(OTHER, record.kind, record.name) is None
    for kind in ProjectRecordKind:
        assert (again.find(MINE, kind, record.name) is not None) == (kind is record.kind)


def test_of_two_that_add_the_same_name_at_once_one_does(store: ProjectStore) -> None:
    done: list[bool] = []
    begin = threading.Barrier(6)

    def work(number: int) -> None:
        begin.wait()
        done.append(store.add(record_of(replace(PROJECT, key=replace(PROJECT.key, created_ts_ms=number)))))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 5 + [True]


def test_a_change_of_an_older_revision_changes_nothing(store: ProjectStore) -> None:
    store.add(record_of(VERSION))
    first = record_of(VERSION, revision_of(store, VERSION))
    running = replace(VERSION, status=VersionStatus.RUNNING)
    assert store.exchange(replace(first, value=running))
    assert not store.exchange(replace(first, value=replace(VERSION, status=VersionStatus.FAILED)))
    found = store.find(MINE, ProjectRecordKind.VERSION, version_name("parts", "v1"))
    assert found is not None and found.value == running
    assert store.exchange(replace(found, value=VERSION))
    assert store.drop(found)
    assert not store.drop(found)
    assert not store.exchange(found)


def test_of_many_changes_of_one_revision_one_is_kept(store: ProjectStore) -> None:
    store.add(record_of(VERSION))
    base = record_of(VERSION, revision_of(store, VERSION))
    done: list[str] = []
    begin = threading.Barrier(5)

    def work(number: int) -> None:
        begin.wait()
        if store.exchange(replace(base, value=replace(VERSION, message=str(number)))):
            done.append(str(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.find(MINE, ProjectRecordKind.VERSION, version_name("parts", "v1"))
    assert found is not None and [cast("Version", found.value).message] == done


def test_listings_are_of_a_kind_an_account_or_a_project_oldest_first(store: ProjectStore) -> None:
    for account, project, name, at in (
        (MINE, "parts", "b", 5),
        (MINE, "parts", "a", 9),
        (MINE, "other", "c", 7),
        (OTHER, "parts", "d", 6),
    ):
        store.add(record_of(replace(VERSION, key=VersionKey(account, project, name, at))))
    store.add(record_of(PROJECT))

    def names(account: AccountId | None, project: str | None = None) -> list[str]:
        found = store.listing(account, ProjectRecordKind.VERSION, project)
        return [cast("Version", record.value).key.name for record in found]

    assert names(None) == ["b", "d", "c", "a"]
    assert names(MINE) == ["b", "c", "a"]
    assert names(MINE, "parts") == ["b", "a"]
    assert names(OTHER, "other") == []
    assert [r.value for r in store.listing(MINE, ProjectRecordKind.PROJECT)] == [PROJECT]


def test_entries_keep_their_order_and_a_source_its_place(store: ProjectStore) -> None:
    entries = filled(store, "a.png", "b.png", "c.png")
    assert [found.entry for found in store.entries(TRAIN)] == entries
    changed = line("b.png", broken=True)
    store.put_entries(TRAIN, [changed, line("d.png"), line("e.png", labeled=False)])
    found = list(store.entries(TRAIN))
    assert listed(store) == ["a.png", "b.png", "c.png", "d.png", "e.png"]
    assert found[1].entry == changed and found[1].entry.errors
    assert [one.number for one in found] == sorted({one.number for one in found})
    assert [one.entry.source[-5:] for one in store.entries(TRAIN, found[2].number)] == ["d.png", "e.png"]
    assert [one.entry.labeled for one in store.entries(TRAIN, labeled=True)] == [True] * 3
    assert [one.entry.labeled for one in store.entries(TRAIN, labeled=False)] == [False] * 2
    store.put_entries(TRAIN, [line("z.png"), line("z.png", labeled=False)])
    assert [one.entry.labeled for one in store.entries(TRAIN)][5:] == [False], "the last line of a source counts"


def test_more_entries_than_are_read_at_once(store: ProjectStore) -> None:
    names = [f"{number:04}.png" for number in range(1203)]
    filled(store, *names)
    assert listed(store) == names
    middle = next(found.number for found in store.entries(TRAIN) if found.entry.source.endswith("/0600.png"))
    assert [one.entry.source[-8:] for one in store.entries(TRAIN, middle)] == names[601:]


def test_datasets_of_a_project_are_apart(store: ProjectStore) -> None:
    filled(store, "a.png")
    store.add(record_of(replace(DATASET, key=TEST)))
    store.put_entries(TEST, [line("a.png"), line("t.png")])
    assert (listed(store), listed(store, TEST)) == (["a.png"], ["a.png", "t.png"])


def test_entries_move_all_or_none(store: ProjectStore) -> None:
    filled(store, "a.png", "b.png", "c.png", "d.png")
    store.add(record_of(replace(DATASET, key=TEST)))
    numbers = [found.number for found in store.entries(TRAIN)]
    store.move_entries(TRAIN, TEST, [numbers[3], numbers[1]])
    assert (listed(store), listed(store, TEST)) == (["a.png", "c.png"], ["b.png", "d.png"])
    with pytest.raises(UnavailableError):
        store.move_entries(TRAIN, replace(TEST, project="nowhere"), numbers[:1])
    assert listed(store) == ["a.png", "c.png"]


def test_single_entries_are_destroyed(store: ProjectStore, database: Database) -> None:
    filled(store, "a.png", "b.png", "c.png")
    numbers = [found.number for found in store.entries(TRAIN)]
    with database.read() as connection:
        query = text("SELECT sealed FROM dataset_entries WHERE row = :row")
        sealed = bytes(connection.execute(query, {"row": numbers[1]}).scalar_one())
    store.drop_entries(replace(TRAIN, project="other"), numbers)
    assert len(listed(store)) == 3, "of this dataset only"
    store.drop_entries(TRAIN, [numbers[1], 10**9])
    assert listed(store) == ["a.png", "c.png"]
    eventually(lambda: sealed not in dump(database))
    store.put_entries(TRAIN, [line("b.png")])
    assert listed(store) == ["a.png", "c.png", "b.png"]


def test_a_dataset_that_was_dropped_takes_no_entries_and_a_new_one_is_empty(store: ProjectStore) -> None:
    filled(store, "a.png")
    found = store.find(MINE, ProjectRecordKind.DATASET, dataset_name("parts", DatasetType.TRAIN))
    assert found is not None and store.drop(found)
    with pytest.raises(UnavailableError):
        store.put_entries(TRAIN, [line("a.png")])
    with pytest.raises(UnavailableError):
        list(store.entries(TRAIN))
    store.add(record_of(DATASET))
    assert listed(store) == []


def test_parts_of_a_version(store: ProjectStore) -> None:
    key = VERSION.key
    with pytest.raises(UnavailableError):
        store.put_part(key, "weights", b"early")
    store.add(record_of(VERSION))
    assert store.part(key, "weights") is None
    for name, data in (("weights", b"w1"), ("train.000000", b"\0" * 5), ("train.000008", b"x"), ("train%", b"y")):
        store.put_part(key, name, data)
    store.put_part(key, "weights", b"w2" * 100_000)
    assert store.part(key, "weights") == b"w2" * 100_000
    assert store.part(replace(key, name="v2"), "weights") is None
    store.drop_parts(key, "train%")
    assert store.part(key, "train%") is None and store.part(key, "train.000008") == b"x", "no pattern is meant"
    store.drop_parts(key, "train.")
    assert store.part(key, "train.000000") is None and store.part(key, "weights") is not None
    store.drop_parts(key, "")
    assert store.part(key, "weights") is None


def test_with_a_version_go_its_parts(store: ProjectStore) -> None:
    store.add(record_of(VERSION))
    store.put_part(VERSION.key, "weights", b"w")
    found = store.find(MINE, ProjectRecordKind.VERSION, version_name("parts", "v1"))
    assert found is not None and store.drop(found)
    assert store.part(VERSION.key, "weights") is None
    store.add(record_of(VERSION))
    assert store.part(VERSION.key, "weights") is None


SECRET = b"secret-of-the-workshop"


def test_what_is_kept_stands_nowhere_in_the_clear(store: ProjectStore, database: Database) -> None:
    filled(store, SECRET.decode() + ".png")
    store.add(record_of(replace(VERSION, names=(SECRET.decode(),), description=SECRET.decode())))
    store.put_part(VERSION.key, "weights", SECRET)
    found = dump(database)
    assert len(found) > 500 and b"parts" in found, "what was looked at has the records"
    assert SECRET not in found


def test_with_a_dataset_goes_its_key_and_everything_under_it(store: ProjectStore, database: Database) -> None:
    filled(store, "a.png")
    with database.read() as connection:
        row = connection.execute(text("SELECT wrapped_key, sealed FROM project_records")).one()
        entry = connection.execute(text("SELECT sealed FROM dataset_entries")).one()
    kept = [bytes(value) for value in (*row, *entry)]
    assert all(value in dump(database) for value in kept)
    found = store.find(MINE, ProjectRecordKind.DATASET, dataset_name("parts", DatasetType.TRAIN))
    assert found is not None and store.drop(found)
    eventually(lambda: not any(value in dump(database) for value in kept))  # a log is emptied right after the answer


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dataset_entries SET sealed = (SELECT sealed FROM version_parts)",
        "UPDATE dataset_entries SET sealed = (SELECT max(sealed) FROM dataset_entries)",
        "UPDATE version_parts SET sealed = (SELECT max(sealed) FROM dataset_entries)",
        "UPDATE version_parts SET part = 'other'",
        "UPDATE project_records SET sealed = (SELECT max(sealed) FROM dataset_entries)",
        "UPDATE project_records SET wrapped_key = (SELECT max(wrapped_key) FROM project_records)",
    ],
)
def test_bytes_that_were_moved_are_damage_and_never_an_answer(
    store: ProjectStore, database: Database, tmp_path: Path, statement: str
) -> None:
    filled(store, "a.png", "b.png")
    store.add(record_of(VERSION))
    store.put_part(VERSION.key, "weights", b"w")
    database.write(lambda connection: connection.execute(text(statement)))
    again = opened(database, tmp_path)
    with pytest.raises(UnavailableError):
        read_everything(again)


def read_everything(store: ProjectStore) -> None:
    list(store.entries(TRAIN))
    for name in ("weights", "other"):
        store.part(VERSION.key, name)
    for kind in ProjectRecordKind:
        store.listing(MINE, kind)


def dump(database: Database) -> bytes:
    """Everything that tables have; of the embedded database also what lies in its files."""
    found = b""
    with database.read() as connection:
        for table in ("project_records", "dataset_entries", "version_parts"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                found += b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
        file = connection.engine.url.database if connection.engine.dialect.name == "sqlite" else None
    if file:
        found += b"".join(path.read_bytes() for path in Path(file).parent.glob(f"{Path(file).name}*"))
    return found
