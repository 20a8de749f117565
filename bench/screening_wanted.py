"""The table of what screening must catch: each row measured on lists of the real size, beside what was wanted.

In: lists, people, a random generator. Out: rows of (what, figure). Figures come from entries whose number gives an odd
checksum; tables and thresholds were made looking at the others only (``is_held_out``).
"""

from __future__ import annotations

import random
import string
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import report
import screening
import screening_cases as cases
from custodes.screening.comparison import REVIEW
from custodes.screening.entities import ORGANISATION, PERSON, ListEntry, Party
from custodes.screening.index.entries import EntryIndex, prepare_party
from custodes.screening.matching import birth_factor, match
from custodes.screening.names.identifiers import in_text
from custodes.screening.names.name import SMALL, prepare
from custodes.screening.screen import screen_party
from custodes.storage.sql.screening.lists import ScreeningLists

SEED, FALSE_ALERTS_FROM = 20260128, 5_000
FIRMS, EDITED, PERSONS, PEOPLE, FIRMS_MADE_UP = 250, 1_500, 1_000, 10_000, 4_000
MEANT: Mapping[str, tuple[str, str]] = {
    "firms with a place behind": ("12 %", "97 % or more"),
    "firms with a generic word behind": ("87 %", "97 % or more"),
    "firms with (NL) behind": ("56 %", "97 % or more"),
    "alerts of the scorer that the index proposes, joins": ("50 %", "100 %"),
    "alerts of the scorer that the index proposes, other edits": ("97 %", "100 %"),
    "first given name and first of two surnames, same birth": ("4 %", "95 % or more"),
    "first of two given names and surname, same birth": ("49 %", "95 % or more"),
    "first of two given names and surname, no birth": ("49 %", ""),
    "numbers in 30 forms of free text": ("1 of 3", "30"),
    "ranges of birth read rightly": ("clash", "20 of 20"),
    "false alerts per 1,000 persons with birth date": ("0.18", "0.5 or less"),
    "false alerts per 1,000 persons without": ("4.0", "5 or less"),
    "labelled pairs: F1": ("0.801", "0.83 or more"),
    "one name against 60,000 entries, median": ("1.2 ms", "2 ms or less"),
    "50 ordinary firms: alerts": ("4", "2 or fewer"),
}
"""What each row was before this was set out to be done, and what was wanted of it."""


def is_held_out(entry: ListEntry) -> bool:
    """Whether nobody looked at ``entry`` while the tables were made; half of all."""
    return bool(zlib.crc32(entry.uid.encode()) & 1)


def some(
    entries: Iterable[ListEntry], kind: str, size: int, rng: random.Random, held_out: bool = True
) -> list[ListEntry]:
    """At most ``size`` entries of one kind from one of the halves."""
    found = [entry for entry in entries if entry.kind == kind and is_held_out(entry) is held_out]
    return rng.sample(found, min(size, len(found)))


def alerts_on(index: EntryIndex, party: Party, entry: ListEntry) -> bool:
    """Whether ``party`` alerts on that very entry."""
    return any(hit.entry.uid == entry.uid for hit in screen_party(party, index))


def tails(
    index: EntryIndex, entries: Sequence[ListEntry], rng: random.Random, forms: Sequence[str], held_out: bool = True
) -> dict[str, float]:
    """Share of listed firms found with each tail behind their name."""
    firms = some(entries, ORGANISATION, FIRMS, rng, held_out)
    return {
        tail: sum(alerts_on(index, Party("x", tail.format(firm.names[0].text)), firm) for firm in firms) / len(firms)
        for tail in forms
    }


def cut_up(index: EntryIndex, entries: Sequence[ListEntry], rng: random.Random) -> dict[str, float]:
    """Share of listed firms found with their words cut in pieces and a tail behind them."""
    firms = some(entries, ORGANISATION, FIRMS, rng)
    return {
        how: sum(alerts_on(index, Party("x", f"{cut(one.names[0].text)} Nederland B.V."), one) for one in firms)
        / len(firms)
        for how, cut in cases.CUT.items()
    }


def lone_words(index: EntryIndex, entries: Sequence[ListEntry], rng: random.Random) -> tuple[int, int]:
    """Listed firms with one short word that tells: it with another word behind it and the same country; those found."""
    short = []
    for one in some(entries, ORGANISATION, len(entries), rng):
        telling = [token.plain for token in prepare(one.names[0].text).tokens if token.weight > SMALL]
        if one.countries and len(telling) == 1 and 2 < len(telling[0]) < 8 and telling[0].isalpha():
            short.append((one, telling[0]))
    asked = [(Party("x", f"{word.upper()} Kestrel B.V.", country=one.countries[0]), one) for one, word in short]
    return len(asked), sum(alerts_on(index, party, one) for party, one in asked)


def made_up_firms(people: Sequence[Party], rng: random.Random) -> list[Party]:
    """Firms that nobody lists, each with the name of a person or three letters, a trade and a country."""
    found = []
    for person in people:
        letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(3))
        name = rng.choice([person.name.split()[0], person.name.split()[-1], letters])
        found.append(Party("x", f"{name} {rng.choice(cases.TRADES)} Ltd", ORGANISATION, country=person.country))
    return found


def proposals(
    index: EntryIndex, entries: Sequence[ListEntry], rng: random.Random, held_out: bool = True
) -> dict[str, tuple[int, int, int]]:
    """By kind of edit: edited names, alerts of the scorer, and those of them that the index proposes."""
    counted = {}
    listed = [one for kind in (PERSON, ORGANISATION) for one in some(entries, kind, EDITED // 2, rng, held_out)]
    for what, edit in cases.EDITS.items():
        asked = alerts = proposed = 0
        for entry in listed:
            name = entry.names[0].text
            plain = cases.said(name) if entry.kind == PERSON else name
            edited = edit(plain, rng)
            if edited == plain:
                continue
            party = Party("x", edited, entry.kind)
            prepared = prepare_party(party)
            asked += 1
            if match(party, prepared, entry).score >= REVIEW:
                alerts += 1
                proposed += any(near.entry.uid == entry.uid for near in index.by_names(prepared))
        counted[what] = (asked, alerts, proposed)
    return counted


def subsets(
    index: EntryIndex,
    entries: Sequence[ListEntry],
    rng: random.Random,
    shape: Callable[[str], str],
    *,
    with_birth: bool,
    held_out: bool = True,
) -> tuple[int, int]:
    """Persons asked for by a part of their name, of those with a birth date of a day, and how many are found."""
    persons = [one for one in entries if one.kind == PERSON and is_held_out(one) is held_out]
    fitting = [one for one in persons if shape(one.names[0].text) and any(len(birth) == 10 for birth in one.births)]
    chosen = rng.sample(fitting, min(PERSONS, len(fitting)))
    found = 0
    for one in chosen:
        birth = next(birth for birth in one.births if len(birth) == 10) if with_birth else ""
        found += alerts_on(index, Party("x", shape(one.names[0].text), PERSON, birth=birth), one)
    return len(chosen), found


def numbers() -> tuple[int, int, int]:
    """Forms of free text, how many are read as what they are, and readings where there is no number."""
    forms = cases.numbers()
    right = sum({*in_text(text)} == holds for text, holds in forms)
    return len(forms), right, sum(len({*in_text(text)}) for text in cases.NO_NUMBERS)


def births() -> tuple[int, int]:
    """Ranges of birth, and how many are told rightly from a clash."""
    right = sum((birth_factor(ours, [listed]) > 0.9) is same for listed, ours, same in cases.BIRTHS)
    return len(cases.BIRTHS), right


def ordinary(index: EntryIndex) -> list[str]:
    """Those of the fifty ordinary firms that alert, with what they alert on."""
    found = []
    for name in cases.ORDINARY:
        hits = screen_party(Party("x", name), index)
        found += [f"{name} ~ {hits[0].entry.names[0].text} {hits[0].score}"] if hits else []
    return found


def false_alerts(index: EntryIndex, people: Sequence[Party]) -> float:
    """Alerts per 1,000 persons whom no list has."""
    return 1000 * sum(bool(screen_party(party, index)) for party in people) / len(people)


def without_birth(people: Iterable[Party]) -> list[Party]:
    """The same persons, their birth not known."""
    return [replace(party, birth="") for party in people]


def measured(index: EntryIndex, entries: Sequence[ListEntry], people: Sequence[Party]) -> list[tuple[object, ...]]:
    """Rows of the table that this file measures: what, before, wanted, now."""
    rng = random.Random(SEED)
    by_tail = tails(index, entries, rng, [*cases.TAILS, *cases.MORE_TAILS])
    rows: list[tuple[object, ...]] = [(f"250 firms, {tail}", f"{100 * found:.1f} %") for tail, found in by_tail.items()]
    for what, (asked, alerts, proposed) in proposals(index, entries, rng).items():
        rows.append((f"{what}: alerts of the scorer that the index proposes", f"{proposed} of {alerts}, {asked} asked"))
    for what, shape in (("first of two surnames", cases.two_surnames), ("two given names", cases.two_given_names)):
        for with_birth in (True, False):
            size, found = subsets(index, entries, rng, shape, with_birth=with_birth)
            rows.append(
                (f"{what}, {'same birth' if with_birth else 'no birth'}", f"{100 * found / size:.1f} % of {size}")
            )
    forms, right, wrong = numbers()
    rows.append(("numbers in free text", f"{right} of {forms} forms, {wrong} read where there is none"))
    ranges, told = births()
    rows.append(("ranges of birth", f"{told} of {ranges}"))
    unseen = people[FALSE_ALERTS_FROM : FALSE_ALERTS_FROM + PEOPLE]
    rows.append(("false alerts per 1,000, with birth", f"{false_alerts(index, unseen):.2f} of {len(unseen)}"))
    bare = without_birth(unseen[::2])
    rows.append(("false alerts per 1,000, without", f"{false_alerts(index, bare):.2f} of {len(bare)}"))
    rows.append(("50 ordinary firms: alerts", str(len(ordinary(index)))))
    other = random.Random(SEED)
    rows += [(f"250 firms, {how}, and a tail", f"{100 * share:.1f} %") for how, share in
             cut_up(index, entries, other).items()]  # fmt: skip
    size, found = lone_words(index, entries, other)
    rows.append(("short word of a firm, another behind it, same country", f"{100 * found / size:.1f} % of {size}"))
    firms = made_up_firms(people[-FIRMS_MADE_UP:], other)
    rows.append(("false alerts per 1,000 firms with a country", f"{false_alerts(index, firms):.2f} of {len(firms)}"))
    return rows


def main() -> None:
    """Measure on the lists of ``screening.py`` and write the section."""
    before, after, un = screening.editions()
    with tempfile.TemporaryDirectory() as folder, closing(ScreeningLists(Path(folder))) as lists:
        for name, listed in (("ofac-2022", before), ("ofac", after), ("un", un)):
            screening.put(lists, name, listed)
        rows = measured(lists, [*after, *un], screening.people())
    wanted = report.table(("row", "before", "wanted"), [(what, *values) for what, values in MEANT.items()])
    text = f"{report.table(('what', 'figure'), rows)}\n\nWhat it was and what was wanted of it:\n\n{wanted}"
    command = ".venv/bin/python bench/screening_wanted.py"
    report.write(report.Section("screening-wanted", "What screening must catch", command, text))


if __name__ == "__main__":
    main()
