"""Known people in both databases: whole imports, changes, removal, and those of an earlier version's file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from custodes.core.ids import AccountId
from custodes.gallery.celebrities import Celebrity, KnownGender
from custodes.storage.sql.gallery.celebrities import SqlCelebrities
from tests.fakes.directories import opened_database
from tests.fakes.postgres import database_url

OPERATOR = AccountId("123456789012")
ANN, BEN = Celebrity("a", "Ann", ("a.example", "b.example"), KnownGender.FEMALE), Celebrity("b", "Ben", (), None)


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCelebrities]:
    with closing(opened_database(tmp_path, database_url(request))) as database:
        yield SqlCelebrities(database, OPERATOR)


def test_people_are_put_changed_and_dropped(book: SqlCelebrities) -> None:
    assert book.everybody() == [] and book.people(["a"]) == {}
    book.put([BEN, ANN])
    assert book.everybody() == [ANN, BEN]
    changed = Celebrity("b", "Bob", ("b.example",), KnownGender.UNLISTED)
    book.put([changed, changed])
    assert book.people(["b", "c"]) == {"b": changed}
    assert len(book.people([str(number) for number in range(1200)] + ["a"])) == 1
    book.drop(["b", "nobody"])
    book.put([])
    assert book.everybody() == [ANN]


def test_those_of_an_earlier_versions_file_are_taken_over(book: SqlCelebrities, tmp_path: Path) -> None:
    former = tmp_path / "celebrities" / "people.sqlite3"
    former.parent.mkdir()
    with closing(sqlite3.connect(former)) as connection, connection:
        connection.execute("create table person (id text primary key, name text, urls text, gender text)")
        for one in (ANN, BEN):
            row = (one.celebrity_id, one.name, json.dumps(one.urls), one.gender)
            connection.execute("insert into person values (?, ?, ?, ?)", row)
    for _ in range(2):
        book.take_over(tmp_path)
    assert book.everybody() == [ANN, BEN]
    assert not former.exists()
