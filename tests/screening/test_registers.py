"""Registers of owners as published: BODS in three versions, PSC lines, GLEIF records; fictitious parties throughout."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.screening.answers.svg import draw
from custodes.screening.entities import Organisation
from custodes.screening.organisation import encoded, organisation_to_json, read_organisation
from custodes.screening.ownership import Holdings, paths
from custodes.screening.registers.read import read_register
from custodes.screening.rule import judge

LEI_CHILD, LEI_PARENT, LEI_TOP = "529900FICTIVECHILD01", "529900FICTIVEPARNT02", "529900FICTIVETOPCO03"


def write(path: Path, parsed: object) -> Path:
    path.write_text(json.dumps(parsed), encoding="utf-8")
    return path


def stated_edges(graph: Organisation) -> set[tuple[str, str, str, float, float, bool]]:
    return {(e.owner, e.asset, e.kind, e.low_pct, e.high_pct, e.more_than) for e in graph.edges}


def bods_3(replaced: bool) -> list[dict[str, object]]:
    interest = {"type": "shareholding", "interestLevel": "direct",
                "share": {"minimum": 50, "exclusiveMinimum": True, "maximum": 75}}  # fmt: skip
    rows: list[dict[str, object]] = [
        {"statementID": "e1", "statementType": "entityStatement", "entityType": "registeredEntity",
         "name": "Tulpenveld Software B.V.", "incorporatedInJurisdiction": {"code": "NL"},
         "identifiers": [{"scheme": "NL-KVK", "id": "1234 5678"}]},
        {"statementID": "p1", "statementType": "personStatement", "personType": "knownPerson",
         "names": [{"fullName": "Ada Voorbeeld"}], "birthDate": "1970-02-03"},
        {"statementID": "o1", "statementType": "ownershipOrControlStatement",
         "subject": {"describedByEntityStatement": "e1"},
         "interestedParty": {"describedByPersonStatement": "p1"}, "interests": [interest]},
    ]  # fmt: skip
    if replaced:
        rows.append({"statementID": "o2", "statementType": "ownershipOrControlStatement", "replacesStatements": ["o1"],
                     "subject": {"describedByEntityStatement": "e1"},
                     "interestedParty": {"unspecified": {"reason": "noBeneficialOwners"}},
                     "interests": [{"type": "voting-rights", "share": {"exact": 30}}]})  # fmt: skip
    return rows


def test_bods_0_3(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", bods_3(replaced=False))
    for subject in ("e1", "12345678", "Tulpenveld Software B.V."):
        graph = read_register(path, "bods", subject)
        assert stated_edges(graph) == {("p1", "e1", "shares", 50.0, 75.0, True)}
        assert graph.parties["p1"].birth == "1970-02-03"
    replaced = read_register(write(tmp_path / "b.json", bods_3(replaced=True)), "bods", "e1")
    assert stated_edges(replaced) == {("unknown:o2", "e1", "votes", 30.0, 30.0, False)}
    assert replaced.parties["unknown:o2"].kind == "unknown"


def test_bods_0_4_takes_the_newest_statement_about_a_record(tmp_path: Path) -> None:
    def relation(record: str, date: str, status: str, share: dict[str, object]) -> dict[str, object]:
        return {"statementId": f"{record}-{date}", "recordId": record, "recordType": "relationship",
                "statementDate": date, "recordStatus": status,
                "recordDetails": {"subject": "c", "interestedParty": "h", "interests": [
                    {"type": "shareholding", "directOrIndirect": "direct", "share": share},
                    {"type": "appointmentOfBoard", "startDate": "2024-01-01", "endDate": "2024-12-31"}]}}  # fmt: skip

    entities = [{"statementId": f"s-{one}", "recordId": one, "recordType": "entity",
                 "recordDetails": {"name": name, "entityType": {"type": kind}}}
                for one, name, kind in [("c", "Clean BV", "registeredEntity"), ("h", "", "unknownEntity")]]  # fmt: skip
    rows = [*entities, relation("r1", "2024-05-01", "updated", {"exclusiveMinimum": 50, "maximum": 100}),
            relation("r1", "2023-05-01", "new", {"exact": 10}),
            relation("r2", "2024-05-01", "closed", {"exact": 90})]  # fmt: skip
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps(one) for one in rows))
    graph = read_register(lines, "bods", "c")
    assert stated_edges(graph) == {("h", "c", "shares", 50, 100, True), ("h", "c", "control", 0, 0, False)}
    assert graph.parties["h"].kind == "unknown"
    assert graph.edges[1].until == "2024-12-31"


@pytest.mark.parametrize(
    "parsed",
    [
        b"{}", b"[1]", b"[", b'[{"statementID": "x"}]', b'[{"statementId": "x", "recordDetails": 1}]',
        json.dumps([*bods_3(False)[:2], {"statementID": "o", "statementType": "ownershipOrControlStatement",
                    "subject": {}, "interestedParty": 3, "interests": [4]}]).encode(),
    ],
)  # fmt: skip
def test_what_is_no_bods_is_refused_or_says_nothing(tmp_path: Path, parsed: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(parsed)
    with pytest.raises((InvalidParameterError, NotFoundError)):
        read_register(path, "bods", "nobody")


def psc(number: str, **data: object) -> str:
    return json.dumps({"company_number": number, "data": data})


def test_psc_follows_companies_by_number_and_keeps_bands(tmp_path: Path) -> None:
    lines = [
        psc("00000002", kind="individual-person-with-significant-control", name="Mr Orson Beispiel",
            nationality="Utopian", date_of_birth={"year": 1961, "month": 4},
            natures_of_control=["ownership-of-shares-75-to-100-percent"],
            notified_on="2016-04-06"),
        psc("00000001", kind="corporate-entity-person-with-significant-control", name="Middle Example Ltd",
            natures_of_control=["ownership-of-shares-50-to-75-percent", "right-to-appoint-and-remove-directors"],
            identification={"registration_number": "2", "country_registered": "England"}, notified_on="2017-01-01"),
        psc("00000001", kind="persons-with-significant-control-statement",
            statement="psc-exists-but-not-identified", notified_on="2017-01-01", ceased_on="2018-01-01"),
        psc("00000001", kind="persons-with-significant-control-statement",
            statement="no-individual-or-entity-with-signficant-control"),
        psc("00000009", kind="individual-person-with-significant-control", name="Somebody Else",
            natures_of_control=["voting-rights-25-to-50-percent"]),
        json.dumps({"data": {"kind": "totals#persons-of-significant-control-snapshot"}}),
    ]  # fmt: skip
    path = tmp_path / "psc.txt"
    path.write_text("\n".join(lines))
    graph = read_register(path, "psc", "1")
    assert stated_edges(graph) == {
        ("gb-coh:00000002", "gb-coh:00000001", "shares", 50, 75, True),
        ("gb-coh:00000002", "gb-coh:00000001", "control", 0, 0, False),
        ("person:mr-orson-beispiel:1961-04", "gb-coh:00000002", "shares", 75, 100, False),
        ("gb-coh:00000001/psc-exists-but-not-identified", "gb-coh:00000001", "shares", 0, 100, False),
    }
    assert graph.parties["person:mr-orson-beispiel:1961-04"].birth == "1961-04"
    holdings = Holdings.of(edge for edge in graph.edges if edge.holds_on("2026-01-01"))
    found = paths(holdings, ["person:mr-orson-beispiel:1961-04"], graph.subject)
    assert [(path.regime, path.certain) for path in found] == [("OFAC", True), ("EU", True), ("UK", True)]


GLEIF_CSV = (
    "Relationship.StartNode.NodeID,Relationship.EndNode.NodeID,Relationship.RelationshipType,"
    "Relationship.RelationshipStatus,Relationship.Period.1.startDate,Relationship.Period.1.endDate,"
    "Relationship.Period.1.periodType\n"
    f"{LEI_CHILD},{LEI_PARENT},IS_DIRECTLY_CONSOLIDATED_BY,ACTIVE,2020-01-01T00:00:00Z,,RELATIONSHIP_PERIOD\n"
    f"{LEI_PARENT},{LEI_TOP},IS_DIRECTLY_CONSOLIDATED_BY,ACTIVE,,,\n"
    f"{LEI_CHILD},{LEI_TOP},IS_ULTIMATELY_CONSOLIDATED_BY,ACTIVE,,,\n"
    f"{LEI_CHILD},{LEI_TOP},IS_FUND-MANAGED_BY,INACTIVE,,,\n"
)
GLEIF_XML = f"""<?xml version="1.0"?>
<rr:RelationshipData xmlns:rr="http://www.gleif.org/data/schema/rr/2016"><rr:RelationshipRecords>
<rr:RelationshipRecord><rr:Relationship>
<rr:StartNode><rr:NodeID>{LEI_CHILD}</rr:NodeID><rr:NodeIDType>LEI</rr:NodeIDType></rr:StartNode>
<rr:EndNode><rr:NodeID>{LEI_PARENT}</rr:NodeID><rr:NodeIDType>LEI</rr:NodeIDType></rr:EndNode>
<rr:RelationshipType>IS_DIRECTLY_CONSOLIDATED_BY</rr:RelationshipType>
<rr:RelationshipPeriods><rr:RelationshipPeriod><rr:StartDate>2020-01-01T00:00:00Z</rr:StartDate>
<rr:PeriodType>RELATIONSHIP_PERIOD</rr:PeriodType></rr:RelationshipPeriod></rr:RelationshipPeriods>
<rr:RelationshipStatus>ACTIVE</rr:RelationshipStatus>
</rr:Relationship></rr:RelationshipRecord></rr:RelationshipRecords></rr:RelationshipData>"""


def test_gleif_says_control_and_leaves_the_share_open(tmp_path: Path) -> None:
    table, tree = tmp_path / "rr.csv", tmp_path / "rr.xml"
    table.write_text(GLEIF_CSV, encoding="utf-8-sig")
    tree.write_text(GLEIF_XML)
    graph = read_register(table, "gleif", LEI_CHILD)
    assert set(graph.parties) == {LEI_CHILD, LEI_PARENT, LEI_TOP}
    found = paths(Holdings.of(graph.edges), [LEI_TOP], LEI_CHILD)
    assert [(path.regime, path.certain) for path in found] == [("OFAC", False), ("EU", True), ("UK", True)]
    assert read_register(tree, "gleif", LEI_CHILD).edges[0] == graph.edges[0]
    assert graph.edges[0].since == "2020-01-01"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "<a>"])
def test_what_is_no_gleif_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rr"
    path.write_text(text)
    with pytest.raises(InvalidParameterError):
        read_register(path, "gleif", LEI_CHILD)


def test_a_graph_survives_writing_and_reading(tmp_path: Path) -> None:
    graph = read_register(write(tmp_path / "a.json", bods_3(replaced=True)), "bods", "e1")
    again = read_organisation(json.loads(json.dumps(organisation_to_json(graph))))
    assert encoded(again) == encoded(graph)


def test_the_command_writes_an_organisation_file_that_screen_takes(tmp_path: Path) -> None:
    path, out = write(tmp_path / "a.json", bods_3(replaced=False)), tmp_path / "organisation.json"
    asked = ["screening", "graph", str(path), "--format", "bods", "--subject", "e1", "--out", str(out)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert read_organisation(json.loads(out.read_bytes())).parties["e1"].country == "nl"


def test_two_parties_of_one_id_and_edges_to_nobody_are_refused() -> None:
    party = {"id": "a", "name": "A"}
    for one in (
        {"subject": "a", "parties": [party, party]},
        {"subject": "a", "parties": [party], "edges": [{"owner": "a", "asset": "a", "kind": "nominee", "for": "b"}]},
        {"subject": "a", "parties": [party], "edges": [{"owner": "a", "asset": "a", "share": [60, 50]}]},
        {"subject": "a", "parties": [party], "edges": [{"owner": "a", "asset": "a", "kind": "friend"}]},
    ):
        with pytest.raises(InvalidParameterError):
            read_organisation(one)


def test_the_picture_is_xml_whatever_parties_are_called() -> None:
    names = ['<script>alert("x")</script>', "A & B", "\x1b[2J\x07 Bell", "'\"><svg onload=x>"]
    members = {
        "subject": "p0",
        "parties": [{"id": f"p{at}", "name": name} for at, name in enumerate(names)],
        "edges": [{"owner": f"p{at + 1}", "asset": f"p{at}", "share": 60} for at in range(3)]
        + [{"owner": "p0", "asset": "p3", "share": 10}, {"owner": "p1", "asset": "p0", "kind": "director"}],
    }
    graph = read_organisation(members)
    picture = draw(graph, judge(graph, []))
    root = ET.fromstring(picture)
    assert not [one for one in root.iter() if one.tag.endswith(("script", "image"))]
    assert sum(one.tag.endswith("rect") for one in root.iter()) == 1 + len(names)
    assert picture == draw(graph, judge(graph, []))
