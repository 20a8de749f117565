"""Editions on record: committed to a ledger, by the server that runs or by the command; read while others write."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock
from custodes.core.errors import ConflictError, InvalidParameterError, UnavailableError
from custodes.ledger.tlog.entry import b64url, decode
from custodes.operations.screening.list_imports import ListFile, commit_editions, file_digest, import_list
from custodes.operations.screening.list_publishers import publisher
from custodes.screening.delta import CustomerIndex, rescreen
from custodes.screening.entities import PERSON, ListedName, ListEntry, Party
from custodes.screening.index.entries import MemoryIndex, prepare_party
from custodes.storage.ledger.open import open_ledger
from custodes.storage.sql.screening import schema as screening_schema
from custodes.storage.sql.screening.list_copy import move_lists
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.screening.publishers import StoredPublishers
from tests.fakes.postgres import PostgresServer, database_url

FILES = Path(__file__).parent / "lists"


def entry(uid: str, name: str, **more: Any) -> ListEntry:
    return ListEntry("house", uid, "organisation", (ListedName(name),), **more)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """URL of where lists are; empty for their file."""
    return database_url(request)


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(app, ["sanctions", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_shrunken_list_is_refused_until_confirmed_and_a_diff_says_what_changed(tmp_path: Path, database: str) -> None:
    with closing(ScreeningLists(tmp_path, database)) as lists:
        many = [entry(str(at), f"Fictive Works {at}") for at in range(40)]
        lists.put("house", "csv", many, FixedClock(), digest="")
        with pytest.raises(ConflictError, match="shrink"):
            lists.put("house", "csv", many[:30], FixedClock(), digest="")
        lists.put("house", "csv", [*many[1:39], entry("39", "Renamed"), entry("40", "New")], FixedClock(), digest="")
        found = lists.difference("house")
        assert found.kinds == {"0": "removed", "39": "changed", "40": "added"}
        assert {one.uid: one.names[0].text for one in found.before} == {
            "0": "Fictive Works 0",
            "39": "Fictive Works 39",
        }
        assert {one.uid: one.names[0].text for one in found.now} == {"39": "Renamed", "40": "New"}
        assert lists.put("house", "csv", many[:30], FixedClock(), digest="", confirm=True).removed == 10 + 1
        with pytest.raises(InvalidParameterError, match="no entries"):
            lists.put("house", "csv", [], FixedClock(), digest="", confirm=True)


def test_only_what_matching_looks_at_is_screened_again(tmp_path: Path, database: str) -> None:
    with closing(ScreeningLists(tmp_path, database)) as lists:
        lists.put("house", "csv", [entry("1", "One"), entry("2", "Two")], FixedClock(), digest="")
        changed = [entry("1", "One", programmes=("NEW",)), entry("2", "Two", identifiers=(("lei", "X" * 20),))]
        lists.put("house", "csv", changed, FixedClock(), digest="")
        assert set(lists.difference("house").kinds) == {"1", "2"}
        assert [one.uid for one in lists.difference("house").to_screen()] == ["2"]


def test_words_are_made_anew_after_another_release_and_find_the_same(tmp_path: Path) -> None:
    asked = prepare_party(Party("x", "Fictive Wroks 17"))
    with closing(ScreeningLists(tmp_path)) as lists:
        lists.put("house", "csv", [entry(str(at), f"Fictive Works {at}") for at in range(30)], FixedClock(), digest="")
        before = lists.by_names(asked)
    with closing(sqlite3.connect(tmp_path / "screening" / "lists.sqlite3")) as file, file:
        file.execute(f"PRAGMA user_version = {screening_schema.VERSION - 1}")
        file.execute("DELETE FROM name_index")
    with closing(ScreeningLists(tmp_path)) as lists:
        assert lists.by_names(asked) == before != []


def test_both_indexes_find_the_same(tmp_path: Path) -> None:
    entries = [one for name, form in (("uk.xml", "uk"), ("un.xml", "un"), ("house.csv", "csv"))
               for one in _read(FILES / name, form)]  # fmt: skip
    names = ["Michail Wymyslow", "Михаил Вымыслов", "Vymysel Traiding", "FICTIVE STRA", "Somebody Else"]
    with closing(ScreeningLists(tmp_path)) as lists:
        lists.put("all", "csv", entries, FixedClock(), digest="")
        for name in names:
            for kind in (PERSON, "organisation"):
                asked = prepare_party(Party("x", name, kind))
                stored = {near.entry.names for near in lists.by_names(asked)}
                assert stored == {near.entry.names for near in MemoryIndex(entries).by_names(asked)}


def test_a_change_alone_finds_the_customers_that_screening_afresh_finds() -> None:
    parties = [Party(f"p{at}", name, PERSON) for at, name in enumerate(("Michail Wymyslow", "Ann Else", "M Vymyslov"))]
    parties.append(Party("firm", "Quite Other", identifiers=(("gb-coh", "09999999"),)))
    found = {party.id: [hit.entry.uid for hit in hits] for party, hits in rescreen(CustomerIndex(parties), _house())}
    assert found == {"p0": ["H2"], "p2": ["H2"], "firm": ["H1"]}


def _read(path: Path, form: str) -> list[ListEntry]:
    from custodes.screening.lists.read import read_list

    return list(read_list(path, form))


def _house() -> list[ListEntry]:
    return _read(FILES / "house.csv", "csv")


def test_an_edition_is_committed_once_with_its_digest_and_count(tmp_path: Path) -> None:
    log = open_ledger(tmp_path, "test/1", FixedClock())
    log.start()
    with closing(log), closing(ScreeningLists(tmp_path)) as lists:
        done = import_list(lists, ListFile(FILES / "house.csv", "csv", "my list"), FixedClock())
        assert done is not None
        assert done.digest == file_digest(FILES / "house.csv")
        ((index, _),) = commit_editions(lists, log)
        assert commit_editions(lists, log) == []
        assert lists.editions()[0].ledger_index == index
        log.flush()
        (one,) = [found for _, data in log.tree().entries() if (found := decode(data)).kind == "list"]
        assert one.fields == {"l": b64url(bytes.fromhex(done.digest)), "n": 2, "x": "my-list"}
        same = ListFile(FILES / "house.csv", "csv", "my list")
        assert import_list(lists, same, FixedClock(), unless=done.digest) is None


def test_commands_work_while_the_server_runs_and_its_ledger_has_the_edition(live_server: Any) -> None:
    reported = json.loads(run("import", "--data", live_server.data, "--format", "uk", FILES / "uk.xml", "--json"))
    assert (reported["entries"], reported["name"]) == (3, "uk")
    log = live_server.deployment.ledger.log
    log.flush()
    listed = {at: one.fields for at, data in log.tree().entries() if (one := decode(data)).kind == "list"}
    assert listed[reported["ledger_index"]]["x"] == "uk"
    assert "ledger entry" in run("status", "--data", live_server.data)
    assert "added\tRUS9001\tMikhail Ivanovich VYMYSLOV" in run("diff", "uk", "--data", live_server.data)


@pytest.mark.parametrize(("form", "said"), [("uk", "has no column"), ("ukk", "unknown list format"), ("un", "")])
def test_a_file_that_is_no_list_leaves_no_data_directory_behind(tmp_path: Path, form: str, said: str) -> None:
    place = tmp_path / "data"
    file = tmp_path / "list.csv"
    file.write_text("a,b\n1,2\n")
    done = CliRunner().invoke(app, ["sanctions", "import", "--data", str(place), "--format", form, str(file)])
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output
    assert not place.exists()


def test_without_a_ledger_an_import_stands_and_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["sanctions", "import", "--data", str(tmp_path), "--format", "csv", str(FILES / "house.csv")]
    )
    assert done.exit_code == 0
    assert "not in the ledger yet" in done.output
    assert "2 entries" in run("status", "--all", "--data", tmp_path)


def test_sources_are_added_shown_without_their_secrets_and_removed(tmp_path: Path) -> None:
    run(
        "sources",
        "add",
        "uk",
        "--format",
        "uk",
        "--address",
        "https://lists.example/uk.xml?token=s",
        "--data",
        tmp_path,
    )
    (one,) = json.loads(run("sources", "--data", tmp_path, "--json"))
    assert (one["name"], one["address"], one["every_h"]) == ("uk", "https://lists.example/uk.xml", 24)
    run("sources", "remove", "uk", "--data", tmp_path)
    assert run("sources", "list", "--data", tmp_path) == ""


def test_nobody_loses_what_another_process_writes(tmp_path: Path) -> None:
    """Opening the file twice in one process must not give up the locks that SQLite holds for the first."""
    with closing(ScreeningLists(tmp_path)) as lists:
        lists.put("first", "csv", [entry("1", "One")], FixedClock(), digest="")
        with closing(StoredPublishers(tmp_path)) as publishers:
            assert publishers.all() == []
            imported = ["import", "--data", str(tmp_path), "--format", "csv", str(FILES / "house.csv")]
            subprocess.run(
                [sys.executable, "-m", "custodes", "sanctions", *imported], check=True, capture_output=True, timeout=60
            )
            assert set(lists.current()) == {"first", "house"}
            lists.put("last", "csv", [entry("1", "One")], FixedClock(), digest="")
    with closing(ScreeningLists(tmp_path)) as lists:
        assert set(lists.current()) == {"first", "house", "last"}


def everything(lists: ScreeningLists) -> Any:
    """What an open place of lists answers."""
    asked = prepare_party(Party("x", "Fictive Wroks 17"))
    found = [near.entry for near in lists.by_names(asked)], list(lists.by_identifiers([("lei", "X" * 20)]))
    return lists.editions(), lists.difference("house"), lists.uncommitted(), found


def test_lists_are_taken_over_by_a_database_and_moved_back(tmp_path: Path, postgres: PostgresServer) -> None:
    data, url = tmp_path, postgres.database()
    many = [entry(str(at), f"Fictive Works {at}", identifiers=(("lei", "X" * 20),) * (at < 2)) for at in range(700)]
    with closing(ScreeningLists(data)) as lists, closing(StoredPublishers(data)) as publishers:
        lists.put("house", "csv", many, FixedClock(), digest="ab")
        lists.put("house", "csv", many[1:], FixedClock(), digest="cd")
        lists.committed(1, 7_000_000_000)
        publishers.keep(publisher("uk", "uk", "https://lists.example/uk.xml", 24))
        before, from_where = everything(lists), publishers.all()
    with closing(ScreeningLists(data, url)) as lists, closing(StoredPublishers(data, url)) as publishers:
        assert everything(lists) == before
        assert publishers.all() == from_where
        lists.put("other", "csv", [entry("1", "One")], FixedClock(), digest="ef")
        assert [number for number, _ in lists.uncommitted()] == [2, 3]
        before = everything(lists)
    with closing(ScreeningLists(data)) as lists:
        assert lists.editions() == []
    copied = move_lists(data, url, back=True)
    assert (copied["entry"], copied["edition"]) == (700, 3)
    with closing(ScreeningLists(data)) as lists:
        assert everything(lists) == before
    with pytest.raises(UnavailableError, match="already"):
        move_lists(data, url)


def test_a_server_reads_names_again_that_another_one_imported(tmp_path: Path, postgres: PostgresServer) -> None:
    url, asked = postgres.database(), prepare_party(Party("x", "Fictive Works"))
    with closing(ScreeningLists(tmp_path / "a", url)) as one, closing(ScreeningLists(tmp_path / "b", url)) as other:
        for turn, name in enumerate(("Fictive Works", "Quite Other", "Fictive Workz")):
            one.put("house", "csv", [entry("1", name)], FixedClock(), digest="")
            assert [near.entry.names[0].text for near in other.by_names(asked)] == ([name] if turn != 1 else [])
