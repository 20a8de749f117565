"""What spoke for and against each finding of a screening, so that a person can decide and say why.

In: an onboarding graph, hits, an assessment. Out: for each finding both sides beside each other, arguments for and
against, what is not known and could be asked for. Says nothing that the screening did not look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from custodes.screening.assessment import Assessment, Finding, gap_key, hit_key, path_key
from custodes.screening.entities import PERSON, ListHit, Organisation, OwnershipPath, Party, ScoreTerm

_AGAINST = {
    "one word only, which may be chance": "only one word tells, and such names are alike by chance",
    "weak alias": "the list calls this name a weak alias",
    "another patronymic": "the patronymic is another one",
    "another place": "the place is another one",
    "another number": "the number is another one",
    "son and father turned around": "son and father are turned around",
    "left out": "these words have no counterpart",
}


@dataclass(frozen=True, slots=True)
class ComparedFact:
    """One kind of fact on both sides, as declared and as listed; empty where it is not known."""

    what: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ExplainedFinding:
    """One finding with its arguments.

    Attributes:
        finding: what was found, its state, what officers decided.
        facts: both sides; empty for a chain or a gap.
        speaks_for: why it may be so.
        speaks_against: why it may not.
        not_known: facts that would tell and are missing.
    """

    finding: Finding
    facts: tuple[ComparedFact, ...] = ()
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()


def explain(graph: Organisation, hits: Sequence[ListHit], found: Assessment) -> tuple[ExplainedFinding, ...]:
    """Explain every finding of ``found``, in its order."""
    of_hits = {hit_key(graph.parties[hit.party], hit.entry): hit for hit in hits}
    of_paths = {path_key(graph, path): path for path in found.outcome.paths}
    gaps = {gap_key(graph, gap): gap for gap in found.outcome.gaps}
    explained = []
    for finding in found.findings:
        if hit := of_hits.get(finding.key):
            explained.append(_hit(finding, graph.parties[hit.party], hit))
        elif path := of_paths.get(finding.key):
            explained.append(_path(finding, graph, path))
        elif gap := gaps.get(finding.key):
            explained.append(ExplainedFinding(finding, speaks_for=(gap.reason,), not_known=("who is behind it",)))
    return tuple(explained)


def to_json(one: ExplainedFinding) -> dict[str, object]:
    """The arguments as plain values; what the finding itself says is left to the caller."""
    return {
        "facts": [asdict(fact) for fact in one.facts],
        "for": list(one.speaks_for),
        "against": list(one.speaks_against),
        "not_known": list(one.not_known),
    }


def _hit(finding: Finding, party: Party, hit: ListHit) -> ExplainedFinding:
    facts = tuple(_facts(party, hit))
    speaks_for: list[str] = []
    against: list[str] = []
    for term in hit.terms:
        text, is_for = _said(term)
        (speaks_for if is_for else against).append(text)
    # What has no counterpart on the other side can be asked for.
    missing = [
        f"{fact.what} of {'the customer' if not fact.ours else 'the listed party'}"
        for fact in facts if not (fact.ours and fact.theirs) and fact.what in ("birth", "country", "numbers")
    ]  # fmt: skip
    if PERSON in (party.kind, hit.entry.kind):
        missing = [text for text in missing if not text.startswith("numbers")]
    return ExplainedFinding(finding, facts, tuple(speaks_for), tuple(against), tuple(missing))


def _facts(party: Party, hit: ListHit) -> Iterator[ComparedFact]:
    entry = hit.entry
    yield ComparedFact("name", "; ".join((party.name, *party.aliases)), "; ".join(name.text for name in entry.names))
    yield ComparedFact("kind", party.kind, entry.kind)
    if PERSON in (party.kind, entry.kind):
        yield ComparedFact("birth", party.birth, "; ".join(entry.births))
    yield ComparedFact("country", party.country, "; ".join(entry.countries))
    yield ComparedFact("numbers", _numbers(party.identifiers), _numbers(entry.identifiers))
    yield ComparedFact("addresses", "; ".join(party.addresses), "; ".join(entry.addresses))
    yield ComparedFact("listed under", "", f"{entry.source} {entry.uid}: {'; '.join(entry.programmes)}".rstrip(": "))


def _numbers(pairs: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{kind} {value}" for kind, value in pairs)


def _said(term: ScoreTerm) -> tuple[str, bool]:
    """A term in words, and whether it speaks for the finding."""
    both = f"{term.ours} ~ {term.theirs}"
    if term.what == "word":
        how = "the same word" if term.value == 1 else f"alike ({term.value:.2f})"
        return f"{both}: {how}", True
    if term.what in _AGAINST:
        return f"{_AGAINST[term.what]}{f': {both}' if term.ours or term.theirs else ''}", False
    if term.what.startswith("identifier"):
        return f"{term.what}: {term.ours}", "wrong" not in term.what
    if term.what in ("birth", "country"):
        return f"{term.what}: {both}", term.value == 1.0
    return f"{term.what}{f': {both}' if term.ours else ''}", True


def _path(finding: Finding, graph: Organisation, path: OwnershipPath) -> ExplainedFinding:
    steps = []
    for edge in path.steps:
        share = f"{edge.low_pct:g} to {edge.high_pct:g} %" if edge.low_pct != edge.high_pct else f"{edge.low_pct:g} %"
        holder = graph.parties[edge.owner].name + (f" for {graph.parties[edge.held_for].name}" if edge.held_for else "")
        steps.append(f"{holder}: {edge.kind}{f' {share}' if edge.high_pct else ''} of {graph.parties[edge.asset].name}")
    against = () if path.certain else ("it holds only if shares lie at the upper ends of their ranges",)
    asked = () if path.certain else ("exact shares, or that of a nominee's principal",)
    return ExplainedFinding(finding, (), (f"{path.regime}: {path.rule}", *steps), against, asked)
