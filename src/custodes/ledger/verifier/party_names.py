"""Under which names a party stands in the party map: its numbers in registers, and fingerprints of what it is called.

In: a name as anybody writes it, or an identifier. Out: the one canonical name of its place. Spellings of one name that
differ only in how Cyrillic letters, umlauts, accents or doubled letters are written, in the order of words or in the
legal form, have one fingerprint. A firm also stands under the fingerprint of its name without places and general words
behind it, and under the sounds of that name, without vowels and without gaps: VisionLabs, Vision Labs, ВижнЛабс and
VisionLabs Nederland B.V. meet. Others may have them too: these find, they do not identify.
The rules are version 1 and never change, because places of old entries depend on them; all tables are here.
"""

# ruff: noqa: RUF001 - letters of many alphabets are what this is about
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

SCHEME = "namefp"
SOUND_SCHEME = "namesound"
MAX_LENGTH = 400
_MAX_WORDS = 24

# How letters that have no decomposition are written; Cyrillic as in English.
_WRITTEN = """
а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ы э ю я і ї є ґ ў ј љ њ ћ ђ џ æ ø œ ł đ ð þ ı
"""
_READ = """
a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch y e iu ia i i e g u i li ni ch dj dz ae o oe l d d th i
"""
_LETTERS: Mapping[int, str] = MappingProxyType(
    dict(zip(map(ord, _WRITTEN.split()), _READ.split(), strict=True)) | {ord("ъ"): "", ord("ь"): ""}
)
_UMLAUTS: Mapping[int, str] = MappingProxyType({ord("ä"): "a", ord("ö"): "o", ord("ü"): "u"})
# Spellings of one sound, longest first; applied until nothing changes.
_FOLDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"schtsch|chtch|shch|tsch|tch|sch|sh|ch|kh|cz|dj", "h"),
        (r"zh", "z"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"ck|q", "k"),
        (r"x", "ks"),
        (r"tz|ts|c(?=[eiy])", "z"),
        (r"c", "k"),
        (r"w", "v"),
        (r"ou|ue", "u"),
        (r"oe", "o"),
        (r"ae", "a"),
        (r"[yj]", "i"),
        (r"i(?=[aeou])", ""),
        (r"(.)\1", r"\1"),
    )
)
# Legal forms, as they stand after letters are read.
_FORMS = """
bv nv vof cv ltd limited llc llp lp inc incorporated corp corporation co company plc gmbh ag kg ug se sa sas sarl srl
spa oy oyj ab as asa aps sp zoo ooo oao pao zao ao ip fgup gup nao pte pty bhd sdn jsc pjsc ojsc cjsc dmcc fze fzco fzc
ltda eood ood ead doo dd kft zrt tov the and und et
obshchestvo ogranichennoi otvetstvennostiu aktsionernoe publichnoe zakrytoe otkrytoe s
"""
# What stands behind the name of a firm and says nothing about whose it is.
_TAIL_WORDS = """
holding holdings group trading trade international intl global world technologies technology tech software solutions
systems services service industries enterprises ventures capital invest investment investments management consulting
europe europa european nederland netherlands dutch holland benelux deutschland germany france belgium belgie uk usa eu
nl de be fr cy ae ru cyprus emirates dubai amsterdam rotterdam london berlin paris moscow russia rossiia ukraine asia
africa america americas emea middle east north south west central
"""
_TAILS = frozenset(_TAIL_WORDS.split())
# How a word sounds without vowels; all hissing and hushing sounds are one.
_SHORTEST_SOUND = 5
_SOUNDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"(?:ss?|t|c)ion", "sn"),
        (r"igh", "i"),
        (r"schtsch|chtch|shch|tsch|dzh|sch|tch|sh|zh|ch|dj|j", "s"),
        (r"g(?=[eiy])", "s"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"ck|q|c(?![eiy])", "k"),
        (r"x", "ks"),
        (r"ts|tz|c|z", "s"),
        (r"[aeiouwy]", ""),
        (r"(.)\1+", r"\1"),
    )
)
_DOTTED = re.compile(r"(?<=\b\w)[./](?=\w\b)|(?<=\b\w)\.(?!\w)")


def fingerprint(name: str) -> str:
    """Words of ``name`` as they sound, each once and in order of the alphabet, joined by hyphens; empty for no words.

    Letters of alphabets other than Latin and Cyrillic stay what they are.
    """
    return _fingerprint(name[:MAX_LENGTH])


def _fingerprint(name: str) -> str:
    words = {_folded(word) for word in _words(name)}
    return "-".join(sorted(words - _FOLDED_FORMS or words))


def _words(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", name).casefold()
    text = _DOTTED.sub("", text).replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    text = text.translate(_LETTERS).translate(_UMLAUTS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", text)[:_MAX_WORDS]


def name_key(name: str) -> str | None:
    """The place of a name: ``namefp:`` and its fingerprint; None when it has no words."""
    found = fingerprint(name)
    return f"{SCHEME}:{found}" if found else None


def name_keys(name: str) -> tuple[str, ...]:
    """All places of a name that may be a firm's: as written, without its tail, and by its sound; none without words."""
    words = _words(name[:MAX_LENGTH])
    told = [word for word in words if word not in _TAILS and _folded(word) not in _FOLDED_FORMS] or words
    sound = _sound("".join(told))
    found = [name_key(name), name_key(" ".join(told)), f"{SOUND_SCHEME}:{sound}" if sound else None]
    return tuple(dict.fromkeys(key for key in found if key is not None))


def is_sound(value: str) -> bool:
    """Whether ``value`` is one that ``name_keys`` gives for the sound of some name."""
    return re.fullmatch(f"[b-df-hj-np-tvxz0-9]{{{_SHORTEST_SOUND},{MAX_LENGTH}}}", value) is not None


def identifier_key(scheme: str, value: str, known: Iterable[str]) -> str | None:
    """The place of a number in a register: ``lei:...`` where the scheme is among ``known``, else ``id:scheme/...``.

    None when either has characters that no identifier has.
    """
    plain = re.sub(r"[\s.-]", "", value).upper() if scheme != "domain" else value.strip().lower()
    scheme = scheme.strip().lower()
    if scheme in known:
        return f"{scheme}:{plain}"
    if re.fullmatch(r"[a-z0-9-]{1,24}", scheme) and re.fullmatch(r"[0-9A-Z/_]{1,64}", plain):
        return f"id:{scheme}/{plain}"
    return None


def is_fingerprint(value: str) -> bool:
    """Whether ``value`` is what ``fingerprint`` gives for some name, and so the one way to write it."""
    # Compatibility forms are written out, at most eighteen letters for one.
    return 0 < len(value) <= 20 * MAX_LENGTH and _fingerprint(value.replace("-", " ")) == value


def _folded(word: str) -> str:
    if not re.search(r"[a-z]", word):
        return word
    while True:
        before = word
        for pattern, put in _FOLDS:
            word = pattern.sub(put, word)
        if word == before:
            return word


def _sound(word: str) -> str:
    if not re.fullmatch("[a-z0-9]+", word):
        return ""
    for pattern, put in _SOUNDS:
        word = pattern.sub(put, word)
    return word if len(word) >= _SHORTEST_SOUND else ""


_FOLDED_FORMS = frozenset(_folded(word) for word in _FORMS.split())
