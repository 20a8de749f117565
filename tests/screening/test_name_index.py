"""The index over listed names: it proposes every name that would alert, whatever is done to it, and keeps in step."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from custodes.core.clock import FixedClock
from custodes.screening.comparison import REVIEW
from custodes.screening.delta import CustomerIndex, rescreen
from custodes.screening.entities import ORGANISATION, PERSON, VESSEL, ListedName, ListEntry, Party
from custodes.screening.index.entries import MemoryIndex, prepare_party
from custodes.screening.index.names import NameRows
from custodes.screening.index.near import NameTable
from custodes.screening.index.strings import SlipTable
from custodes.screening.matching import match
from custodes.screening.names.name import prepare
from custodes.storage.sql.screening.lists import ScreeningLists

_WORDS = """
zarya optika severnaya linza nikolaev boris national commercial polyarnik abdul rahman trading holding europe al van kim
chol jong un mohammed hussein petrovich 2 iii general bank of moscow J Ветров حسين 김철수 schneider ltd gmbh
zaryaeurope optikagmbh tradingzarya
"""
WORDS = tuple(_WORDS.split())
SHORT = st.text("abcd", min_size=2, max_size=9)
LETTERS = "aeioklmnrstvyz10"


def _edited(words: list[str], rng: random.Random) -> list[str]:
    """One thing done to some words: joined, split, a slip, turned around, one left out, one more."""
    words = [*words]
    at = rng.randrange(len(words))
    word = words[at]
    cut = rng.randrange(len(word))
    match rng.choice(["join", "join three", "split", "slip", "slip", "turn", "drop", "add"]):
        case "join":
            words[at : at + 2] = ["".join(words[at : at + 2])]
        case "join three":
            words[at : at + 3] = ["".join(words[at : at + 3])]
        case "split" if cut:
            words[at : at + 1] = [word[:cut], word[cut:]]
        case "slip":
            words[at] = rng.choice([
                word[:cut] + rng.choice(LETTERS) + word[cut + 1 :], word[:cut] + word[cut + 1 :] or word,
                word[:cut] + rng.choice(LETTERS) + word[cut:],
                word[:cut] + word[cut + 1 : cut + 2] + word[cut] + word[cut + 2 :],
            ])  # fmt: skip
        case "turn":
            words = [*words[at:], *words[:at]]
        case "drop" if len(words) > 2:
            del words[at]
        case "add":
            words.insert(at, rng.choice(WORDS))
    return words


@pytest.mark.parametrize("kind", [PERSON, ORGANISATION, VESSEL])
@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32), agrees=st.booleans())
def test_whatever_the_scorer_alerts_on_is_proposed(kind: str, agrees: bool, seed: int) -> None:
    rng = random.Random(seed)
    words = rng.sample(WORDS, rng.randint(1, 6))
    named = f"{words[0]}, {' '.join(words[1:])}" if kind == PERSON and len(words) > 1 else " ".join(words)
    country = ("russia",) if agrees else ()
    listed = ListEntry("x", "1", kind, (ListedName("other one"), ListedName(named)), countries=country)
    others = [ListEntry("x", str(at), kind, (ListedName(" ".join(rng.sample(WORDS, 3))),)) for at in range(2, 12)]
    index = MemoryIndex([*others, listed])
    asked = words
    for _ in range(rng.randint(1, 3)):
        asked = _edited(asked, rng)
        party = Party("p", " ".join(asked), kind, country="ru" if agrees else "")
        prepared = prepare_party(party)
        near = {one.entry.uid: one for one in index.by_names(prepared)}
        for one in (listed, *others):
            wanted = match(party, prepared, one)
            if wanted.score >= REVIEW:
                assert one.uid in near, (asked, one.names)
                assert match(party, prepared, one, near[one.uid]).score == wanted.score
                assert [hits[0].score for _, hits in rescreen(CustomerIndex([party]), [one])] == [wanted.score]


@settings(max_examples=60, deadline=None)
@given(st.lists(SHORT, min_size=1, max_size=30, unique=True), SHORT)
def test_strings_two_slips_apart_are_found(strings: list[str], asked: str) -> None:
    found = SlipTable(strings, lambda letters: 2 if letters > 3 else 1).find([asked], [2])
    near = {strings[row]: slips for row, slips in zip(found.rows.tolist(), found.slips.tolist(), strict=True)}
    for text in strings:
        distance = OSA.distance(text, asked)
        if distance < 2 or (distance == 2 and min(len(text), len(asked)) > 3):
            assert near[text] == distance
    assert all(near[text] == OSA.distance(text, asked) for text in near)


def test_names_taken_out_and_put_in_find_as_names_made_afresh() -> None:
    rng = random.Random(5)
    named = [(at, 0, prepare(" ".join(rng.sample(WORDS, 4)), rng.choice((PERSON, ORGANISATION)))) for at in range(60)]
    rows = NameRows.from_bytes(NameRows.of(named[:40]).to_bytes())
    rows = NameRows.from_bytes(rows.without([3, 7, 39]).with_(NameRows.of(named[40:])).to_bytes())
    kept = [one for one in named if one[0] not in (3, 7, 39)]
    changed, afresh = NameTable(rows), NameTable(NameRows.of(kept))
    assert len(changed) == len(kept)
    for _, _, name in named:
        found, wanted = changed.near([name])[0], afresh.near([name])[0]
        assert changed.items[found.alone].tolist() == afresh.items[wanted.alone].tolist()
        assert changed.items[found.parts].tolist() == afresh.items[wanted.parts].tolist()


def test_an_import_elsewhere_is_seen_at_the_next_question(tmp_path: Path) -> None:
    asked = prepare_party(Party("x", "Zarya Optika"))
    entry = ListEntry("a", "1", ORGANISATION, (ListedName("Zarya Optika"),))
    with closing(ScreeningLists(tmp_path)) as lists, closing(ScreeningLists(tmp_path)) as elsewhere:
        assert lists.by_names(asked) == []
        elsewhere.put("a", "csv", [entry], FixedClock(), digest="")
        assert [near.entry for near in lists.by_names(asked)] == [entry]
        other = ListEntry("a", "2", ORGANISATION, (ListedName("Other"),))
        elsewhere.put("a", "csv", [other], FixedClock(), digest="")
        assert lists.by_names(asked) == []
