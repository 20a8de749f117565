"""Words of names that say little: particles, titles, short forms, ordinals. In: words. Out: what they stand for.

Left out or written otherwise at will: "Md.", "III", "so-called", "No. 2". Legal forms are in ``legal_forms``, places in
``places``. Words are as ``scripts.latin`` spells them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_PARTICLES = """
al el ul ur ud uz bin ben ibn bint abu abou de del la le les los las ve van von der den the of and und et y e da do dos
du di for i w na so called soi disant zogenaamde zogenoemde sogenannte sogenannter sogenanntes nazyvaemaya nazyvaemyy
nazyvaemoe takzvana tzv takozvana
"""
_HONORIFICS = """
sheikh shaykh shaikh sayyid sayyed seyed syed haji hajji hajj mullah mulla maulavi mawlawi maulana ustad ustaz
ayatollah hojjatoleslam hujjat hon honorable honourable excellency highness
"""
_LINKS = "the and of et und y e en de la le du des del for i so called"
_TITLES = """
mr mrs ms miss dr prof sir dame herr frau mme mlle monsieur madame senor senora sr sra general gen col colonel maj capt
captain major lieutenant lt ltg brig brigadier adm admiral sgt sergeant cpl comandante commander cmdr eng engr ing dipl
president presidente prasident praesident prezident premier minister ministre ministro ministr chancellor kanzler
senator senador governor gouverneur gobernador ambassador deputy mag phd md mba esq ret retd rev fr pastor pan pani
gospodin gospozha
"""
_GENERATIONS = "jr sr junior senior jnr snr ii iii iv vii viii 2nd 3rd"
_MARKS_OF_VESSELS = "mv mt ms ss mts mtv ftv m/v m/t fv"
_NUMBER_WORDS = "no nr num number nomer no."
PARTICLES = frozenset(_PARTICLES.split()) | frozenset(_HONORIFICS.split())
TITLES, VESSEL_MARKS = frozenset(_TITLES.split()) - {"md"}, frozenset(_MARKS_OF_VESSELS.split())
SONS = frozenset({"bin", "ibn", "ben", "bint"})
"""Words between a name and that of the father."""
LINKS = frozenset(_LINKS.split())
"""Words that only link others, in names of firms."""
GENERATIONS, NUMBER_WORDS = frozenset(_GENERATIONS.split()), frozenset(_NUMBER_WORDS.split())
_SHORT_FORMS = """
intl international/int international/inter international/natl national/assn association/assoc association/bros brothers
mfg manufacturing/mfrs manufacturers/dept department/govt government/univ university/inst institute/mgmt management
svc services/svcs services/serv services/engg engineering/ind industries/inds industries/dev development
tech technology/techs technologies/techno technology/hldg holding/hldgs holdings/grp group/intl. international
ent enterprises/entpr enterprises/corp corporation/equip equipment/elec electronics/pharma pharmaceutical
constr construction/invt investment/inv investment/prod production/prods products/transp transport/logist logistics
"""
OF_FIRMS: Mapping[str, str] = MappingProxyType(
    dict(pair.split() for line in _SHORT_FORMS.strip().splitlines() for pair in line.split("/"))
)
"""Short forms in names of firms, with what they stand for."""
_SHORT_NAMES = """
md muhammad/mhd muhammad/muhd muhammad/mohd muhammad/wm william/chas charles/geo george/jas james/thos thomas
jos joseph/edw edward/robt robert/saml samuel/benj benjamin/fco francisco/fdo fernando/hdez hernandez/gmo guillermo
rdz rodriguez/mtz martinez/glez gonzalez/ant antonio/st saint
"""
OF_PERSONS: Mapping[str, str] = MappingProxyType(
    dict(pair.split() for line in _SHORT_NAMES.strip().splitlines() for pair in line.split("/"))
)
"""Short forms in names of persons, with what they stand for."""
_NUMERALS = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_ROMAN = MappingProxyType({numeral: str(number) for number, numeral in enumerate(_NUMERALS.split(), 1)})
_ORDINALS = MappingProxyType({"1st": "1", "2nd": "2", "3rd": "3", **{f"{n}th": str(n) for n in range(4, 31)}})


_SHORT_STATES = (
    (re.compile(r"\bU\.?\s?S\.?\s?A\b\.?"), "United States of America"),
    (re.compile(r"\bU\.\s?S\.|\bUS\b"), "United States"),
    (re.compile(r"\bU\.\s?K\.|\bUK\b"), "United Kingdom"), (re.compile(r"\bU\.?A\.?E\b\.?"), "United Arab Emirates"),
    (re.compile(r"\bD\.?P\.?R\.?K\b\.?"), "Democratic People's Republic of Korea"),
)  # fmt: skip
_UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBERS = {word: number for number, word in enumerate(_UNITS, 1)} | {word: 10 * at for at, word in enumerate(_TENS, 2)}
_IN_WORDS = re.compile(
    rf"\b(?:({'|'.join(_TENS)})[\s-]+(?:({'|'.join(_UNITS[:9])})|([1-9]))|({'|'.join(_UNITS + _TENS)}))\b",
    re.IGNORECASE,
)


def spelled_out(text: str) -> str:
    """A firm's name with short names of states in full, and numbers in words as digits: Forty-Four is 44."""
    for pattern, full in _SHORT_STATES:
        text = pattern.sub(full, text)
    return _IN_WORDS.sub(_digits, text)


def _digits(found: re.Match[str]) -> str:
    tens, unit, digit, alone = (group.lower() if group else "" for group in found.groups())
    return str(_NUMBERS[alone] if alone else _NUMBERS[tens] + (_NUMBERS[unit] if unit else int(digit)))


def arabic(words: Sequence[str]) -> list[str]:
    """Write ordinals of firms and vessels with digits: ``star ii`` and ``star 2`` are one name.

    The first word is never an ordinal; letters that are numerals only where they end the name.
    """
    found = []
    for at, word in enumerate(words):
        is_numeral = at > 0 and word in _ROMAN and (len(word) > 1 or at == len(words) - 1)
        found.append(_ROMAN[word] if is_numeral else _ORDINALS.get(word, word))
    return found
