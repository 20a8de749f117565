"""The ownership rules of three authorities: their published examples, restated with fictitious parties, and laws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.screening.entities import Edge
from custodes.screening.ownership import REGIMES, Holdings, Regime, blocked, paths

OFAC, EU, UK = REGIMES


def answers(*edges: Edge, listed: str = "X", subject: str = "C", unknown: str = "") -> dict[str, bool]:
    """Whether each regime's answer is certain; regimes that do not catch the subject are left out."""
    found = paths(Holdings.of(edges), listed.split(), subject, unknown=unknown.split())
    return {path.regime: path.certain for path in found}


def share(owner: str, asset: str, low: float, high: float | None = None, **more: object) -> Edge:
    return Edge(owner, asset, low, low if high is None else high, **more)  # type: ignore[arg-type]


# OFAC's examples, in its order: X is the blocked person, C the company in question.
FAQ_401 = [
    # X holds half of A, which holds half of C.
    ((share("X", "A", 50), share("A", "C", 50)), True),
    # X holds half of both A and B, which hold a quarter of C each.
    ((share("X", "A", 50), share("X", "B", 50), share("A", "C", 25), share("B", "C", 25)), True),
    # X holds half of A and a tenth of B: only A's quarter of C counts.
    ((share("X", "A", 50), share("X", "B", 10), share("A", "C", 25), share("B", "C", 25)), False),
    # X holds half of A, a tenth of B; A holds half of C and B nothing that counts: C falls through A alone.
    ((share("X", "A", 50), share("X", "B", 10), share("A", "C", 50), share("B", "C", 10)), True),
    # X holds a quarter of A, and A all of C: neither is caught.
    ((share("X", "A", 25), share("A", "C", 100)), False),
    # X holds a tenth of C by itself, and two fifths through A.
    ((share("X", "A", 50), share("A", "C", 40), share("X", "C", 10)), True),
]


@pytest.mark.parametrize(("edges", "caught"), FAQ_401)
def test_ofac_aggregates_through_entities_that_are_half_owned(edges: tuple[Edge, ...], caught: bool) -> None:
    assert ("OFAC" in answers(*edges)) is caught


def test_ofac_adds_up_blocked_persons_of_different_programmes() -> None:
    assert answers(share("X", "C", 25), share("Y", "C", 25), listed="X Y")["OFAC"]
    assert "OFAC" not in answers(share("X", "C", 25), share("Y", "C", 25), listed="X")


def test_control_alone_is_nothing_to_ofac_and_enough_for_the_eu_and_the_uk() -> None:
    assert answers(Edge("X", "C", kind="control")) == {"EU": True, "UK": True}
    # A blocked director may control a company; that asks for a person, under the rules that know control.
    assert answers(Edge("X", "C", kind="director")) == {"EU": False, "UK": False}
    assert answers(Edge("X", "A", kind="control"), share("A", "C", 100)) == {"EU": True, "UK": True}


def test_exactly_half_and_two_quarters_are_caught_everywhere_but_in_the_uk() -> None:
    assert answers(share("X", "C", 50)) == {"OFAC": True, "EU": True}
    assert answers(share("X", "C", 50.01)) == {"OFAC": True, "EU": True, "UK": True}
    assert answers(share("X", "C", 25), share("Y", "C", 25), listed="X Y") == {"OFAC": True, "EU": True}


def test_a_majority_of_votes_is_ownership_in_the_uk_and_control_in_the_eu() -> None:
    votes = Edge("X", "C", 51, 51, "votes")
    assert answers(votes) == {"EU": True, "UK": True}
    assert answers(Edge("X", "C", 50, 50, "votes")) == {}


def test_a_stake_shed_to_a_relative_on_the_day_of_listing() -> None:
    chain = [share("Telco", "Lab", 100), share("Lab", "C", 100), share("Holding", "Telco", 51)]
    shed = [share("X", "Holding", 49.2), share("Relative", "Holding", 10)]
    assert answers(*chain, *shed) == {}
    finding = Edge("X", "Holding", kind="control")
    assert answers(*chain, *shed, finding) == {"EU": True, "UK": True}
    family = {"acting_together": "family"}
    joint = [share("X", "Holding", 49.2, **family), share("Relative", "Holding", 10, **family)]
    assert answers(*chain, *joint) == {"UK": True}
    assert answers(*chain, *joint, listed="Somebody") == {}


def test_ranges_block_on_their_lower_ends_and_ask_on_their_upper() -> None:
    assert answers(share("X", "C", 40, 60)) == {"OFAC": False, "EU": False, "UK": False}
    assert answers(share("X", "C", 25, 50)) == {"OFAC": False, "EU": False}
    assert answers(share("X", "C", 50, 75)) == {"OFAC": True, "EU": True, "UK": False}
    assert answers(share("X", "C", 50, 75, more_than=True)) == {"OFAC": True, "EU": True, "UK": True}
    assert answers(share("X", "C", 0, 49.9)) == {}


def test_two_bands_above_a_quarter_are_more_than_half() -> None:
    bands = [share(one, "C", 25, 50, more_than=True, acting_together="pact") for one in "XY"]
    assert answers(*bands, listed="X Y") == {"OFAC": True, "EU": True, "UK": True}


def test_what_a_nominee_holds_is_held_by_the_one_behind() -> None:
    front = Edge("Front", "C", 100, 100, "nominee", held_for="X")
    assert answers(front) == {"OFAC": True, "EU": True, "UK": True}
    assert answers(front, listed="Front") == {}
    unnamed = Edge("Front", "C", 100, 100, "nominee")
    assert answers(unnamed, listed="") == {"OFAC": False, "EU": False, "UK": False}


def test_an_unknown_owner_asks_for_a_person() -> None:
    assert answers(share("U", "A", 60), share("A", "C", 60), listed="", unknown="U") == {
        "OFAC": False, "EU": False, "UK": False,
    }  # fmt: skip
    assert answers(share("U", "C", 30), share("X", "C", 20), unknown="U") == {"OFAC": False, "EU": False}


def test_what_is_declared_as_indirect_is_not_counted_twice() -> None:
    twice = [share("X", "A", 50), share("A", "C", 30), share("X", "C", 30, indirect=True)]
    assert answers(*twice) == {"OFAC": False, "EU": False}
    assert answers(share("X", "C", 75, indirect=True)) == {"OFAC": True, "EU": True, "UK": True}


def test_payers_and_end_customers_block_the_account_but_not_what_it_owns() -> None:
    for kind in ("payer", "end_customer"):
        found = answers(share("X", "Front", 80), Edge("Front", "C", kind=kind))
        assert found == {"OFAC": True, "EU": True, "UK": True}
        assert answers(Edge("X", "A", kind=kind), share("A", "C", 100)) == {}


def test_a_chain_of_twelve_shells_with_a_loop_is_followed_to_its_end() -> None:
    chain = [share(f"n{at}", f"n{at + 1}", 60) for at in range(11)]
    loop = share("n8", "n3", 40)
    found = paths(Holdings.of([*chain, loop]), ["n0"], "n11")
    assert [path.regime for path in found] == ["OFAC", "EU", "UK"]
    assert [edge.owner for edge in found[0].steps] == [f"n{at}" for at in range(11)]
    assert paths(Holdings.of([*chain[1:], loop]), ["elsewhere"], "n11") == []


def test_a_loop_that_owns_itself_is_not_blocked_by_itself() -> None:
    ring = [share("A", "B", 100), share("B", "C", 100), share("C", "A", 100)]
    assert answers(*ring, share("X", "A", 10)) == {}


def test_shares_that_sum_to_more_than_everything_do_no_harm() -> None:
    assert answers(share("X", "C", 100), share("Y", "C", 100), listed="X Y") == {"OFAC": True, "EU": True, "UK": True}


@pytest.mark.parametrize(("day", "caught"), [("2022-02-28", True), ("2022-03-02", False), ("", False)])
def test_who_owned_on_a_day(day: str, caught: bool) -> None:
    sold = share("X", "C", 80, until="2022-03-01")
    assert bool(answers(*(edge for edge in [sold] if edge.holds_on(day)))) is caught


NAMES = "abcdefgh"
edge_st = st.builds(
    lambda owner, asset, low, more, kind, joint: Edge(
        owner, asset, low, min(100, low + more), kind, acting_together=joint
    ),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(0, 60),
    st.integers(0, 30),
    st.sampled_from(["shares", "shares", "shares", "votes", "control", "director"]),
    st.sampled_from(["", "", "pact"]),
)
graphs = st.lists(edge_st, max_size=24, unique=True)
regimes_st = st.sampled_from(REGIMES)


def caught(edges: Sequence[Edge], listed: Sequence[str], regime: Regime, *, certain: bool = True) -> set[str]:
    return set(blocked(Holdings.of(edges), listed, regime, certain=certain).because)


def slowly(edges: Sequence[Edge], listed: Sequence[str], regime: Regime, *, certain: bool) -> set[str]:
    """The rules as one would read them out, applied to everybody until nothing changes."""
    found = set(listed)
    while True:
        new = {asset for asset in NAMES if asset not in found and _falls(asset, edges, found, regime, certain=certain)}
        if not new:
            return found
        found |= new


def _falls(asset: str, edges: Sequence[Edge], found: set[str], regime: Regime, *, certain: bool) -> bool:
    into = [edge for edge in edges if edge.asset == asset]
    if regime.control and any(edge.kind == "control" and edge.owner in found for edge in into):
        return True
    if regime.control and not certain and any(edge.kind == "director" and edge.owner in found for edge in into):
        return True
    for kind in ("shares", "votes") if regime.control else ("shares",):
        sums: dict[str, float] = defaultdict(float)
        for edge in into:
            if edge.kind != kind:
                continue
            joint = edge.acting_together and not regime.aggregated
            mates = [one for one in into if one.kind == kind and one.acting_together == edge.acting_together]
            if any(one.owner in found for one in mates) if joint else edge.owner in found:
                group = edge.acting_together if joint else "" if regime.aggregated else f"by {edge.owner}"
                sums[group] += edge.low_pct if certain else edge.high_pct
        inclusive = regime.inclusive and kind == "shares"
        if any(total >= 50 if inclusive else total > 50 for total in sums.values()):
            return True
    return False


@settings(max_examples=60)
@given(graphs, st.lists(st.sampled_from(NAMES), max_size=3), regimes_st, st.booleans())
def test_the_fast_answer_is_the_slow_one(edges: list[Edge], listed: list[str], regime: Regime, certain: bool) -> None:
    assert caught(edges, listed, regime, certain=certain) == slowly(edges, listed, regime, certain=certain)


@settings(max_examples=60)
@given(graphs, edge_st, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), st.sampled_from(NAMES), regimes_st)
def test_more_evidence_never_frees_anybody(
    edges: list[Edge], more: Edge, listed: list[str], another: str, regime: Regime
) -> None:
    before = caught(edges, listed, regime)
    assert before <= caught([*edges, more], listed, regime)
    assert before <= caught(edges, [*listed, another], regime)
    assert before <= caught(edges, listed, regime, certain=False)


@settings(max_examples=60)
@given(graphs, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), st.sampled_from(NAMES))
def test_a_path_is_enough_to_reach_its_end(edges: list[Edge], listed: list[str], subject: str) -> None:
    for path in paths(Holdings.of(edges), listed, subject):
        regime = next(one for one in REGIMES if one.name == path.regime)
        assert subject in caught(path.steps, listed, regime, certain=path.certain)
