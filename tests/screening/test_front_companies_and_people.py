# ruff: noqa: RUF001 - dashes and letters of many alphabets are what this is about
"""The simplest fronts, and people as they write their names: tails, joins, parts, numbers in prose, ranges of birth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.screening.comparison import REVIEW, compare_names
from custodes.screening.dates import iso_date, read_date
from custodes.screening.entities import ORGANISATION, PERSON, VESSEL, ListedName, ListEntry, Party
from custodes.screening.index.entries import MemoryIndex
from custodes.screening.matching import birth_factor
from custodes.screening.names.identifiers import in_text, unread
from custodes.screening.names.name import prepare
from custodes.screening.screen import screen_party

INN, OGRN = "7712345671", "1157746123457"
LISTED = ("Zarya Optika OOO", "Severnaya Linza", "Russian National Commercial Bank", "Polyarnik", "VisionLabs OOO")


def entry(name: str, kind: str = ORGANISATION, **more: object) -> ListEntry:
    return ListEntry("house", name, kind, (ListedName(name),), **more)  # type: ignore[arg-type]


def alerts(name: str, one: ListEntry, **more: str) -> bool:
    """Whether somebody of this name alerts on ``one`` in a list of just that."""
    party = Party("p", name, one.kind, **more)  # type: ignore[arg-type]
    return bool(screen_party(party, MemoryIndex([one])))


@pytest.mark.parametrize("listed", LISTED)
@pytest.mark.parametrize(
    "tail",
    [
        "{} Nederland B.V.", "{} Europe B.V.", "{} Benelux", "{} (NL)", "{} Holding", "{} Trading", "{} Software",
        "{} International Technologies Ltd", "{} Amsterdam", "{} Hong Kong Ltd", "{} Trading Group Nederland B.V.",
        "{} (Cyprus) Limited", "Holding {} Europe",
    ],
)  # fmt: skip
def test_a_listed_firm_with_a_tail_alerts(listed: str, tail: str) -> None:
    assert alerts(tail.format(listed), entry(listed))


def test_a_listed_name_that_stands_whole_in_a_longer_one_alerts_and_a_single_common_word_does_not() -> None:
    assert alerts("Stichting Beheer Zarya Optika Vermogen Oud", entry("Zarya Optika"))
    assert not alerts("Zarya Stichting Beheer Optika Vermogen", entry("Zarya Optika"))
    assert not alerts("Omega Dental Care Utrecht", entry("Omega"))


def test_a_firm_of_one_word_goes_to_review_and_says_that_it_may_be_chance() -> None:
    hits = screen_party(Party("p", "Omega B.V."), MemoryIndex([entry("Omega")]))
    assert [hit.decides for hit in hits] == [False]
    assert any("may be chance" in term.what for term in hits[0].terms)


@pytest.mark.parametrize("name", ["Vision Labs", "ВижнЛабс", "Vizhnlabs", "VisionLabs Nederland B.V.", "Vijnlabs"])
def test_spellings_of_a_brand_by_its_sound_meet(name: str) -> None:
    assert alerts(name, entry("VisionLabs"))


HECTOR = entry("LOZANO PRADO, Hector", PERSON, births=("1961-05-03",), countries=("mexico",))


@pytest.mark.parametrize(
    ("more", "found"),
    [({"birth": "1961-05-03"}, True), ({"birth": "3 May 1961"}, True), ({"country": "mx"}, True), ({}, True),
     ({"birth": "1974-05-03", "country": "mx"}, False), ({"country": "nl"}, False)],
)  # fmt: skip
def test_a_part_of_a_name_that_few_bear_alerts_unless_something_contradicts(more: dict[str, str], found: bool) -> None:
    assert alerts("Hector Lozano", HECTOR, **more) is found


@pytest.mark.parametrize(
    ("more", "found"),
    [({"birth": "1961-05-03"}, True), ({"country": "mx"}, False), ({}, False), ({"birth": "1974-05-03"}, False)],
)
def test_a_part_that_millions_bear_alerts_with_the_same_birth_only(more: dict[str, str], found: bool) -> None:
    common = entry("LOPEZ PRADO, Maria", PERSON, births=("1961-05-03",), countries=("mexico",))
    assert alerts("Maria Lopez", common, **more) is found


@pytest.mark.parametrize(
    ("ours", "listed"),
    [("بارعة محمدی", "Bariaa Muhammad"), ("朱成", "CHEN, Zhu"), ("Ibn Omar bin Salman", "Salman bin Omar")],
)
def test_names_that_only_share_their_letters_are_not_alike(ours: str, listed: str) -> None:
    assert not alerts(ours, entry(listed, PERSON))


@pytest.mark.parametrize(
    "name",
    ["V1sionLabs", "Visi\u043enLabs", "Vision\u200bLabs", "ＶｉｓｉｏｎＬａｂｓ", "\u212fisionLabs", "VISION-LABS OOO",
     "V.i.s.i.o.n.L.a.b.s", "Labs Vision", "VisionLabs II", "VisionLabsGmbH", "VisionLabsEurope B.V.",
     "EuropeVisionlabs", "VisionLabs 3D", "Vision Labz"],
)  # fmt: skip
def test_disguises_are_read_through(name: str) -> None:
    assert alerts(name, entry("VisionLabs" if name != "Labs Vision" else "Vision Labs"))


@pytest.mark.parametrize(
    "name",
    ["Windmolen Beeld B.V. (formerly {})", "Windmolen Beeld B.V. trading as {}", "Windmolen Beeld t/a {}", "{} Plus",
     "Windmolen Beeld/{}", "Branch of {} in Amsterdam", "New {}", "{} GesmbH", "{} & Partners", "{} 2",
     "WINDMOLEN (ex {})"],
)  # fmt: skip
@pytest.mark.parametrize("listed", ["Arta Shipping Enterprises Limited", "Zarya Optika OOO", "VisionLabs"])
def test_a_listed_name_within_another_alerts(name: str, listed: str) -> None:
    assert alerts(name.format(listed), entry(listed))
    assert alerts(listed, entry(f"Windmolen Beeld (a.k.a. {listed})"))


@pytest.mark.parametrize(
    "name",
    ["Ro sob oron ex port", "R o s o b o r o n e x p o r t", "R.o.s.o.b.o.r.o.n. e.x.p.o.r.t.", "Ro-so-bo-ron-ex-port",
     "Ros obo ron exp ort"],
)  # fmt: skip
@pytest.mark.parametrize("tail", ["{}", "{} Nederland B.V.", "{} Holding", "Stichting {}", "{} (NL)"])
def test_words_cut_in_pieces_are_put_together(name: str, tail: str) -> None:
    assert alerts(tail.format(name), entry("Rosoboronexport OAO"))
    assert alerts(tail.format("V i s i o n  L a b s  B a n k  o f  L e n s"), entry("Vision Labs Bank of Lens"))


def test_short_words_that_are_no_pieces_of_a_listed_name_do_not_alert() -> None:
    for name in ("Bar de la Cruz S.A.", "Van der Aa en Zn B.V.", "Art of the Sea Ltd"):
        assert not alerts(name, entry("Rosoboronexport OAO"))


def test_the_only_telling_word_of_a_firm_alerts_beside_others_once_the_country_agrees() -> None:
    short = entry("ZKB Bank OAO", countries=("russia",))
    assert not alerts("ZKB Kestrel", short)
    assert not alerts("ZKB Kestrel", short, country="nl")
    assert not alerts("ZKP Kestrel", short, country="ru")
    hits = screen_party(Party("p", "ZKB Kestrel", country="ru"), MemoryIndex([short]))
    assert [hit.decides for hit in hits] == [False]
    assert any("may be chance" in term.what for term in hits[0].terms)
    assert not alerts("Star Kestrel", entry("Star", VESSEL, countries=("russia",)), country="ru")


@pytest.mark.parametrize("name", ["Omega Dental Care B.V.", "Sierra Optics", "Star Clean B.V.", "Maersk Tankers A/S"])
def test_a_short_word_shared_by_chance_does_not_alert(name: str) -> None:
    for listed in ("Omega", "Sierra", "Star", "Tankers A/S"):
        assert not alerts(name, entry(listed))


@pytest.mark.parametrize(
    ("name", "listed"),
    [("U.S. Fictive Bureau", "United States Fictive Bureau"), ("Brigade Forty-Four", "Brigade 44"),
     ("J. C. Polyarnik", "Jean-Claude Polyarnik"), ("JC Polyarnik", "Jean-Claude Polyarnik"),
     ("President Boris Polyarnik", "Boris Polyarnik"),
     ("Fictive Mortgage Trust 2004-1", "Fictive Mortgage Trust 2004-2")],
)  # fmt: skip
def test_short_ways_to_write_meet_long_ones(name: str, listed: str) -> None:
    kind = PERSON if "Polyarnik" in name else ORGANISATION
    assert alerts(name, entry(listed, kind))


def test_another_patronymic_lowers_and_a_missing_one_does_not() -> None:
    listed = prepare("SIDOROV, Ivan Petrovich", PERSON)
    assert compare_names(prepare("Ivan Sidorov", PERSON), listed).score >= REVIEW
    assert compare_names(prepare("Ivan Alekseevich Sidorov", PERSON), listed).score < REVIEW


@pytest.mark.parametrize(
    ("ours", "listed", "kind"),
    [
        ("John Shustrov III", "John Shustrov", PERSON), ("Md. Rahim Karimi", "Mohammad Rahim Karimi", PERSON),
        ("Adrian Star 2", "ADRIAN STAR II", VESSEL), ("So-called Zarya Optika", "Zarya Optika", ORGANISATION),
        ("Zarya Optika Intl", "Zarya Optika International", ORGANISATION),
        ("The World Lens Bank", "World Lens Bank", ORGANISATION),
        ("Plant No. 12 Zarya", "Plant XII Zarya", ORGANISATION),
    ],
)  # fmt: skip
def test_small_words_weigh_little(ours: str, listed: str, kind: str) -> None:
    assert compare_names(prepare(ours, kind), prepare(listed, kind)).score >= REVIEW


def test_another_ordinal_of_a_vessel_goes_to_review_with_the_reason() -> None:
    found = compare_names(prepare("ADRIAN STAR II", VESSEL), prepare("ADRIAN STAR 3", VESSEL))
    assert found.score == REVIEW
    assert "another number" in [term.what for term in found.terms]
    assert compare_names(prepare("Omega 3"), prepare("Omega 5")).score < REVIEW


@pytest.mark.parametrize(
    "text",
    [
        f"INN – {INN}", f"INN/KPP {INN}/771201001", f"{INN} (INN)", f"ИНН: {INN}", f"Moscow, {INN}", f"inn{INN}",
        f"Tax ID No. {INN} (Russia)", f"I.N.N. {INN}",
    ],
)  # fmt: skip
def test_a_number_is_read_with_its_label_or_without(text: str) -> None:
    assert [*in_text(text)] == [("ru-inn", INN)]


def test_several_numbers_in_one_field_are_read_and_other_digits_are_not() -> None:
    assert {*in_text(f"TIN: {INN}OGRN: {OGRN}")} == {("ru-inn", INN), ("ru-ogrn", OGRN)}
    for text in ("Phone +7 495 123 45 67", "Passport 4509123456", "Account 40702810900000001234", "INN 7712345672"):
        assert not [*in_text(text)], text
    assert unread("INN 7712345672")
    assert not unread(f"INN {INN}")


@pytest.mark.parametrize(
    ("written", "meets", "apart"),
    [
        ("1960 to 1965", ("1960-01-01", "1963", "1965-12-31"), "1971"), ("circa 1960", ("1959", "1961"), "1970"),
        ("Between 1959 and 1965", ("1962-02-03",), "1950"), ("1956-1957", ("1957-03-04",), "1980"),
        ("late 1950s", ("1958",), "1970"), ("3 мая 1970 г.", ("1970-05-03",), "1980"),
        ("before 1960", ("1930",), "1975"), ("12/25/1960", ("25.12.1960",), "1970"),
    ],
)  # fmt: skip
def test_dates_are_intervals_that_clash_only_when_apart(written: str, meets: tuple[str, ...], apart: str) -> None:
    assert [birth_factor(one, [written]) for one in meets] == [1.0] * len(meets)
    assert birth_factor(apart, [written]) == 0.8
    assert birth_factor(apart, [iso_date(written)]) == 0.8


@pytest.mark.parametrize("text", ["", "hello", "1960-13-01", "31.02.1960", "12", "1 Foo 1960"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@given(st.dates().filter(lambda day: 1850 <= day.year <= 2100))
def test_a_day_reads_as_itself_in_every_spelling(day: object) -> None:
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y", "%Y%m%d"):
        found = read_date(day.strftime(pattern))  # type: ignore[attr-defined]
        assert found is not None
        assert found.first == found.last == day
