"""Two names compared word by word, with birth dates and countries: a score that explains itself.

In: prepared names and what else is known of both sides. Out: a score of 0..1 and its terms. A name never decides: it
alerts from ``REVIEW`` on. Rules of thumb, not law; measured in BENCHMARKS.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from rigour._core import raw_levenshtein_cutoff

from custodes.governance.screening.entities import PERSON, VESSEL, Hit, ListEntry, Party, Term
from custodes.governance.screening.names import NameToken, PreparedName, prepare

REVIEW = 0.86
_WEAK_FACTOR = 0.97
_BIRTH_CLASH, _BIRTH_NEAR, _COUNTRY_CLASH = 0.8, 0.98, 0.97


def word_similarity(ours: NameToken, theirs: NameToken) -> float:
    """Likeness of two words, 0..1: 1 equal, less for other spellings, 0 beyond a plausible slip."""
    if ours.plain == theirs.plain:
        return 1.0
    return max((_form_similarity(a, b) for a in ours.forms for b in theirs.forms), default=0.0)


@lru_cache(maxsize=262_144)
def _form_similarity(ours: str, theirs: str) -> float:
    if ours == theirs:
        return 0.98
    shorter, longer = sorted((len(ours), len(theirs)))
    if shorter < 3 or ours.isdigit() or theirs.isdigit() or longer - shorter > 2:
        return 0.0
    distance = raw_levenshtein_cutoff(ours, theirs, 2)
    if distance == 2 and _is_swap(ours, theirs):
        distance = 1
    if distance == 1 and longer > 3:
        return 0.93 - 0.9 / longer if longer > 4 else 0.7
    if distance == 2 and shorter >= 8:
        return 0.8
    return 0.0


def _is_swap(ours: str, theirs: str) -> bool:
    """Whether two neighbouring letters changed places and nothing else."""
    if len(ours) != len(theirs):
        return False
    off = [at for at in range(len(ours)) if ours[at] != theirs[at]]
    return len(off) == 2 and off[1] == off[0] + 1 and ours[off[0]] == theirs[off[1]] and ours[off[1]] == theirs[off[0]]


def compare_names(ours: PreparedName, theirs: PreparedName) -> tuple[float, tuple[Term, ...]]:
    """Score two names, 0..1: the geometric mean of how much of either is explained by the other."""
    if not ours.tokens or not theirs.tokens:
        return 0.0, ()
    joined = _joined(ours, theirs)
    if joined:
        return joined, (Term("words together", ours.text, theirs.text, joined),)
    pairs = _pairs(ours.tokens, theirs.tokens)
    if not _enough(pairs, ours, theirs):
        return 0.0, ()
    got_ours = sum(value * a.weight for a, _, value in pairs)
    got_theirs = sum(value * b.weight for _, b, value in pairs)
    score = math.sqrt(
        got_ours
        / sum(token.weight for token in ours.tokens)
        * got_theirs
        / sum(token.weight for token in theirs.tokens)
    )
    if ours.kind != PERSON and _number_clash(pairs, ours, theirs):
        score *= 0.8
    return round(score, 4), tuple(Term("word", a.plain, b.plain, round(value, 3)) for a, b, value in pairs)


def _pairs(ours: Sequence[NameToken], theirs: Sequence[NameToken]) -> list[tuple[NameToken, NameToken, float]]:
    """Give each word at most one partner, best first; order within a name is free."""
    every = [
        (word_similarity(a, b), at, to) for at, a in enumerate(ours) for to, b in enumerate(theirs)
    ]  # fmt: skip
    taken_ours: set[int] = set()
    taken_theirs: set[int] = set()
    pairs = []
    for value, at, to in sorted(every, key=lambda one: (-one[0], one[1], one[2])):
        if value and at not in taken_ours and to not in taken_theirs:
            taken_ours.add(at)
            taken_theirs.add(to)
            pairs.append((ours[at], theirs[to], value))
    return pairs


def _enough(pairs: Sequence[tuple[NameToken, NameToken, float]], ours: PreparedName, theirs: PreparedName) -> bool:
    """One shared word is enough only where a side has no second one and neither is a person's."""
    telling = sum(1 for a, b, _ in pairs if a.weight > 0.3 and b.weight > 0.3)
    return telling >= 2 or (bool(pairs) and min(len(ours.tokens), len(theirs.tokens)) == 1 and ours.kind != PERSON) or (
        bool(pairs) and len(ours.tokens) == len(theirs.tokens) == 1
    )  # fmt: skip


def _joined(ours: PreparedName, theirs: PreparedName) -> float:
    """Names that differ in where words end (Abdul Rahman, Abdulrahman)."""
    if len(ours.tokens) == len(theirs.tokens):
        return 0.0
    a = "".join(token.forms[0] for token in ours.tokens)
    b = "".join(token.forms[0] for token in theirs.tokens)
    return 0.96 if a == b and len(a) > 5 else 0.0


def _number_clash(
    pairs: Sequence[tuple[NameToken, NameToken, float]], ours: PreparedName, theirs: PreparedName
) -> bool:
    matched = {id(a) for a, _, _ in pairs} | {id(b) for _, b, _ in pairs}
    loose = [
        any(token.plain.isdigit() and id(token) not in matched for token in side.tokens) for side in (ours, theirs)
    ]
    return all(loose) or (any(loose) and ours.kind == VESSEL)


def birth_factor(ours: str, theirs: Sequence[str]) -> float:
    """1 where a date agrees or is unknown, a little less for a year beside it, ``0.8`` for a clash."""
    if not ours or not theirs or not re.match(r"\d{4}", ours):
        return 1.0
    return max(_one_birth(ours, other) for other in theirs)


def _one_birth(ours: str, theirs: str) -> float:
    if not re.match(r"\d{4}", theirs):
        return 1.0
    gap = abs(int(ours[:4]) - int(theirs[:4]))
    if gap > 1:
        return _BIRTH_CLASH
    if gap == 1:
        return _BIRTH_NEAR
    if len(ours) == len(theirs) == 10 and ours != theirs:
        swapped = f"{theirs[:4]}-{theirs[8:]}-{theirs[5:7]}"
        return 1.0 if ours == swapped else 0.95
    return 1.0


def match(party: Party, prepared: Sequence[PreparedName], entry: ListEntry) -> Hit:
    """Compare every name of ``party`` with every name of ``entry``; the best pair counts.

    Equal identifiers decide with score 1 whatever the names say.
    """
    shared = sorted(set(party.identifiers) & set(entry.identifiers))
    if shared:
        terms = tuple(Term(f"identifier {kind}", value, value, 1.0) for kind, value in shared)
        return Hit(party.id, entry, 1.0, decides=True, terms=terms)
    if {party.kind, entry.kind} in ({"person", "organisation"}, {"person", "vessel"}, {"organisation", "vessel"}):
        return Hit(party.id, entry, 0.0, decides=False, terms=())
    best, terms = 0.0, ()
    for name in entry.names:
        listed = _prepared(name.text, entry.kind)
        for ours in prepared:
            score, found = compare_names(ours, listed)
            if name.weak and score:
                score *= _WEAK_FACTOR
                found = (*found, Term("weak alias", "", name.text, _WEAK_FACTOR))
            if score > best:
                best, terms = score, found
    factor = birth_factor(party.birth, entry.births) if party.kind == PERSON else 1.0
    if best and factor != 1.0:
        terms = (*terms, Term("birth", party.birth, ", ".join(entry.births), factor))
    return Hit(party.id, entry, round(best * factor, 4), decides=False, terms=terms)


@lru_cache(maxsize=65_536)
def _prepared(text: str, kind: str) -> PreparedName:
    return prepare(text, kind)
