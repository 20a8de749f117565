"""What screening is asked in practice: tails of front companies, numbers in prose, ranges of birth, ordinary firms.

In: nothing, or a listed name and a random generator. Out: cases with the right answer. Knows nothing of the product.
Numbers are made up, with check digits that hold; no firm below is listed in the lists measured with.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Mapping

TAILS: tuple[str, ...] = (
    "{} Nederland B.V.", "{} Europe B.V.", "{} Benelux N.V.", "{} Holding", "{} Trading", "{} International Ltd",
    "{} Technologies GmbH", "{} (NL)",
)  # fmt: skip
"""What a front company puts behind the name of the firm it stands for."""
MORE_TAILS: tuple[str, ...] = (
    "{} Amsterdam B.V.", "{} Deutschland GmbH", "{} Group Holding B.V.", "{} Software Solutions Europe B.V.",
    "{} UK Limited", "{} (Cyprus) Ltd", "{} Middle East FZE", "{} Trading International Nederland B.V.",
)  # fmt: skip
"""Siblings that nobody looked at while the tables were made."""

INN, INN2, OGRN, KPP, LEI, IMO = "7712345671", "5012345678", "1157746123454", "771201001", "", "9074729"
INN_OF_PERSON = "500100732259"


def _with_inn_digit(nine: str) -> str:
    total = sum(int(d) * w for d, w in zip(nine, (2, 4, 10, 3, 5, 9, 4, 6, 8), strict=True))
    return nine + str(total % 11 % 10)


def _with_ogrn_digit(twelve: str) -> str:
    return twelve + str(int(twelve) % 11 % 10)


INN, INN2, OGRN = _with_inn_digit("771234567"), _with_inn_digit("501234567"), _with_ogrn_digit("115774612345")
EDRPOU, SIREN, KVK, UNP = "14360570", "732829320", "12345678", "100059271"


def numbers() -> list[tuple[str, set[tuple[str, str]]]]:
    """Thirty ways in which lists write numbers, and what each holds."""
    inn, ogrn = ("ru-inn", INN), ("ru-ogrn", OGRN)
    return [
        (f"INN {INN}", {inn}), (f"INN: {INN}", {inn}), (f"INN – {INN}", {inn}), (f"INN — {INN}", {inn}),
        (f"INN‑{INN}", {inn}), (f"INN №{INN}", {inn}), (f"INN/KPP {INN}/{KPP}", {inn}),
        (f"INN/KPP: {INN} / {KPP}", {inn}), (f"{INN} (INN)", {inn}), (f"{OGRN} (OGRN)", {ogrn}),
        (f"TIN: {INN}OGRN: {OGRN}", {inn, ogrn}), (f"TIN: {INN}; OGRN: {OGRN}", {inn, ogrn}),
        (f"ИНН {INN}", {inn}), (f"ИНН: {INN}, ОГРН: {OGRN}", {inn, ogrn}), (f"ОГРН – {OGRN}", {ogrn}),
        (f"Tax ID No. {INN} (Russia)", {inn}), (f"Taxpayer identification number: {INN} (Russian Federation)", {inn}),
        (f"Registration number: {OGRN}", {ogrn}), (f"State registration number (OGRN) {OGRN}", {ogrn}),
        (f"Primary State Registration Number {OGRN}, tax number {INN}", {inn, ogrn}),
        (f"Reg. no. {OGRN[:1]} {OGRN[1:3]} {OGRN[3:5]} {OGRN[5:12]} {OGRN[12:]}", {ogrn}),
        (f"Established in Moscow. {OGRN}.", {ogrn}), (f"Moscow, {INN}, private company", {inn}),
        (f"inn{INN}", {inn}), (f"I.N.N. {INN}", {inn}), (f"INN {INN}, {INN2}", {inn, ("ru-inn", INN2)}),
        (f"IMO number: {IMO}", {("imo", IMO)}), (f"EDRPOU code {EDRPOU}", {("ua-edrpou", EDRPOU)}),
        (f"Код ЄДРПОУ – {EDRPOU}", {("ua-edrpou", EDRPOU)}),
        (f"Personal INN: {INN_OF_PERSON}", {("ru-inn", INN_OF_PERSON)}),
    ]  # fmt: skip


NO_NUMBERS: tuple[str, ...] = (
    "Phone +7 495 123 45 67, fax 84951234568", "Passport 4509123456 issued 12.03.2009",
    "Born 01.02.1960, P.O. Box 1157746",
    "Executive Order 13661, section 1(a)(ii)(C)(2)", "INN not known; OGRN pending", "Account 40702810900000001234",
)  # fmt: skip
"""Digits that are no register's."""

BIRTHS: tuple[tuple[str, str, bool], ...] = (
    ("1960 to 1965", "1963", True), ("1960 to 1965", "1960-01-01", True), ("1960 to 1965", "1965-12-31", True),
    ("1960 to 1965", "1971", False), ("circa 1960", "1960-05-05", True), ("circa 1960", "1961", True),
    ("circa 1960", "1959-11-30", True), ("circa 1960", "1970", False), ("Between 1959 and 1965", "1962-02-03", True),
    ("Between 1959 and 1965", "1950", False), ("1956-1957", "1957-03-04", True), ("c. 1971", "1971", True),
    ("approximately 1980", "1981-01-01", True), ("01 Jan 1960 to 31 Dec 1961", "1961-06-01", True),
    ("Late 1950s", "1958", True), ("1970s", "1975-05-05", True), ("1970s", "1985", False), ("after 1960", "1975", True),
    ("before 1960", "1950", True), ("1962 or 1963", "1963-01-01", True),
)  # fmt: skip
"""What a list says, a customer's birth, and whether the two can be one."""

ORDINARY: tuple[str, ...] = (
    "Bakkerij de Vries B.V.", "Omega Dental Care B.V.", "Atlas Fietsen Utrecht", "Orion Interieurbouw",
    "Star Clean B.V.",
    "Zonnepanelen Noord B.V.", "Van Dijk Transport", "Café Central Amsterdam", "Kapsalon Mooi", "Hotel Bellevue GmbH",
    "Müller Elektrotechnik GmbH", "Autohaus Schmidt & Söhne", "Praxis Dr. Weber", "Nordlicht Software GmbH",
    "Delta Plumbing Ltd", "Phoenix Garden Services", "Riverside Nursery School", "Blue Harbour Restaurants plc",
    "Highland Wool Company", "Greenfield Veterinary Practice", "Summit Accounting LLP", "Oakwood Furniture Inc.",
    "Sunrise Bakery LLC", "Liberty Print Shop", "Pacific Rim Surfboards", "Golden Gate Pharmacy",
    "Cedar Rapids Roofing",
    "Boulangerie Martin SARL", "Garage du Lac SA", "Librairie Voltaire", "Pharmacie de la Gare", "Fromagerie Dupont",
    "Panadería López S.L.", "Clínica Dental Sonrisa", "Talleres García Hermanos", "Viñedos del Sur S.A.",
    "Trattoria da Mario S.r.l.", "Officina Rossi", "Pasticceria Bella Napoli", "Studio Legale Conti",
    "Piekarnia Kowalski Sp. z o.o.", "Studio Fryzur Anna", "Ateljé Lindström AB", "Kaffebaren i Oslo AS",
    "Helsinki Design Works Oy", "Lisbon Walking Tours Lda", "Athens Olive Oil Imports", "Dublin City Cycles",
    "Horizon Language School", "Vega Yoga Studio",
)  # fmt: skip
"""Fifty firms that nobody lists, the names of stars and letters among them."""


TRADES: tuple[str, ...] = (
    "Bakery", "Roofing", "Fietsen", "Interieurbouw", "Dental Care", "Surfboards", "Pharmacy", "Orchard", "Kapsalon",
    "Garden", "Plumbing", "Nursery", "Accounting", "Print", "Piekarnia", "Cleaning", "Heating", "Elektro", "Papier",
)  # fmt: skip


def join(name: str, rng: random.Random, size: int = 2) -> str:
    """``size`` neighbouring words of ``name`` written as one; the name itself where it has fewer."""
    words = name.split()
    if len(words) < size:
        return name
    at = rng.randrange(len(words) - size + 1)
    return " ".join([*words[:at], "".join(words[at : at + size]), *words[at + size :]])


def split(name: str, rng: random.Random) -> str:
    """One word of six letters or more cut in two parts of at least three."""
    words = name.split()
    long = [at for at, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return name
    at = rng.choice(long)
    cut = rng.randrange(3, len(words[at]) - 2)
    return " ".join([*words[:at], words[at][:cut], words[at][cut:], *words[at + 1 :]])


def pieces(name: str, size: int) -> str:
    """The words of ``name`` cut in pieces of ``size`` letters."""
    return re.sub(rf"[^\W\d_]{{{size}}}(?=[^\W\d_]{{2}})", r"\g<0> ", name)


def spaced(name: str) -> str:
    """All letters of ``name`` set apart, whatever was between its words."""
    return " ".join(name.replace(" ", ""))


CUT: Mapping[str, Callable[[str], str]] = {
    "cut in pieces of two letters": lambda name: pieces(name, 2),
    "cut in pieces of three letters": lambda name: pieces(name, 3),
    "letters set apart": spaced,
}
"""How a name is kept from being found by its words."""


def slip(name: str, rng: random.Random) -> str:
    """One letter replaced, dropped, added or swapped with the next."""
    letters = [at for at, letter in enumerate(name) if letter.isalpha()]
    if not letters:
        return name
    at = rng.choice(letters)
    letter, after = rng.choice(string.ascii_uppercase), name[at + 1 :]
    swapped = after[:1] + name[at] + after[1:] if after[:1].isalpha() else after
    return name[:at] + rng.choice([letter + after, after, name[at] + letter + after, swapped])


def said(name: str) -> str:
    """A person's ``SURNAME, Given`` in the order in which it is said."""
    surname, _, given = name.partition(", ")
    return f"{given} {surname}".strip()


EDITS: Mapping[str, Callable[[str, random.Random], str]] = {
    "two words joined": join,
    "three words joined": lambda name, rng: join(name, rng, 3),
    "one word split": split,
    "one slip": slip,
    "two slips": lambda name, rng: slip(slip(name, rng), rng),
    "two words joined and a slip": lambda name, rng: slip(join(name, rng), rng),
    "one word split and a slip": lambda name, rng: slip(split(name, rng), rng),
}


def two_surnames(name: str) -> str:
    """``Hector Lozano`` of ``LOZANO PRADO, Hector``: given name and first surname; empty for another shape."""
    found = re.fullmatch(r"([^\W\d_]{3,}) ([^\W\d_]{3,}), ([^\W\d_]{3,})(?: [^\W\d_]+)*", name)
    return f"{found[3]} {found[1]}" if found else ""


def two_given_names(name: str) -> str:
    """``Maria Lopez`` of ``LOPEZ, Maria Elena``: first given name and surname; empty for another shape."""
    found = re.fullmatch(r"([^\W\d_]{3,}), ([^\W\d_]{3,}) ([^\W\d_]{3,})", name)
    return f"{found[2]} {found[1]}" if found else ""
