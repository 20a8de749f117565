"""What every store of accounts does, and how the one on disk answers to tampering and crashes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.operations.accounts.ports import AccountRecord, AccountStore, RecordKind, RecordName
from custodes.storage.sql.accounts.store import SqlAccountStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.accounts import MemoryAccountStore
from tests.fakes.directories import opened_database, raw
from tests.fakes.postgres import database_url

ONE, TWO = AccountId("111111111111"), AccountId("222222222222")
A = AccountRecord(RecordName(ONE, RecordKind.USER, "ann"), b"a user")
B = AccountRecord(RecordName(TWO, RecordKind.USER, "ann"), b"another account's user")
C = AccountRecord(RecordName(ONE, RecordKind.KEY, "ann"), b"a key")


@contextmanager
def sql(data: Path, url: str = "") -> Iterator[SqlAccountStore]:
    with closing(opened_database(data, url)) as database:
        yield SqlAccountStore(database, open_master(database, data, os.urandom))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccountStore]:
    if request.param == "memory":
        yield MemoryAccountStore()
    else:
        with sql(tmp_path / "data", database_url(request)) as found:
            yield found


def kept(store: AccountStore) -> dict[RecordName, bytes]:
    return {record.name: record.value for record in store.load()}


def test_records_are_kept_apart_by_account_and_kind(store: AccountStore) -> None:
    store.change([A, B, C])
    assert kept(store) == {A.name: A.value, B.name: B.value, C.name: C.value}
    store.change([], [A.name])
    assert kept(store) == {B.name: B.value, C.name: C.value}


def test_a_record_is_replaced_and_a_missing_one_can_be_taken_away(store: AccountStore) -> None:
    store.change([A])
    store.change([AccountRecord(A.name, b"changed"), B], [C.name])
    assert kept(store) == {A.name: b"changed", B.name: B.value}
    store.change([A], [A.name])  # what is put stays
    assert kept(store) == {A.name: A.value, B.name: B.value}


def test_names_of_any_kind(store: AccountStore) -> None:
    records = [
        AccountRecord(RecordName(ONE, RecordKind.USER, name), name.encode()) for name in ("a'--", "A", "a", "=,.@-é")
    ]
    store.change(records)
    assert kept(store) == {record.name: record.value for record in records}


def test_it_survives_a_restart(tmp_path: Path) -> None:
    with sql(tmp_path) as store:
        store.change([A, B])
    with sql(tmp_path) as store:
        assert kept(store) == {A.name: A.value, B.name: B.value}


def test_nothing_of_a_value_is_readable_on_disk(tmp_path: Path) -> None:
    with sql(tmp_path) as store:
        store.change([AccountRecord(A.name, b"a secret that must not be read")])
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        assert b"must not be read" not in path.read_bytes()


ALTERATIONS = {
    "a byte": "UPDATE account_records SET sealed = CAST(substr(sealed, 1, 20) || "
    "CASE WHEN substr(sealed, 21, 1) = x'00' THEN x'01' ELSE x'00' END || substr(sealed, 22) AS BLOB)",
    "cut": "UPDATE account_records SET sealed = x''",
    "moved to another account": "UPDATE account_records SET account_id = '222222222222'",
    "moved to another name": "UPDATE account_records SET name = 'bob'",
    "made another kind": "UPDATE account_records SET kind = 'account'",
    "made no kind": "UPDATE account_records SET kind = 'queen'",
}


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_what_was_altered_on_disk_is_refused(tmp_path: Path, alteration: str) -> None:
    with sql(tmp_path) as store:
        store.change([A])
    with raw(tmp_path) as connection:
        connection.execute(alteration)
        connection.commit()
    with sql(tmp_path) as store, pytest.raises(UnavailableError, match="damaged or was altered"):
        kept(store)


def test_a_change_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    with sql(tmp_path) as store:
        store.change([A])
        with raw(tmp_path) as connection:
            connection.execute(
                "CREATE TRIGGER no_keys BEFORE INSERT ON account_records WHEN NEW.kind = 'key' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
            connection.commit()
        with pytest.raises(UnavailableError):
            store.change([B, C], [A.name])
        assert kept(store) == {A.name: A.value}
