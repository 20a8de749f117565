"""Names made comparable: any script to tokens, spellings of one sound to one form.

In: a name as written. Out: tokens, each with its folded forms. ``rigour`` transliterates and knows legal forms and
titles; the folding here joins what English, German, French and Ukrainian make of one Russian sound
(Chodorkowski, Khodorkovsky; Poutine, Putin). It compares nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rigour.names import remove_obj_prefixes, remove_org_types, remove_person_prefixes
from rigour.text.translit import ascii_text

from custodes.governance.screening.entities import ORGANISATION, PERSON, VESSEL

LONGEST = 400
_MOST_TOKENS = 24
PARTICLES = frozenset(
    [
        "al",
        "el",
        "bin",
        "ben",
        "ibn",
        "bint",
        "abu",
        "de",
        "la",
        "le",
        "van",
        "von",
        "der",
        "den",
        "the",
        "of",
        "and",
        "und",
        "et",
        "y",
        "da",
        "do",
        "dos",
        "di",
    ]
)
# "C" stands for every hushing sound: ch, sh, zh and shch are each spelled with the letters of another elsewhere.
_FOLDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"schtsch|chtch|shch|szcz|tsch|dsch|dzh|sch|tch|sh|zh|cz|sz|ch|dj", "C"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"(?<=[eo])(?:ff?|w)$", "v"),
        (r"w", "v"),
        (r"gu(?=[ei])", "g"),
        (r"ck|q|c(?![eiyC])", "k"),
        (r"x", "ks"),
        (r"ts|tz|c|z", "s"),
        (r"(?:iou|you|ou|oo|yu|iu|ju)", "u"),
        (r"(?:[yji]+)(?=[aeo])", ""),
        (r"ine$", "in"),
        (r"ee", "i"),
        (r"[yj]", "i"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[aeou])i$", ""),
        (r"(?<=sk)a?i$", "i"),
    )
)
# Ukrainian and Russian forms of one given name, in folded spelling.
_GIVEN = {
    "volodimir": "vladimir", "oleksandr": "aleksandr", "aleksander": "aleksandr", "alexander": "aleksandr",
    "serhi": "serge", "sergi": "serge", "mikola": "nikola", "dmitro": "dmitri", "mihailo": "mihail", "evhen": "evgeni",
    "evgen": "evgeni", "petro": "potr", "petr": "potr", "pitr": "potr", "ihor": "igor", "andri": "andre",
    "oleksi": "alekse", "aleksi": "alekse", "pavlo": "pavel", "hanna": "anna", "olena": "elena",
    "kateryna": "ekaterina",
    "katerina": "ekaterina", "nataliia": "natala", "mikita": "nikita", "hrihori": "grigori", "heorhi": "georgi",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NameToken:
    """One word: ``plain`` in lower-case ASCII, ``forms`` folded (more than one where a spelling is ambiguous)."""

    plain: str
    forms: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class PreparedName:
    """A name ready to be compared: its text, its kind of party, its words."""

    text: str
    kind: str
    tokens: tuple[NameToken, ...]


def prepare(text: str, kind: str = ORGANISATION) -> PreparedName:
    """Split and fold ``text`` (cut at 400 characters, 24 words); an unreadable name has no tokens."""
    text = " ".join(text[:LONGEST].split())
    bare = text.lower()
    if kind == PERSON:
        bare = remove_person_prefixes(bare)
    elif kind == VESSEL:
        bare = remove_obj_prefixes(bare)
    else:
        # Cyrillic legal forms are known in Cyrillic, Latin ones also after transliteration.
        bare = remove_org_types(bare) or bare
    latin = ascii_text(bare).lower().replace("'", "").replace("`", "")
    words = _joined_initials(re.findall(r"[a-z0-9]+", latin))
    if kind not in (PERSON, VESSEL):
        words = re.findall(r"[a-z0-9]+", remove_org_types(" ".join(words))) or words
    return PreparedName(text, kind, tuple(_token(word) for word in words[:_MOST_TOKENS]))


def _joined_initials(words: list[str]) -> list[str]:
    """Write ``s c johnson`` as ``sc johnson``: initials are set apart or not at will."""
    if len(words) < 3 or not (len(words[0]) == len(words[1]) == 1):
        return words
    return [words[0] + words[1], *words[2:]]


@lru_cache(maxsize=65_536)
def _token(word: str) -> NameToken:
    forms = [_fold(word)]
    if "ch" in word:  # German writes the Russian kh so
        forms.append(_fold(word.replace("tsch", "C").replace("sch", "C").replace("ch", "h").replace("Ch", "C")))
    if re.search(r"j[aeiou]", word):  # French writes the Russian zh so
        forms.append(_fold(word.replace("j", "zh")))
    if word.isdigit():
        forms = [word]
    return NameToken(word, tuple(dict.fromkeys(forms)), _weight(word, forms[0]))


def _fold(word: str) -> str:
    for pattern, put in _FOLDS:
        word = pattern.sub(put, word)
    return _GIVEN.get(word, word)


def _weight(word: str, form: str) -> float:
    """Say how much a word tells who somebody is: particles little, patronymics and initials less than names."""
    if word in PARTICLES:
        return 0.2
    if word.isdigit():
        return 1.0
    if len(form) > 6 and re.search(r"(?:oviC|eviC|ovna|evna|iniCna)$", form):
        return 0.35
    return min(1.0, 0.3 + 0.18 * len(word))


def keys(form: str) -> tuple[str, ...]:
    """Return the form and, from four letters on, the form with each one letter left out.

    Two words one letter apart share a key (Source: symmetric delete, as in SymSpell), so a table of keys finds them.
    """
    if len(form) < 4 or form.isdigit():
        return (form,)
    return tuple(dict.fromkeys((form, *(form[:at] + form[at + 1 :] for at in range(len(form))))))
