"""What places in onboarding graphs say, in words: in which role a party stood behind which customer, since when.

In: evidence about a party. Out: lines of text and JSON values. Nothing is checked here; texts of the file are cleaned
where they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from custodes.ledger.verifier.verdict import Evidence, OpenedPlace

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "customer": "as a customer, which is a user of the service",
        "owner": "as an owner",
        "controller": "as one who controls or may control",
        "director": "as a director",
        "nominee": "as a nominee",
        "payer": "as one who pays",
        "end_customer": "as one to whom results are passed on",
        "related": "as a relation of others in the graph",
    }
)
LIMITS = (
    "Who stood behind a customer and neither was declared nor was in the registers that were consulted. The map holds "
    "what the evidence said when customers were taken on and whenever that changed.",
    "That places are entered under the right names. The number of places that each dossier brought is public, and all "
    "of them are in the map, which you can check yourself by running this again with --ledger.",
    "That a name's fingerprint means this party: others may be called so. Numbers in registers do not have that doubt.",
    "Whether a customer used the service. For that, ask about its account.",
)


def roles(places: Iterable[OpenedPlace]) -> dict[str, str]:
    """For each role PRESENT or ABSENT; UNDETERMINED where a place is not disclosed that might be of this role."""
    listed = list(places)
    open_roles = {str(place.facts.get("role")) for place in listed if place.facts is not None}
    missing = "UNDETERMINED" if any(place.facts is None for place in listed) else "ABSENT"
    return {role: "PRESENT" if role in open_roles else missing for role in ROLES}


def lines(places: Iterable[OpenedPlace], moment: Callable[[int], str], clean: Callable[[object], str]) -> list[str]:
    """A line for each place."""
    found = []
    for place in places:
        if place.facts is None:
            found.append(f"  entry {place.index}, {moment(place.t)}: not disclosed")
            continue
        facts = place.facts
        role = ROLES.get(str(facts.get("role")), clean(facts.get("role")))
        line = f"  entry {place.index}, {moment(place.t)}: {role}, account {clean(facts.get('acct'))}{_share(facts)}"
        dates = [f"{word} {clean(facts[name])}" for name, word in (("from", "from"), ("to", "to")) if facts.get(name)]
        found.append(", ".join([line, *dates]))
    return list(dict.fromkeys(found))


def to_json(places: Iterable[OpenedPlace]) -> list[dict[str, object]]:
    """Places as JSON values."""
    return [{"entry": place.index, "t": place.t, "facts": dict(place.facts or {}) or None} for place in places]


def grounds(evidence: Evidence, moment: Callable[[int], str]) -> list[str]:
    """Why the answer about one name can be relied on, beside what holds for every statement."""
    head = evidence.head
    found = [
        f"Entry {evidence.head_index} of that log is a summary of its first {head.size} entries (until "
        f"{moment(evidence.covered_until)}): {head.node.count} places of parties in all onboarding graphs together."
    ]
    if evidence.value is None:
        found.append("The identifier has exactly one possible place in that summary, and that place is empty.")
    else:
        found.append(
            f"At the identifier's only possible place, the summary says {evidence.value.count}; all of them are in "
            "this file and were checked one by one."
        )
    if evidence.totals_checked:
        found.append("You supplied the log's public entries: dossiers counted one by one give exactly this total.")
    return found


def _share(facts: Mapping[str, object]) -> str:
    low, high = facts.get("low"), facts.get("high")
    if not isinstance(low, int) or not isinstance(high, int) or not high:
        return ""
    return f", {low / 1000:g} %" if low == high else f", {low / 1000:g} to {high / 1000:g} %"
