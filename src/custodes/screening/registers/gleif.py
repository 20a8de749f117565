"""GLEIF's relationship records (level 2): who consolidates whom, from CSV or XML, to parties and edges.

In: the golden copy's file; an LEI. Out: the parties above it. These records say whose accounts include whose, which is
control, not ownership: the share stays a range from nothing to all, so it asks for a person where ownership decides.
Names are those of level 1, which is another file; here a party is called by its LEI.
Source: GLEIF, RR-CDF 2.1; European Commission, Best Practices on sanctions, consolidated accounts as a sign of control.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ORGANISATION, Edge, Party
from custodes.screening.lists.xml import records

_CONSOLIDATED = frozenset({"IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY"})
_MANAGED = frozenset({"IS_FUND-MANAGED_BY", "IS_SUBFUND_OF", "IS_FEEDER_TO", "IS_INTERNATIONAL_BRANCH_OF"})
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_BOM = b"\xef\xbb\xbf"


def read_gleif(path: Path, subject: str) -> tuple[str, Iterable[Party], Iterable[Edge]]:
    """Read all active relationships; ``subject`` is an LEI."""
    parties: dict[str, Party] = {}
    edges: list[Edge] = []
    for child, parent, kind, since, until in _rows(path):
        if not (_LEI.fullmatch(child) and _LEI.fullmatch(parent)):
            continue  # some relationships lead to nodes that are no legal entities
        for lei in (child, parent):
            parties[lei] = Party(lei, lei, ORGANISATION, (), "", "", (("lei", lei),))
        if kind in _CONSOLIDATED:
            edges.append(Edge(parent, child, kind="control", since=since, until=until))
            if kind == "IS_DIRECTLY_CONSOLIDATED_BY":
                edges.append(Edge(parent, child, 0.0, 100.0, "shares", since, until))
        elif kind in _MANAGED:
            edges.append(Edge(parent, child, kind="influence", since=since, until=until))
    return subject.strip().upper(), parties.values(), edges


def _rows(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Child, parent, kind, first and last day of the active relationships."""
    with path.open("rb") as file:
        head = file.read(256).removeprefix(_BOM).lstrip()
    return _xml(path) if head.startswith(b"<") else _csv(path)


def _csv(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                if row["Relationship.RelationshipStatus"] != "ACTIVE":
                    continue
                since, until = _period(row)
                child, parent = row["Relationship.StartNode.NodeID"], row["Relationship.EndNode.NodeID"]
                yield child, parent, row["Relationship.RelationshipType"], since, until
        except (KeyError, csv.Error, UnicodeDecodeError) as error:
            raise InvalidParameterError(f"{path.name} is no relationship file of GLEIF: {error}") from error


def _period(row: Mapping[str, str]) -> tuple[str, str]:
    for number in range(1, 6):
        if row.get(f"Relationship.Period.{number}.periodType") == "RELATIONSHIP_PERIOD":
            start, end = (row.get(f"Relationship.Period.{number}.{name}") or "" for name in ("startDate", "endDate"))
            return start[:10], end[:10]
    return "", ""


def _xml(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    for element in records(path, frozenset({"Relationship"})):
        if element.findtext("RelationshipStatus") != "ACTIVE":
            continue
        since = until = ""
        for period in element.iterfind("RelationshipPeriods/RelationshipPeriod"):
            if period.findtext("PeriodType") == "RELATIONSHIP_PERIOD":
                since, until = (period.findtext("StartDate") or "")[:10], (period.findtext("EndDate") or "")[:10]
        child, parent = (element.findtext(f"{end}/NodeID") or "" for end in ("StartNode", "EndNode"))
        yield child.strip(), parent.strip(), element.findtext("RelationshipType") or "", since, until
