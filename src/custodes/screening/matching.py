"""A party held against an entry of a list: names, numbers, birth dates, countries, addresses; a score with its reasons.

In: a party, its prepared names, an entry. Out: a hit of 0..1 with its terms. A name never decides: it alerts from
``REVIEW`` on. What agrees beside a part of a name lifts it to an alert; what contradicts lowers any name. Measured in
BENCHMARKS.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from custodes.screening.comparison import PART_WITH_BIRTH, PART_WITH_COUNTRY, REVIEW, NameComparison, compare_names
from custodes.screening.dates import DateRange, closest, read_date
from custodes.screening.entities import PERSON, ListedName, ListEntry, ListHit, Party, ScoreTerm
from custodes.screening.index.entries import NearEntry
from custodes.screening.names.addresses import same_address
from custodes.screening.names.alternatives import alternatives
from custodes.screening.names.identifiers import is_sound
from custodes.screening.names.name import PreparedName, prepare
from custodes.screening.words.countries import country_code

PART_AGREES = 0.88
"""Score of a part of a name once a birth date, a country or an address agrees."""
_WEAK_FACTOR = 0.97
_BIRTH_CLASH, _BIRTH_NEAR, _BIRTH_DAY, _COUNTRY_CLASH = 0.8, 0.98, 0.95, 0.98
_NEVER = ({"person", "organisation"}, {"person", "vessel"}, {"organisation", "vessel"})


def birth_factor(ours: str, theirs: Sequence[str]) -> float:
    """1 where dates can be one or are unknown, less for another day or a year beside, ``0.8`` for a clash."""
    mine = read_date(ours) if ours else None
    others = [found for text in theirs if (found := read_date(text))]
    if mine is None or not others:
        return 1.0
    return max(_one_birth(mine, other) for other in others)


def _one_birth(ours: DateRange, theirs: DateRange) -> float:
    if ours.meets(theirs):
        return 1.0
    gap = ours.years_to(theirs)
    if gap > 1:
        return _BIRTH_CLASH
    if gap == 1:
        return _BIRTH_NEAR
    if ours.is_day and theirs.is_day and (ours.first.day, ours.first.month) == (theirs.first.month, theirs.first.day):
        return 1.0  # day and month turned around
    return _BIRTH_DAY


def match(party: Party, prepared: Sequence[PreparedName], entry: ListEntry, near: NearEntry | None = None) -> ListHit:
    """Compare every name of ``party`` with every name of ``entry``, or those that are ``near``; the best pair counts.

    An equal identifier that its register could have given decides with score 1 whatever the names say; one whose check
    digits are wrong, which may be a placeholder, alerts. So does an equal address.
    """
    shared = sorted(set(party.identifiers) & set(entry.identifiers))
    if shared:
        sound = {kind: is_sound(kind, value) for kind, value in shared}
        terms = tuple(
            ScoreTerm(
                f"identifier {kind}" if sound[kind] else f"identifier {kind}, wrong check digits", value, value, 1.0
            )
            for kind, value in shared
        )
        return ListHit(party.id, entry, 1.0, decides=any(sound.values()), terms=terms)
    address = same_address(party.addresses, entry.addresses)
    if {party.kind, entry.kind} in _NEVER:
        found, weak = NameComparison(0.0), ""
    else:
        agrees = _agreement(party, entry, address)
        names = entry.names
        if near is not None:
            names = tuple(entry.names[at] for at in (*near.names, *(near.parts if agrees else ())))
        found, weak = _best(prepared, names, entry.kind, agrees)
    score, more = _with_circumstances(party, entry, found, weak, address)
    if address and score < REVIEW:
        # Many firms share an address: somebody looks, whatever the names are.
        terms = (ScoreTerm("same address", *address, REVIEW), *found.terms)
        return ListHit(party.id, entry, REVIEW, decides=False, terms=terms)
    return ListHit(party.id, entry, round(score, 4), decides=False, terms=(*found.terms, *more))


def _best(
    prepared: Sequence[PreparedName], names: Sequence[ListedName], kind: str, agrees: _Agreement | None
) -> tuple[NameComparison, str]:
    """The best comparison, a part of a name counting as an alert where what ``agrees`` lifts it; the name if weak."""
    best, value, weak = NameComparison(0.0), 0.0, ""
    for name in names:
        listed = [prepare(text, kind) for text in alternatives(name.text, kind)]
        for ours, theirs in product(prepared, listed):
            found = compare_names(ours, theirs)
            lifts = agrees is not None and agrees.lifts(found)
            worth = max(found.score, PART_AGREES if lifts else 0.0)
            worth *= _WEAK_FACTOR if name.weak else 1.0
            if worth > value:
                best, value, weak = found, worth, name.text if name.weak else ""
    return best, weak


def _with_circumstances(
    party: Party, entry: ListEntry, found: NameComparison, weak: str, address: tuple[str, str] | None
) -> tuple[float, list[ScoreTerm]]:
    """The score of a name after everything else that is known of both sides, and the terms of that."""
    score = found.score
    terms: list[ScoreTerm] = []
    if not score:
        return 0.0, terms
    agrees = _agreement(party, entry, address)
    if agrees is not None and score < PART_AGREES and agrees.lifts(found):
        terms.append(ScoreTerm(f"part of the name, and the same {agrees.what}", "", "", round(PART_AGREES / score, 3)))
        score = PART_AGREES
    if weak:
        score *= _WEAK_FACTOR
        terms.append(ScoreTerm("weak alias", "", weak, _WEAK_FACTOR))
    if party.kind == PERSON and party.birth and entry.births:
        factor = birth_factor(party.birth, entry.births)
        score *= factor
        if factor != 1.0 or _same_birth(party, entry):
            terms.append(ScoreTerm("birth", party.birth, ", ".join(entry.births), factor))
    if term := _country_term(party.country, entry.countries):
        score *= term.value
        terms.append(term)
    if address:
        terms.append(ScoreTerm("same address", *address, 1.0))
    return score, terms


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What agrees beside names, and how telling a part of a name has to be to alert with it."""

    what: str
    least: int

    def lifts(self, found: NameComparison) -> bool:
        """Whether it lifts a part of a name to an alert."""
        return found.part >= self.least


def _agreement(party: Party, entry: ListEntry, address: tuple[str, str] | None) -> _Agreement | None:
    """An address or a birth date that agrees, or a country where no birth date contradicts."""
    if address:
        return _Agreement("address", PART_WITH_BIRTH)
    if party.kind == PERSON and _same_birth(party, entry):
        return _Agreement("birth date", PART_WITH_BIRTH)
    term = _country_term(party.country, entry.countries)
    if term and term.value == 1.0 and (party.kind != PERSON or birth_factor(party.birth, entry.births) == 1.0):
        return _Agreement("country", PART_WITH_COUNTRY)
    return None


def _same_birth(party: Party, entry: ListEntry) -> bool:
    """Whether a birth date that is known to the year on both sides agrees."""
    ours = read_date(party.birth) if party.birth else None
    theirs = closest(ours, [found for text in entry.births if (found := read_date(text))]) if ours else None
    if ours is None or theirs is None or not ours.meets(theirs):
        return False
    return max(ours.last.year - ours.first.year, theirs.last.year - theirs.first.year) < 6


def _country_term(ours: str, theirs: Sequence[str]) -> ScoreTerm | None:
    """The term for countries known on both sides; a clash costs little, since firms and persons move."""
    if not ours or not theirs:
        return None
    codes = {code for place in theirs if (code := country_code(place))}
    code = country_code(ours)
    if not code or not codes:
        return None
    return ScoreTerm("country", code, " ".join(sorted(codes)), 1.0 if code in codes else _COUNTRY_CLASH)
