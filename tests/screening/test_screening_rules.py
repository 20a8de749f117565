"""Spellings, hostile lists, and the story: a clean name with a listed owner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError
from custodes.screening.comparison import REVIEW, compare_names
from custodes.screening.entities import ListedName, ListEntry
from custodes.screening.names.name import prepare
from custodes.screening.organisation import read_organisation
from custodes.screening.screen import screen
from custodes.storage.sql.screening.lists import ScreeningLists


@pytest.mark.parametrize(
    ("ours", "listed"),
    [
        ("Michail Tschernikow", "Mikhail Chernikov"),
        ("Vladimir Zoubkine", "Владимир Зубкин"),
        ("Sergej Schustrow", "Sergey Shustrov"),
        ("Sergey Shutsrov", "Sergey Shustrov"),
    ],
)
def test_spellings_of_one_name_alert(ours: str, listed: str) -> None:
    assert compare_names(prepare(ours, "person"), prepare(listed, "person")).score >= REVIEW


def test_another_given_name_does_not_alert() -> None:
    assert compare_names(prepare("Oleg Shustrov", "person"), prepare("Sergey Shustrov", "person")).score < REVIEW


def entry(uid: str, name: str) -> ListEntry:
    return ListEntry("house", uid, "organisation", (ListedName(name),))


GRAPH = {
    "subject": "bv",
    "parties": [
        {"id": "bv", "name": "Tulpenveld Software B.V."},
        {"id": "mid", "name": "Polder Holding Ltd"},
        {"id": "top", "name": "Zarya Vision OOO", "identifiers": {"ru-inn": "7700000009"}},
    ],
    "edges": [{"owner": "top", "asset": "mid", "share": 80}, {"owner": "mid", "asset": "bv", "share": [51, 75]}],
}


def test_a_clean_name_is_caught_by_its_graph_once_the_parent_is_listed(tmp_path: Path) -> None:
    house, organisation = tmp_path / "house.csv", tmp_path / "organisation.json"
    organisation.write_text(json.dumps(GRAPH))
    head = "uid,kind,name,aliases,birth,country,identifiers\n1,organisation,Quite Other Mills,,,,\n"
    screened = []
    for rows in ("", "2,organisation,Zarya Vision,,,ru,ru-inn:7700000009\n"):
        house.write_text(head + rows)
        done = CliRunner().invoke(app, ["sanctions", "import", "--data", str(tmp_path), "--format", "csv", str(house)])
        assert done.exit_code == 0, done.output
        asked = ["screen", "--data", str(tmp_path), "--organisation", str(organisation), "--json"]
        answer = CliRunner().invoke(app, asked)
        screened.append((answer.exit_code, json.loads(answer.stdout)))
    assert screened[0] == (0, {"verdict": "clear", "hits": [], "paths": [], "gaps": []})
    assert screened[1][0] == 6
    blocked = screened[1][1]
    assert blocked["verdict"] == "blocked"
    assert [hit["party"] for hit in blocked["hits"]] == ["top"]
    assert [path["regime"] for path in blocked["paths"]] == ["OFAC", "EU", "UK"]


@pytest.mark.parametrize("parsed", [[], {}, {"subject": "a", "parties": [{"id": "b", "name": "B"}]}])
def test_what_is_no_organisation_is_refused(parsed: object) -> None:
    with pytest.raises(InvalidParameterError):
        read_organisation(parsed)


def test_a_name_alone_asks_for_review(tmp_path: Path) -> None:
    lists = ScreeningLists(tmp_path)
    lists.put("house", "csv", [entry("1", "Tulpenveld Sofware")], FixedClock(), digest="")
    outcome = screen(read_organisation(GRAPH), lists)
    lists.close()
    assert outcome.verdict == "review"
    assert not outcome.paths
