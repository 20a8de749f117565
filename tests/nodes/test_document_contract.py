"""Private documents: files of a folder, or rows that several servers share; and what a server kept is taken over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.prover.ports import Documents, Within
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.files.seal import KeyBox
from custodes.storage.ledger.document_take_over import take_over_documents
from custodes.storage.sql.ledger.documents import PostgresDocuments
from custodes.storage.sql.ledger.head import PostgresHead
from tests.fakes.postgres import PostgresServer

US = AccountId("000000000001")
MIB = 1 << 20
Opened = Callable[[], Documents]


class Leased:
    """Rows of a new database, and a lease to write them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.head = PostgresHead(url, US, "node", lease_ms=600_000)
        self.lease = self.head.acquire()
        self.master = KeyBox(bytes(32), os.urandom)

    def documents(self, account: AccountId = US) -> PostgresDocuments:
        return PostgresDocuments(self.url, account, self.master, self.lease)

    def run(self, statement: str) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture
def leased(postgres: PostgresServer) -> Iterator[Leased]:
    found = Leased(postgres.database())
    yield found
    found.head.close()


@pytest.fixture(params=["folder", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """What opens the same documents anew each time, as another process would."""
    if request.param == "folder":
        yield lambda: FolderDocuments(tmp_path)
        return
    made: list[PostgresDocuments] = []
    leased: Leased = request.getfixturevalue("leased")

    def open_one() -> Documents:
        made.append(leased.documents())
        return made[-1]

    yield open_one
    for each in made:
        each.close()


def test_what_was_put_is_there_for_the_next_process(opened: Opened) -> None:
    for name, data in (("a", b""), ("b/c.json", b"short"), ("b/d", os.urandom(2 * MIB + 17))):
        opened().put(name, data)
        assert opened().get(name) == data
        assert opened().size(name) == len(data)
        opened().put(name, data[:3])
        assert opened().get(name) == data[:3], "nothing of the old content is left"
    opened().remove("b/c.json")
    opened().remove("b/c.json")
    assert opened().get("b/c.json") is None
    assert opened().get("never") is None


def test_names_are_those_of_one_folder_in_order(opened: Opened) -> None:
    documents = opened()
    for name in ("top", "x/2", "x/1", "x/deep/3", "xy/4", "x%/5"):
        documents.put(name, b"")
    assert list(documents.names("x")) == ["1", "2"]
    assert list(documents.names("x/deep")) == ["3"]
    assert list(documents.names("nothing")) == []
    assert list(documents.names("")) == ["top"]
    inner = Within(documents, "x")
    assert [list(inner.names("")), list(inner.names("deep"))] == [["1", "2"], ["3"]]


@pytest.mark.parametrize("first", [0, 5, MIB, MIB + 5])
def test_a_document_grows_from_where_its_writer_knows_it_ends(opened: Opened, first: int) -> None:
    content = os.urandom(first)
    opened().extend("uses", 0, content)
    opened().extend("uses", first, b"a torn end")
    opened().extend("uses", first, b"next")
    assert opened().get("uses") == content + b"next"
    assert opened().read("uses", max(0, first - 2), 4) == (content + b"next")[max(0, first - 2) :][:4]
    assert opened().read("uses", first + 4, 10) == b""
    opened().extend("uses", first // 2, b"")
    assert opened().get("uses") == content[: first // 2]
    with pytest.raises(OSError, match="cut off"):
        opened().extend("uses", first + 1, b"behind a gap")
    assert opened().read("never", 0, 10) == b""
    assert opened().size("never") == 0


def test_whoever_lost_the_lease_changes_nothing(leased: Leased) -> None:
    with closing(leased.documents()) as late:
        late.put("rules", b"first")
        leased.run("UPDATE leases SET expires_ms = 0")
        with closing(PostgresHead(leased.url, US, "other")) as other:
            assert other.acquire() == 2
            for change in (
                lambda: late.put("rules", b"late"),
                lambda: late.extend("rules", 5, b"late"),
                lambda: late.remove("rules"),
            ):
                with pytest.raises(OSError, match="another server has the duties"):
                    change()
        assert late.get("rules") == b"first"
    with closing(PostgresDocuments(leased.url, US, leased.master)) as reader:
        assert reader.get("rules") == b"first"
        with pytest.raises(OSError, match="another server"):
            reader.put("rules", b"without a lease")


def test_rows_open_only_where_they_stand_and_say_nothing_by_themselves(leased: Leased) -> None:
    with closing(leased.documents()) as documents:
        documents.put("bills", b"what somebody owes")
        documents.put("other", b"another thing here")
        engine = create_engine(leased.url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT sealed FROM documents")).scalars().all()
        engine.dispose()
        assert not any(b"somebody" in bytes(row) for row in rows)
        leased.run("UPDATE documents SET sealed = (SELECT sealed FROM documents WHERE name = 'other')")
        with pytest.raises(OSError, match="altered"):
            documents.get("bills")
        assert documents.get("other") == b"another thing here"


def test_what_one_server_kept_is_taken_over_once(leased: Leased, tmp_path: Path) -> None:
    kept = FolderDocuments(tmp_path)
    held = {
        "policy/000000.json": b"{}",
        "ledger-private/maps/bills/2026-01.json": b"b",
        "ledger-private/erased-faces": b"+",
    }
    for name, data in {**held, "ledger-private/bodies/0.data": b"stays", "credentials": b"stays"}.items():
        kept.put(name, data)
    with closing(leased.documents()) as documents:
        with pytest.raises(UnavailableError, match="rules"):
            take_over_documents(tmp_path / "another", documents, entries=1)
        take_over_documents(tmp_path, documents, entries=1)
        documents.put("policy/000001.json", b"later")
        take_over_documents(tmp_path, documents, entries=2)
        assert {name: documents.get(name) for name in held} == held
        assert documents.get("policy/000001.json") == b"later"
        assert documents.get("credentials") is documents.get("ledger-private/bodies/0.data") is None
