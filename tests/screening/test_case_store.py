"""One contract for every store of cases: the fake in memory, and sealed records in both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.operations.screening.ports import CaseStore, CustomerCase, ListsState, Officer, Run
from custodes.screening.assessment import Decision
from custodes.screening.entities import ListedName, ListEntry, ListHit, ScoreTerm
from custodes.screening.organisation import read_organisation
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.files.seal import KeyBox
from custodes.storage.sql.database import Database
from custodes.storage.sql.screening.cases import KeptDrafts, SealedCases
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.directories import opened_database
from tests.fakes.postgres import database_url
from tests.fakes.screening import MemoryCases

OPERATOR = AccountId("123456789012")
Reopen = Callable[[], CaseStore]
GRAPH = read_organisation(
    {
        "subject": "c",
        "parties": [{"id": "c", "name": "Customer B.V.", "identifiers": {"nl-kvk": "12345678"}},
                    {"id": "o", "name": "Somebody Secret", "kind": "person", "birth": "1970", "aliases": ["S"]}],
        "edges": [{"owner": "o", "asset": "c", "share": [25, 50], "more_than": True, "from": "2020-01-01"},
                  {"owner": "o", "asset": "c", "kind": "nominee", "share": 5, "for": "o"}],
    }
)  # fmt: skip
ENTRY = ListEntry(
    "house", "H-1", "person", (ListedName("Somebody", weak=True),), ("1970",), ("ru",), (("ru-inn", "1"),)
)
CASE = CustomerCase(
    AccountId("100000000001"), GRAPH, ("a" * 64,), True, 7,
    (ListHit("o", ENTRY, 0.9, False, (ScoreTerm("word", "a", "b", 0.5),)),), "review", 99, "ab" * 32,
)  # fmt: skip
DECISION = Decision("f" * 32, "false", "ann", "because", ("b" * 64,), 5, b"\x01" * 64)
OFFICER = Officer("ann", bytes(range(32)), 3)


def box() -> KeyBox:
    return KeyBox(bytes(32), lambda count: bytes(range(count)))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    if request.param == "memory":
        fake = MemoryCases()
        yield lambda: fake
        return
    opened: list[Database] = []
    url = database_url(request)

    def again() -> SealedCases:
        for database in opened:
            database.close()
        opened.append(opened_database(tmp_path, url))
        return SealedCases(opened[-1], OPERATOR, box())

    yield again
    opened[-1].close()


def test_what_was_kept_is_there_again(reopen: Reopen) -> None:
    store = reopen()
    assert (list(store.cases()), store.run(), list(store.decisions()), list(store.officers())) == ([], None, [], [])
    store.save([CASE])
    store.save_run(Run(5, ListsState("cd" * 32, {"house": 2})))
    store.decide(DECISION)
    store.save_officer(OFFICER)
    store = reopen()
    assert list(store.cases()) == [CASE]
    assert store.run() == Run(5, ListsState("cd" * 32, {"house": 2}))
    assert list(store.decisions()) == [DECISION]
    assert list(store.officers()) == [OFFICER]


def test_newer_values_replace_older_and_decisions_only_pile_up(reopen: Reopen) -> None:
    store = reopen()
    store.save([CASE])
    changed = CustomerCase(CASE.account_id, GRAPH, verdict="clear")
    store.save([changed, CustomerCase(AccountId("100000000002"), GRAPH)])
    store.save([])
    store.save_run(Run(1, ListsState("")))
    store.save_run(Run(2, ListsState("")))
    second = Decision("f" * 32, "false", "ben", "because", (), 6, b"\x02" * 64)
    store.decide(DECISION)
    store.decide(second)
    store.save_officer(Officer("ann", OFFICER.public, 3, until_ms=9))
    store = reopen()
    assert [case.verdict for case in store.cases()] == ["clear", "review"]
    assert store.run() == Run(2, ListsState(""))
    assert list(store.decisions()) == [DECISION, second]
    assert [officer.until_ms for officer in store.officers()] == [9]


def test_nobody_reads_the_rows_and_nobody_swaps_them(tmp_path: Path) -> None:
    with closing(opened_database(tmp_path)) as database:
        SealedCases(database, OPERATOR, box()).save([CASE, CustomerCase(AccountId("100000000002"), GRAPH)])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        rows = connection.execute('select sealed from screening_records order by "row"').fetchall()
        assert all(b"Secret" not in row[0] for row in rows)
        connection.execute("update screening_records set sealed = ? where name = 'case/100000000002'", rows[0])
    with closing(opened_database(tmp_path)) as database, pytest.raises(UnavailableError, match="altered"):
        list(SealedCases(database, OPERATOR, box()).cases())


def test_what_an_earlier_version_kept_in_a_file_is_taken_over_once(tmp_path: Path) -> None:
    with closing(opened_database(tmp_path / "old")) as database:
        SealedCases(database, OPERATOR, box()).save([CASE])
        SealedCases(database, OPERATOR, box()).decide(DECISION)
    former = tmp_path / "screening" / "cases.sqlite3"
    former.parent.mkdir()
    with closing(sqlite3.connect(tmp_path / "old" / FILE_NAME)) as connection:
        rows = connection.execute('select kind, name, sealed from screening_records order by "row"').fetchall()
    with closing(sqlite3.connect(former)) as connection, connection:
        connection.execute("create table record (number integer primary key, kind text, name text unique, sealed blob)")
        connection.executemany("insert into record (kind, name, sealed) values (?, ?, ?)", rows)
    with closing(opened_database(tmp_path)) as database:
        store = SealedCases(database, OPERATOR, box())
        for _ in range(2):
            store.take_over(tmp_path)
        assert list(store.cases()) == [CASE] and list(store.decisions()) == [DECISION]
    assert list(former.parent.iterdir()) == []
    former.write_bytes(b"no database at all, and long enough to be looked at")
    with closing(opened_database(tmp_path)) as database, pytest.raises(UnavailableError, match="damaged"):
        SealedCases(database, OPERATOR, box()).take_over(tmp_path)
    assert former.exists()


def test_drafts_are_for_the_operator_alone(tmp_path: Path) -> None:
    path = tmp_path / KeptDrafts(FolderDocuments(tmp_path)).keep("x.md", "draft")
    assert path.read_text() == "draft"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
