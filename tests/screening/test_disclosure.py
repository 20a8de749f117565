"""What a customer leaves open about its owners asks for a person, until two officers accept it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from custodes.screening.assessment import Decision, assess, gap_key
from custodes.screening.entities import Organisation
from custodes.screening.organisation import read_organisation
from custodes.screening.rule import judge

DAY = "2026-01-28"


def graph(*edges: tuple[object, ...], subject_kind: str = "organisation") -> Organisation:
    """Parties are named by their letters; capitals are persons. An edge: owner, asset, share, more."""
    ends = dict.fromkeys(["c", *(str(end) for edge in edges for end in edge[:2])])
    kinds = {one: "person" if one.isupper() else "organisation" for one in ends} | {"c": subject_kind}
    parties = [{"id": one, "name": f"Party {one}", "kind": kind} for one, kind in kinds.items()]
    made = [
        {"owner": owner, "asset": asset, "share": share, **(more[0] if more else {})}
        for owner, asset, share, *more in edges
    ]
    return read_organisation({"subject": "c", "parties": parties, "edges": made})


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((), "no owners"),
        ((("P", "c", 0, {"kind": "director"}),), "no owners"),
        ((("P", "c", 100, {"to": "2026-01-27"}),), "no owners"),
        ((("P", "c", 49),), "less than half"),
        ((("P", "c", [10, 24]), ("Q", "c", [10, 25])), "less than half"),
        ((("h", "c", 100), ("P", "h", 30)), "less than half"),
        ((("a", "c", 100), ("c", "a", 100)), "own each other"),
        ((("a", "c", 60), ("b", "a", 100), ("a", "b", 100)), "own each other"),
        ((("a", "c", 60), ("b", "a", 70), ("a", "b", 70), ("P", "a", 30)), "own each other"),
        ((("c", "c", 100),), "no owners"),
    ],
)
def test_a_gap_is_for_review(edges: tuple[tuple[object, ...], ...], reason: str) -> None:
    outcome = judge(graph(*edges), [], DAY)
    assert outcome.verdict == "review"
    assert reason in outcome.gaps[0].reason


@pytest.mark.parametrize(
    "edges",
    [
        (("P", "c", 50),),
        (("P", "c", 25), ("Q", "c", 25)),
        (("P", "c", [25, 50]),),
        (("P", "c", 0, {"kind": "control"}),),
        (("P", "c", 60, {"kind": "votes"}),),
        (("h", "c", 100), ("P", "h", 100)),
        (("a", "c", 60), ("b", "a", 40), ("a", "b", 100), ("P", "a", 60)),
        (("n", "c", 100, {"kind": "nominee", "for": "P"}),),
    ],
)
def test_what_is_declared_by_half_is_clear(edges: tuple[tuple[object, ...], ...]) -> None:
    value = graph(*edges, ("P", "h", 1)) if edges[0][0] == "n" else graph(*edges)
    assert judge(value, [], DAY).verdict == "clear"


def test_a_person_has_no_owners() -> None:
    assert judge(graph(subject_kind="person"), [], DAY).verdict == "clear"


def test_two_officers_accept_a_gap_and_another_declaration_opens_it_again() -> None:
    minor = graph(("P", "c", 30))
    key = gap_key(minor, judge(minor, [], DAY).gaps[0])
    decided = {key: [Decision(key, "accept", who, "listed on an exchange", (), 0) for who in ("ann", "ben")]}
    assert assess(minor, [], {key: decided[key][:1]}, DAY).verdict == "review"
    assert assess(minor, [], decided, DAY).verdict == "clear"
    assert assess(graph(("P", "c", 29)), [], decided, DAY).verdict == "review"


def test_the_example_of_the_page_is_an_organisation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ownership.md").read_text("utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    read = read_organisation(json.loads(example))
    assert (len(read.parties), len(read.edges)) == (2, 1)
