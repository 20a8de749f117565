"""Names made comparable: any script to words, each word with the forms that other spellings of it share.

In: a name as written. Out: words with folded forms and weights. ``scripts`` reads alphabets, ``spellings`` joins
spellings, ``legal_forms`` and ``given_names`` know words. It compares nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from custodes.screening.entities import ORGANISATION, PERSON, VESSEL
from custodes.screening.names.consonants import consonants, is_unvoiced, without_marks
from custodes.screening.names.given_names import ARABIC
from custodes.screening.names.hangul import is_hangul, readings
from custodes.screening.names.legal_forms import GENERIC, is_of_a_form, like_a_form, without_forms
from custodes.screening.names.scripts import latin
from custodes.screening.names.spellings import forms

MAX_LENGTH = 400
_MAX_TOKENS = 24
_PARTICLES = """
al el ul ur ud uz bin ben ibn bint abu abou de del la le les los las ve van von der den the of and und et y e da do dos
du di for i w na
sheikh shaykh shaikh sayyid sayyed seyed syed haji hajji hajj mullah mulla maulavi mawlawi
"""
_TITLES_OF_PERSONS = "mr mrs ms miss dr prof sir dame herr frau mme monsieur general gen col colonel maj capt"
_MARKS_OF_VESSELS = "mv mt ms ss mts mtv ftv"
_SERVANT = "abd abdu abdul abdel abdal abdol abdoul abdur abder abdus abdil"
_ARTICLE = "al el ul ur ar er as es ad ed"
PARTICLES, _TITLES, _VESSEL_MARKS, _ABD, _ARTICLES = (
    frozenset(table.split()) for table in (_PARTICLES, _TITLES_OF_PERSONS, _MARKS_OF_VESSELS, _SERVANT, _ARTICLE)
)
# Letters and digits, and the marks that scripts of South and East Asia, Arabic and Hebrew write their vowels with.
_LETTER = r"[^\W_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
_WORD = re.compile(rf"(?:{_LETTER})+(?:['’`ʼʹ](?:{_LETTER})+)*")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?|\b[^\W\d_](?:/[^\W\d_])+\b", re.UNICODE)
_WEIGHTS = (0.0, 0.3, 0.5, 0.84)
_LOOKS_LIKE = str.maketrans("0134579", "oieastg")
_PATRONYMIC = re.compile(r"(?:[oei]v(?:iC|na)|iniCna|iliC)$")


@dataclass(frozen=True, slots=True)
class NameToken:
    """One word.

    Attributes:
        plain: in lower-case ASCII, spelled as in English.
        forms: folded, more than one where a spelling is ambiguous.
        weight: how much it tells, 0..1.
        consonants: what is left of it in a script that writes no vowels.
        unvoiced: whether it was written in such a script.
    """

    plain: str
    forms: tuple[str, ...]
    weight: float
    consonants: str = ""
    unvoiced: bool = False


@dataclass(frozen=True, slots=True)
class PreparedName:
    """A name ready to be compared: its text, its kind of party, its words."""

    text: str
    kind: str
    tokens: tuple[NameToken, ...]


@lru_cache(maxsize=65_536)
def prepare(text: str, kind: str = ORGANISATION) -> PreparedName:
    """Split and fold ``text`` (cut at 400 characters, 24 words); an unreadable name has no tokens.

    Remembered, since a listed name is prepared when it comes in, when it is compared, and when it changed.
    """
    text = " ".join(text[:MAX_LENGTH].split())
    written = _WORD.findall(_DOTTED.sub(lambda found: re.sub(r"[./]", "", found.group()), text))
    tokens = [token for word in written for token in _read(word, kind == PERSON)]
    plain = [token.plain for token in tokens]
    if kind == PERSON:
        plain = [word for word in plain if word not in _TITLES] or plain
    elif kind == VESSEL:
        plain = [word for word in plain if word not in _VESSEL_MARKS] or plain
    else:
        plain = without_forms(plain)
    tokens = _kept(tokens, plain)[:_MAX_TOKENS]
    if kind == PERSON:
        tokens = _servants(tokens)
        tokens = _patronymic(tokens)
    elif kind != VESSEL:
        tokens = _joined_initials(tokens)
        tokens = [_generic(token, last=at > 0 and at == len(tokens) - 1) for at, token in enumerate(tokens)]
    return PreparedName(text, kind, tuple(tokens))


def _kept(tokens: list[NameToken], plain: list[str]) -> list[NameToken]:
    """Those tokens that ``plain``, which keeps their order, still has."""
    left = list(reversed(plain))
    kept = []
    for token in tokens:
        if left and token.plain == left[-1]:
            kept.append(token)
            left.pop()
    return kept if not left else [token for token in tokens if token.plain in set(plain)]


@lru_cache(maxsize=131_072)
def _read(word: str, person: bool) -> tuple[NameToken, ...]:
    """Tokens of one written word: usually one; none when it says nothing; one per syllable in Hangul."""
    if is_hangul(word):
        return tuple(_hangul(spelled) for spelled in readings(word))
    if is_unvoiced(word):
        return _unvoiced(word)
    spelled = re.sub(r"['’`ʼʹ]", "", latin(word))
    if person and not spelled.isdigit() and re.search(r"[a-z]", spelled):
        spelled = spelled.translate(_LOOKS_LIKE)
    parts = re.findall(r"[a-z0-9]+", spelled)
    if not word.isascii() and len(parts) == 1 and _is_han(word):
        parts = _syllables(word)
    return tuple(_token(part) for part in parts)


def _is_han(word: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in word)


def _syllables(word: str) -> list[str]:
    """Return the surname's syllable, then the given name together, as Chinese names are spelled abroad."""
    read = [spelled for letter in word if (spelled := re.sub(r"[^a-z0-9]", "", latin(letter)))]
    return [read[0], "".join(read[1:])] if 2 <= len(read) <= 3 else ["".join(read)]


def _hangul(spelled: tuple[str, ...]) -> NameToken:
    found = tuple(dict.fromkeys(form for one in spelled for form in forms(one)))
    return NameToken(spelled[0], found, _weight(spelled[0]))


def _unvoiced(word: str) -> tuple[NameToken, ...]:
    bare = without_marks(word)
    particle: tuple[NameToken, ...] = ()
    if bare.startswith("ال") and len(bare) > 4:
        bare, particle = bare[2:], (_token("al"),)
    if bare in ARABIC:
        return (*particle, _token(ARABIC[bare]))
    bones = consonants(bare)
    if not bones:
        return ()
    return (*particle, NameToken(latin(bare) or bones, (bones,), _weight(bones + "aa"), bones, unvoiced=True))


@lru_cache(maxsize=131_072)
def _token(word: str) -> NameToken:
    return NameToken(word, forms(word), _weight(word), consonants(word))


def _weight(word: str) -> float:
    """Say how much a word tells who somebody is: particles little, short words less than long ones."""
    if word in PARTICLES:
        return 0.2
    if word.isdigit():
        return 1.0
    return _WEIGHTS[len(word)] if len(word) < len(_WEIGHTS) else 1.0


def _patronymic(tokens: list[NameToken]) -> list[NameToken]:
    """In a name of three words or more, a patronymic says little: many spellings of a name leave it out."""
    found = [at for at, token in enumerate(tokens) if len(token.plain) > 6 and _PATRONYMIC.search(token.forms[0])]
    if len(tokens) < 3 or len(found) != 1:  # two of them: one is the surname, and which cannot be told
        return tokens
    return [replace(token, weight=0.35) if at == found[0] else token for at, token in enumerate(tokens)]


def _generic(token: NameToken, *, last: bool) -> NameToken:
    if is_of_a_form(token.plain) or (last and like_a_form(token.plain)):
        return replace(token, weight=0.2)
    return replace(token, weight=0.35) if token.plain in GENERIC else token


def _servants(tokens: list[NameToken]) -> list[NameToken]:
    """Write Abd, Abdul, Abd al- with what follows as one word: some do, some do not."""
    joined: list[NameToken] = []
    at = 0
    while at < len(tokens):
        after = at + 1
        if tokens[at].plain in _ABD:
            while after < len(tokens) and tokens[after].plain in _ARTICLES:
                after += 1
            if after < len(tokens) and not tokens[after].unvoiced:
                joined.append(_token("abdul" + tokens[after].plain))
                at = after + 1
                continue
        joined.append(tokens[at])
        at += 1
    return joined


def _joined_initials(tokens: list[NameToken]) -> list[NameToken]:
    """Write ``s c johnson`` as ``sc johnson``: initials are set apart or not at will."""
    size = 0
    while size < len(tokens) and len(tokens[size].plain) == 1:
        size += 1
    if size < 2:
        return tokens
    return [_token("".join(token.plain for token in tokens[:size])), *tokens[size:]]


def keys(form: str) -> tuple[str, ...]:
    """Return the form and, from four letters on, the form with each one letter left out.

    Two words one letter apart share a key (Source: symmetric delete, as in SymSpell), so a table of keys finds them.
    """
    if len(form) < 4 or form.isdigit():
        return (form,)
    return tuple(dict.fromkeys((form, *(form[:at] + form[at + 1 :] for at in range(len(form))))))
