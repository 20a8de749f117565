"""Every list format on a small fictitious file that is true to its schema, and on files that are broken or hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.errors import InvalidParameterError
from custodes.screening.entities import ListedName, ListEntry
from custodes.screening.lists import files
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.read import FORMATS, read_list
from custodes.screening.names.identifiers import REGISTERS, is_sound, labelled
from custodes.screening.words.countries import country_code

FILES = Path(__file__).parent / "lists"
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "sanctions"
FULL, CYRILLIC, MISHA = "Mikhail Ivanovich VYMYSLOV", "Михаил Иванович", "Misha"


def read(name: str, form: str) -> dict[str, ListEntry]:
    return {entry.uid: entry for entry in read_list(FILES / name, form)}


@pytest.mark.parametrize("name", ["uk.xml", "uk.csv"])
def test_the_uk_list(name: str) -> None:
    entries = read(name, "uk")
    person = entries["RUS9001"]
    weak = ListedName("Michail VYMYSLOV", weak=True)
    assert person.names == (ListedName(FULL), weak, ListedName(f"{CYRILLIC} Вымыслов"))
    assert (person.kind, set(person.births), person.countries) == ("person", {"1961", "1961-05-03"}, ("russia",))
    firm = entries["RUS9002"]
    assert (firm.kind, firm.identifiers) == ("organisation", (("gb-coh", "09999999"), ("ru-inn", "7700000009")))
    assert (entries["RUS9003"].kind, entries["RUS9003"].identifiers) == ("vessel", (("imo", "9074729"),))
    assert len(entries) == 3


@pytest.mark.parametrize("name", ["eu.xml", "eu.csv"])
def test_the_eu_list(name: str) -> None:
    entries = read(name, "eu")
    person = entries["9001"]
    assert person.names == (ListedName(FULL), ListedName(f"{CYRILLIC} ВЫМЫСЛОВ"), ListedName(MISHA, weak=True))
    assert (person.kind, person.births, person.countries) == ("person", ("1961-05-03", "1962"), ("ru",))
    assert (person.identifiers, person.programmes) == ((("ru-inn", "770000000082"),), ("UKR",))
    firm = entries["9002"]
    assert (firm.kind, firm.countries, firm.programmes) == ("organisation", ("by",), ("BLR",))
    assert firm.identifiers == (("lei", "52990000FICTIVE00061"), ("ru-ogrn", "1027700000008"))


def test_tables_of_the_official_journal() -> None:
    notes = ReadingNotes()
    person, firm, ship = read_list(FILES / "journal.csv", "eu-journal", notes)
    assert [name.text for name in person.names] == [
        FULL, "Michail WYMYSLOW", f"{CYRILLIC} Вымыслов", "Mykhailo VYMYSLOV", MISHA
    ]  # fmt: skip
    assert (person.births, person.programmes) == (("1961-05-03", "1962-06-04"), ("EU-FIC", "EU-FIC2"))
    assert person.identifiers == (("ru-inn", "770000000082"),)
    assert [name.text for name in firm.names] == [
        "Vymysel Trading JSC (ROSVYMYSEL)", "Vymysel; Trade", "VT", "Old Vymysel"
    ]  # fmt: skip
    assert firm.identifiers == (("ru-inn", "7700000009"), ("ru-ogrn", "1027700000008"))
    assert firm.addresses == ("1 Fictive Street, Moscow",)
    assert (ship.kind, ship.identifiers, ship.countries) == ("vessel", (("imo", "9074729"),), ("panama",))


@pytest.mark.parametrize(
    ("name", "form", "uid"),
    [("uk.xml", "uk", "RUS9002"), ("house.csv", "csv", ""), ("ofac_advanced.xml", "ofac-xml", "90002")],
)
def test_fields_with_numbers_that_cannot_be_read_are_counted_and_shown(
    name: str, form: str, uid: str, tmp_path: Path
) -> None:
    changed = tmp_path / name
    text = (FILES / name).read_text(encoding="utf-8")
    changed.write_text(text.replace("7700000009", "7700000001"), encoding="utf-8")
    before, notes = ReadingNotes(), ReadingNotes()
    list(read_list(FILES / name, form, before))
    list(read_list(changed, form, notes))
    assert notes.unread - before.unread == (1 if uid else 0), "a house list says of what kind its numbers are"
    assert not uid or any("7700000001" in one.text for one in notes.fields)


def test_a_list_without_its_companion_files_says_what_is_missing(tmp_path: Path) -> None:
    whole, notes = ReadingNotes(), ReadingNotes()
    list(read_list(FILES / "ofac", "ofac-csv", whole))
    assert whole.missing == []
    (tmp_path / "sdn.csv").write_bytes((FILES / "ofac" / "sdn.csv").read_bytes())
    assert list(read_list(tmp_path, "ofac-csv", notes))
    assert notes.missing == ["alt.csv: entries have no aliases", "add.csv: entries have no addresses"]
    alone = ReadingNotes()
    list(read_list(tmp_path / "sdn.csv", "ofac-csv", alone))
    assert alone.missing == notes.missing


def test_ofacs_advanced_xml() -> None:
    entries = read("ofac_advanced.xml", "ofac-xml")
    person, firm, ship = (entries[uid] for uid in ("90001", "90002", "90003"))
    assert person.names == (ListedName(FULL), ListedName(MISHA, weak=True))
    assert (person.kind, person.births, person.countries) == ("person", ("1961-05-03", "1962"), ("ru",))
    assert (firm.kind, firm.countries, firm.programmes) == ("organisation", ("cy",), ("RUSSIA-EO14024",))
    assert firm.identifiers == (("ru-inn", "7700000009"),), "an OGRN with a wrong check digit is no identifier"
    assert (ship.kind, ship.identifiers) == ("vessel", (("imo", "9074729"),))


def test_ofacs_sdn_xml_and_csv_say_the_same() -> None:
    simple, rows = read("ofac_sdn.xml", "ofac-xml")["90001"], read("ofac", "ofac-csv")
    assert simple.names == (ListedName(FULL), ListedName(MISHA, weak=True))
    listed = rows["90001"]
    names = (ListedName("VYMYSLOV, Mikhail Ivanovich"), ListedName("VYMYSLOFF, Michel"), ListedName("MISHA", weak=True))
    assert (listed.names, listed.programmes) == (names, ("RUSSIA-EO14024", "CYBER2"))
    for entry in (simple, listed):
        assert (entry.kind, entry.births, entry.countries) == ("person", ("1961-05-03",), ("russia",))
        assert entry.identifiers == (("ru-inn", "770000000082"),)
    assert rows["90002"].identifiers == (("lei", "52990000FICTIVE00061"), ("ru-inn", "7700000009"))
    assert (rows["90003"].kind, rows["90003"].identifiers) == ("vessel", (("imo", "9074729"),))


def test_the_un_list_followthemoney_and_house_lists() -> None:
    un = read("un.xml", "un")
    assert [name.text for name in un["90001"].names] == ["MIKHAIL IVANOVICH VYMYSLOV", f"{CYRILLIC} Вымыслов", MISHA]
    assert (un["90001"].births, un["90002"].kind) == (("1961-05-03",), "organisation")
    ftm = read("ftm.json", "ftm")
    assert list(ftm) == ["NK-fictive-1", "NK-fictive-2"]
    assert ftm["NK-fictive-1"].identifiers == (("ru-inn", "770000000082"),)
    assert ftm["NK-fictive-2"].identifiers == (("gb-coh", "09999999"),)
    house = read("house.csv", "csv")
    assert [name.text for name in house["H1"].names] == ["Vymysel Trading Limited", "Vymysel Ltd", "VTL Fiction"]
    assert (house["H2"].kind, house["H2"].births) == ("person", ("1961-05-03",))


ALL = [
    ("uk.xml", "uk"), ("uk.csv", "uk"), ("eu.xml", "eu"), ("eu.csv", "eu"), ("ofac_advanced.xml", "ofac-xml"),
    ("ofac_sdn.xml", "ofac-xml"), ("un.xml", "un"), ("ftm.json", "ftm"), ("house.csv", "csv"),
    ("opensanctions.csv", "opensanctions"), ("journal.csv", "eu-journal"),
    ("ofac/sdn.csv", "ofac-csv"),
]  # fmt: skip


def test_every_format_has_a_file() -> None:
    assert {form for _, form in ALL} == set(FORMATS)


@pytest.mark.parametrize(("name", "form"), ALL)
def test_a_file_cut_short_is_refused_or_lacks_whole_entries_only(tmp_path: Path, name: str, form: str) -> None:
    whole = {entry.uid: entry for entry in read_list(FILES / name, form)} if "/" not in name else {}
    data = (FILES / name).read_bytes()
    for size in range(20, len(data) - 40, max(1, len(data) // 40)):
        (tmp_path / "cut").write_bytes(data[:size])
        try:
            found = list(read_list(tmp_path / "cut", form))
        except InvalidParameterError:
            continue
        assert not name.endswith(".xml"), "XML ends with its root, so a cut always shows"
        assert all(entry.uid in whole or not whole for entry in found)


@pytest.mark.parametrize(("name", "form"), ALL)
def test_a_broken_encoding_is_refused(tmp_path: Path, name: str, form: str) -> None:
    data = (FILES / name).read_bytes()
    (tmp_path / "broken").write_bytes(data[: len(data) // 2] + b"\x81\x00\xff\xfe" + data[len(data) // 2 :])
    with pytest.raises(InvalidParameterError):
        list(read_list(tmp_path / "broken", form))


@pytest.mark.parametrize("form", sorted(FORMATS))
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused_with_a_reason_and_nothing_else(
    form: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("noise") / "list"
    path.write_bytes(data)
    try:
        assert isinstance(list(read_list(path, form)), list)
    except InvalidParameterError as error:
        assert str(error)


@pytest.mark.parametrize("form", ["uk", "un", "eu", "ofac-xml"])
def test_entity_bombs_and_truncated_lists_are_refused(tmp_path: Path, form: str) -> None:
    bomb = tmp_path / "list.xml"
    bomb.write_text('<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>')
    with pytest.raises(InvalidParameterError, match="document type"):
        list(read_list(bomb, form))
    bomb.write_text("<Designations><Designation>")
    with pytest.raises(InvalidParameterError, match="truncated"):
        list(read_list(bomb, form))
    bomb.write_text("<a>" * 100 + "</a>" * 100)
    with pytest.raises(InvalidParameterError, match="deeper"):
        list(read_list(bomb, form))


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for name, form in (("big.xml", "un"), ("big.csv", "csv")):
        with (tmp_path / name).open("wb") as file:
            file.write(b"<a>" if form == "un" else b"uid,name\n")
            file.truncate(files.MAX_BYTES + 1)
        with pytest.raises(InvalidParameterError, match="larger"):
            list(read_list(tmp_path / name, form))


@pytest.mark.parametrize(
    ("kind", "number"),
    [("ru-inn", "7707083893"), ("ru-ogrn", "1027700132195"), ("lei", "5493001KJTIIGC8Y1R12"), ("imo", "9074729"),
     ("fr-siren", "552100554"), ("be-kbo", "0403170701"), ("ua-edrpou", "14360570"), ("by-unp", "100582333")],
)  # fmt: skip
def test_check_digits_of_published_numbers_hold_and_one_wrong_digit_shows(kind: str, number: str) -> None:
    assert is_sound(kind, number)
    for at in range(len(number) - 1):
        wrong = number[:at] + ("1" if number[at] == "0" else "0") + number[at + 1 :]
        if kind not in ("ru-ogrn", "be-kbo"):  # plain remainders miss a few
            assert not is_sound(kind, wrong)


def test_placeholders_are_not_sound() -> None:
    assert not any(is_sound(kind, "0" * size) for kind in REGISTERS for size in range(1, 21))
    assert labelled("Registration Number", "ru", "0000000000000") is None
    assert labelled("regnumber", "nl", "12.345.678") == ("nl-kvk", "12345678")


def test_countries_by_name_and_code() -> None:
    written = ("Russia", "RUSSIAN FEDERATION", "ru", "Korea, North", "Nowhere")
    assert [country_code(text) for text in written] == ["ru", "ru", "ru", "kp", ""]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "form", "least", "identified"),
    [("ofac-2022-01-31", "ofac-csv", 9000, 200), ("ofac-2023-01-21", "ofac-csv", 11000, 800),
     ("un/UN_consolidated.xml", "un", 700, 0)],
)  # fmt: skip
def test_published_lists_are_read_whole(name: str, form: str, least: int, identified: int) -> None:
    if not (REAL / name).exists():
        pytest.skip("no published lists beside the repository")
    entries = list(read_list(REAL / name, form))
    assert len(entries) > least
    assert all(entry.names and entry.names[0].text for entry in entries)
    assert sum(bool(entry.identifiers) for entry in entries) >= identified


def test_the_simple_table_of_opensanctions() -> None:
    entries = read("opensanctions.csv", "opensanctions")
    person, firm = entries["NK-1"], entries["NK-2"]
    assert [name.text for name in person.names] == ["Mikhail Vymyslov", "Misha; the Fiction", "Михаил Вымыслов"]
    assert (person.births, person.countries, person.kind) == (("1961-05-03",), ("ru",), "person")
    assert firm.identifiers == (("ru-inn", "7700000009"),)
    assert firm.addresses == ("12 Vymysel Lane, Optika, Moscow",)
    assert set(entries) == {"NK-1", "NK-2"}, "an address is no party"


def test_a_birth_of_a_house_list_that_is_no_date_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    path.write_text("uid,kind,name,birth\n1,person,Mikhail Vymyslov,sometime\n")
    with pytest.raises(InvalidParameterError, match="no date"):
        list(read_list(path, "csv"))
