"""One organisation against the lists: names and identifiers of everybody in its graph, then the ownership rules.

In: an organisation and an index of entries. Out: verdict, hits and paths. A name alerts, an identifier decides, a
chain blocks. Nothing is stored and nobody is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from custodes.core.errors import InvalidParameterError
from custodes.governance.screening.entities import Edge, Hit, Organisation, Party, Path, Verdict
from custodes.governance.screening.index import EntryIndex, prepare_party
from custodes.governance.screening.matching import REVIEW, match
from custodes.governance.screening.ownership import paths

_KINDS = frozenset({"shares", "control", "director", "nominee", "payer", "end_customer"})
MOST_PARTIES = 200_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with everything it stands on."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    paths: tuple[Path, ...]

    def told(self) -> dict[str, object]:
        """As JSON members."""
        return {
            "verdict": self.verdict,
            "hits": [asdict(hit) for hit in self.hits],
            "paths": [asdict(path) for path in self.paths],
        }


def screen_party(party: Party, index: EntryIndex) -> list[Hit]:
    """Hits of one party, best first: identifier matches, and names from ``REVIEW`` on."""
    prepared = prepare_party(party)
    found = [*index.by_identifiers(party.identifiers), *index.by_names(prepared)]
    near = {(entry.source, entry.uid): entry for entry in found}
    hits = [match(party, prepared, entry) for entry in near.values()]
    return sorted((hit for hit in hits if hit.score >= REVIEW), key=lambda hit: (-hit.score, hit.entry.uid))


def screen(organisation: Organisation, index: EntryIndex, day: str = "") -> Outcome:
    """Screen everybody, then follow the edges that stand on ``day`` from whoever was hit to the subject."""
    hits = [hit for party in organisation.parties.values() for hit in screen_party(party, index)]
    edges = [edge for edge in organisation.edges if edge.holds_on(day)]
    sure = {hit.party for hit in hits if hit.decides}
    found = paths(edges, sorted(sure), organisation.subject)
    verdict: Verdict = "review" if hits or found else "clear"
    if any(path.certain for path in found):
        verdict = "blocked"
    return Outcome(verdict, tuple(hits), tuple(found))


def read_organisation(told: object) -> Organisation:
    """An organisation from JSON (docs/organisation.schema.json).

    Raises:
        InvalidParameterError: a member is missing or wrong, an edge leads to nobody, or there are too many parties.
    """
    try:
        if not isinstance(told, Mapping) or len(told["parties"]) > MOST_PARTIES:
            raise InvalidParameterError(f"not an organisation, or more than {MOST_PARTIES} parties")
        parties = {party.id: party for party in map(_party, told["parties"])}
        edges = tuple(_edge(edge) for edge in told.get("edges", ()))
        subject = str(told["subject"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(f"not an organisation file: {type(error).__name__} {error}") from error
    ends: Sequence[str] = [subject, *(end for edge in edges for end in (edge.owner, edge.asset))]
    if missing := sorted(set(ends) - set(parties)):
        raise InvalidParameterError(f"no party called {missing[0]!r}")
    return Organisation(subject, parties, edges)


def _party(told: Mapping[str, object]) -> Party:
    ids, aliases = told.get("identifiers", {}), told.get("aliases", ())
    if not isinstance(ids, Mapping) or not isinstance(aliases, list | tuple):
        raise TypeError("identifiers is an object, aliases an array")
    pairs = sorted((str(kind), "".join(str(value).split()).upper()) for kind, value in ids.items())
    return Party(str(told["id"]), str(told["name"]), str(told.get("kind", "organisation")), tuple(map(str, aliases)),
                 str(told.get("country", "")), str(told.get("birth", "")), tuple(pairs))  # fmt: skip


def _edge(told: Mapping[str, object]) -> Edge:
    share, kind = told.get("share", 0), str(told.get("kind", "shares"))
    low, high = share if isinstance(share, list) else (share, share)
    low, high = float(low), float(high)  # type: ignore[arg-type]
    if not 0 <= low <= high <= 100 or kind not in _KINDS:
        raise ValueError("a share lies in 0..100, low before high; the kind of an edge is " + ", ".join(sorted(_KINDS)))
    return Edge(str(told["owner"]), str(told["asset"]), low, high, kind, str(told.get("from", "")),
                str(told.get("to", "")), str(told.get("acting_together", "")))  # fmt: skip
