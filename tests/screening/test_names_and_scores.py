"""Names of any script to words, and what two names score: spellings, slips, legal forms, births, identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.screening.comparison import REVIEW, compare_names
from custodes.screening.entities import PERSON, ListedName, ListEntry, Party
from custodes.screening.index.entries import MemoryIndex, prepare_party
from custodes.screening.matching import birth_factor, match
from custodes.screening.names.legal_forms import without_forms
from custodes.screening.names.name import prepare
from custodes.screening.names.scripts import latin


def score(ours: str, theirs: str, kind: str = PERSON) -> float:
    return compare_names(prepare(ours, kind), prepare(theirs, kind)).score


@pytest.mark.parametrize(
    "spellings",
    [
        ("Nikita Khrushchev", "Nikita Chruschtschow", "Nikita Khrouchtchev", "Никита Хрущёв"),
        ("Fyodor Zhukovsky", "Fjodor Schukowski", "Fiodor Joukovski", "Фёдор Жуковский"),
        ("Sergei Yevtushenko", "Sergej Jewtuschenko", "Sergueï Evtouchenko", "Сергей Евтушенко"),
        ("Volodymyr Hryhorenko", "Володимир Григоренко"),
        ("Aliaksandr Dudko", "Alexander Dudko", "Аляксандр Дудко"),
        ("Muhammad Husayn Musawi", "Mohammed Hossein Mousavi", "محمد حسین موسوی"),
        ("Abd al-Rahman Nasir", "Abdul Rahman Nasser", "Abdurrahman Naser", "عبد الرحمن ناصر"),
        ("Kim Yong Chol", "Kim Young-cheol", "김영철"),
        ("Wang Xiaoming", "王小明"),
        ("Narendra Sharma", "नरेन्द्र शर्मा"),
        ("Giorgi Beridze", "გიორგი ბერიძე"),
        ("Armen Petrosyan", "Արմեն Պետրոսյան"),
        ("Kostas Papadopoulos", "Κώστας Παπαδόπουλος"),
        ("Jürgen Müller", "Jurgen Muller"),
    ],
)
def test_spellings_of_one_name_alert_on_each_other_and_are_found(spellings: tuple[str, ...]) -> None:
    for listed in spellings:
        index = MemoryIndex([ListEntry("x", "1", PERSON, (ListedName(listed),))])
        for asked in spellings:
            assert score(asked, listed) >= REVIEW, (asked, listed)
            assert index.by_names(prepare_party(Party("p", asked, PERSON))), (asked, listed)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Oleg Shustrov", "Sergei Shustrov"),
        ("Hassan Karimi", "Hussein Karimi"),
        ("Kim Jong Su", "Kim Yong Ho"),
        ("Anna Petrova", "Ivan Petrovich Sidorov"),
        ("Mohammed Ali", "Mohammed Ali Hassan Ibrahim"),
        ("Maria Lopez", "Mario Gomez"),
    ],
)
def test_other_persons_do_not_alert(ours: str, theirs: str) -> None:
    assert score(ours, theirs) < REVIEW


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ("Zarya Optika OOO", "ООО «Заря Оптика»", True),  # noqa: RUF001
        ("Joint Stok Company Zarya Optika", "Public Joint Stock Company Zarya Optika", True),
        ("Zarya Optika LDT", "Zarya Optika Ltd.", True),
        ("Zarya Trading Company", "Zarya Trading", True),
        ("Polder Trading Limited", "Zarya Trading Limited", False),
        ("Zarya Bank", "Polder Bank", False),
        ("Plant No. 12", "Plant No. 15", False),
    ],
)
def test_firms_are_told_apart_by_what_is_their_own(ours: str, theirs: str, alike: bool) -> None:
    assert (score(ours, theirs, "organisation") >= REVIEW) is alike


def test_letters_that_only_look_latin_and_digits_for_letters_hide_nobody() -> None:
    assert latin("Pаypаl") == "paypal", "two letters are Cyrillic"  # noqa: RUF001
    assert score("Serg3i Shustr0v", "Sergei Shustrov") == 1.0


@pytest.mark.parametrize("slip", ["Shustorv", "Shustrv", "Shuustrov", "Shustrav"])
def test_one_slip_alerts_wherever_it_is(slip: str) -> None:
    assert score(f"Sergei {slip}", "Sergei Shustrov") >= REVIEW


def test_legal_forms_go_from_either_end_and_a_name_of_nothing_else_stays() -> None:
    assert without_forms(["zarya", "co", "ltd"]) == ["zarya"]
    assert without_forms(["pao", "zarya"]) == ["zarya"]
    assert without_forms(["limited"]) == ["limited"]


def test_births_weigh_by_how_far_apart_they_are() -> None:
    others = ("1961-05-03", "1961", "1961-03-05", "1962", "1961-07-09", "1980")
    rows = [birth_factor("1961-05-03", [other]) for other in others]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == rows[1] == rows[2] == 1.0
    assert birth_factor("1980", ["1961", "1980-01-01"]) == 1.0


ENTRY = ListEntry("x", "1", "organisation", (ListedName("Zarya"), ListedName("ZRY", weak=True)), (), ("russia",),
                  (("ru-inn", "7700000009"), ("ru-ogrn", "0000000000000")))  # fmt: skip


def test_an_identifier_decides_unless_no_register_gave_it() -> None:
    def hit(kind: str, number: str) -> tuple[float, bool]:
        party = Party("p", "Quite Other", identifiers=((kind, number),))
        found = match(party, prepare_party(party), ENTRY)
        return found.score, found.decides

    assert hit("ru-inn", "7700000009") == (1.0, True)
    assert hit("ru-ogrn", "0000000000000") == (1.0, False)
    assert hit("ru-inn", "7700000017") == (0.0, False)


def test_every_hit_says_what_it_stands_on() -> None:
    party = Party("p", "ZRY", country="nl")
    terms = {term.what: term.value for term in match(party, prepare_party(party), ENTRY).terms}
    assert terms == {"word": 1.0, "one word only, which may be chance": 1.0, "weak alias": 0.97, "country": 0.98}


TEXT = st.text(max_size=60)


@settings(max_examples=150, deadline=None)
@given(ours=TEXT, theirs=TEXT, kind=st.sampled_from([PERSON, "organisation", "vessel"]))
def test_any_two_texts_have_a_score_that_does_not_depend_on_who_asks(ours: str, theirs: str, kind: str) -> None:
    a, b = score(ours, theirs, kind), score(theirs, ours, kind)
    assert 0 <= a <= 1
    assert a == pytest.approx(b, abs=0.02)


@settings(max_examples=150, deadline=None)
@given(text=TEXT, kind=st.sampled_from([PERSON, "organisation", "vessel"]))
def test_a_name_is_itself_and_is_found_under_itself(text: str, kind: str) -> None:
    prepared = prepare(text, kind)
    if prepared.tokens and (kind != PERSON or len(prepared.tokens) > 1):
        assert score(text, text, kind) == pytest.approx(1, abs=1e-3)
        assert MemoryIndex([ListEntry("x", "1", kind, (ListedName(text),))]).by_names([prepared])
    assert all(token.plain.isascii() and token.plain for token in prepared.tokens)


def test_long_names_are_cut_and_cost_little() -> None:
    assert len(prepare("Б" * 10_000 + " x" * 10_000).tokens) <= 24
