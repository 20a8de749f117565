"""Names made comparable: any script to words, each word with the forms that other spellings of it share.

In: a name as written. Out: words with folded forms and weights. ``scripts`` reads alphabets, ``spellings`` joins
spellings, ``legal_forms`` and ``given_names`` know words. It compares nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from custodes.screening.entities import ORGANISATION, PERSON, VESSEL
from custodes.screening.names.consonants import consonants, is_unvoiced, without_marks
from custodes.screening.names.disguises import look_alike, seen, with_letters
from custodes.screening.names.hangul import is_hangul, readings
from custodes.screening.names.legal_forms import GENERIC, is_of_a_form, like_a_form, without_forms, without_long_tail
from custodes.screening.names.places import is_country_code, places
from custodes.screening.names.scripts import latin
from custodes.screening.names.sounds import skeleton
from custodes.screening.names.spellings import forms
from custodes.screening.words.given_names import ARABIC
from custodes.screening.words.small_words import (
    GENERATIONS,
    LINKS,
    NUMBER_WORDS,
    OF_FIRMS,
    OF_PERSONS,
    PARTICLES,
    TITLES,
    VESSEL_MARKS,
    arabic,
    spelled_out,
)

MAX_LENGTH = 400
_NO_INITIALS = ("NG", "MD", "ST", "MC", "DR", "MR", "MS")
_MAX_TOKENS, _TELLS_ALONE = 24, 7
_SERVANT = "abd abdu abdul abdel abdal abdol abdoul abdur abder abdus abdil"
_ARTICLE = "al el ul ur ar er as es ad ed"
_ABD, _ARTICLES = (frozenset(table.split()) for table in (_SERVANT, _ARTICLE))
# Letters and digits, and the marks that scripts of South and East Asia, Arabic and Hebrew write their vowels with.
_LETTER = r"[^\W_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
_WORD = re.compile(rf"(?:{_LETTER})+(?:['’`ʼʹ](?:{_LETTER})+)*")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?|\b[^\W\d_](?:/[^\W\d_])+\b", re.UNICODE)
_WEIGHTS = (0.0, 0.3, 0.5, 0.84)
_PATRONYMIC = re.compile(r"(?:[oei]v(?:iC|na)|iniCna|iliC)$")
_BRACKETED = re.compile(r"[(\[{][^()\[\]{}]*(?:[)\]}]|$)")
# What words tell, where an ordinary one tells 1.
SMALL = 0.2
"""Up to this weight a word says little: what a firm does, where it is, its legal form."""
PLACE, PLACE_IN_BRACKETS, _FORM, _LINK, PATRONYM, _SECOND_GIVEN = 0.15, 0.06, 0.14, 0.05, 0.35, 0.59


@dataclass(frozen=True, slots=True)
class NameToken:
    """One word.

    Attributes:
        plain: in lower-case ASCII, spelled as in English.
        forms: folded, more than one where a spelling is ambiguous.
        weight: how much it tells, 0..1.
        consonants: what is left of it in a script that writes no vowels.
        unvoiced: whether it was written in such a script.
        syllabic: whether it was written in syllables of Han or Hangul, which nobody mistypes by a Latin letter.
        skeleton: how it sounds without its vowels, alike for an English word and the same in Cyrillic; empty if short.
    """

    plain: str
    forms: tuple[str, ...]
    weight: float
    consonants: str = ""
    unvoiced: bool = False
    skeleton: str = ""
    syllabic: bool = False


@dataclass(frozen=True, slots=True)
class PreparedName:
    """A name ready to be compared.

    Attributes:
        text: as written.
        kind: of party.
        tokens: its words, legal forms at its ends left out.
        squeezed: all of its words, legal forms as well, written as one.
    """

    text: str
    kind: str
    tokens: tuple[NameToken, ...]
    squeezed: str = ""


@lru_cache(maxsize=65_536)
def prepare(text: str, kind: str = ORGANISATION) -> PreparedName:
    """Split and fold ``text`` (cut at 400 characters, 24 words); an unreadable name has no tokens.

    A person written ``SURNAME, Given Second`` is read in the order in which it is said. Remembered, since a listed name
    is prepared when it comes in, when it is compared, and when it changed.
    """
    text = " ".join(text[:MAX_LENGTH].split())
    read = seen(text)
    if kind == PERSON:
        return _prepared(text, kind, _person(read))
    tokens = [token for word in _split(spelled_out(read)) for token in _read(word, False)]
    if kind == VESSEL:
        tokens = _kept(tokens, [token.plain for token in tokens if token.plain not in VESSEL_MARKS]) or tokens
        long = max((len(token.plain) for token in tokens), default=0) > 4
        return _prepared(text, kind, _ordinals(_numbered(tokens), words=1 if long else 2))
    return replace(_prepared(text, kind, _firm(read, tokens)), squeezed=_squeezed(tokens))


def _prepared(text: str, kind: str, tokens: list[NameToken]) -> PreparedName:
    """The name of ``tokens``; a word that stands there twice counts once."""
    once = list({token.plain: token for token in reversed(tokens)}.values())[::-1]
    kept = tokens if len(once) < 2 else once
    return PreparedName(text, kind, tuple(kept[:_MAX_TOKENS]), _squeezed(tokens))


def _squeezed(tokens: list[NameToken]) -> str:
    return "".join(token.plain for token in tokens)[:MAX_LENGTH]


def _split(text: str) -> list[str]:
    return _WORD.findall(_DOTTED.sub(lambda found: re.sub(r"[./]", "", found.group()), text))


def _person(text: str) -> list[NameToken]:
    surname, comma, given = text.partition(",")
    parts = (given, surname) if comma and given.strip() else (text,)
    # In a name of capitals only, two of them may be anything.
    mixed = not text.isupper()
    words = [[one for word in _split(part) for one in (_initials(word) if mixed else (word,))] for part in parts]
    read = [[token for word in part for token in _read(word, True)] for part in words]
    bare = [[_of_person(token) for token in part if token.plain not in TITLES] for part in read]
    bare = bare if any(bare) else read
    if len(bare) == 2 and len(bare[0]) > 1 and bare[1]:
        bare[0] = [bare[0][0], *(_second(token) for token in bare[0][1:])]
    return _patronymic(_servants([token for part in bare for token in part]))


def _second(token: NameToken) -> NameToken:
    """A given name after the first, which many leave out."""
    return replace(token, weight=min(token.weight, _SECOND_GIVEN)) if len(token.plain) > 1 else token


def _of_person(token: NameToken) -> NameToken:
    if token.plain in GENERATIONS:
        return replace(token, weight=_FORM)
    if token.plain in OF_PERSONS:
        return _token(OF_PERSONS[token.plain])
    return token


def _firm(text: str, tokens: list[NameToken]) -> list[NameToken]:
    inside = {token.plain for part in _BRACKETED.findall(text) for word in _split(part) for token in _read(word, False)}
    tokens = _kept(tokens, without_forms([token.plain for token in tokens]))[:_MAX_TOKENS]
    tokens = _numbered(_joined_initials(tokens))
    tokens = [_token(OF_FIRMS[token.plain]) if token.plain in OF_FIRMS else token for token in tokens]
    tokens = [part for token in tokens for part in _without_tail(token)]
    where = places([token.plain for token in tokens])
    last = len(tokens) - 1
    weighed = [
        _less(token, _place_weight(token, at in where, token.plain in inside, 0 < at == last), last=0 < at == last)
        for at, token in enumerate(tokens)
    ]
    telling = max((len(token.plain) for token in weighed if token.weight > SMALL), default=0)
    return _ordinals(weighed, words=1 if len(weighed) > 3 or telling >= _TELLS_ALONE else 2)


def _without_tail(token: NameToken) -> list[NameToken]:
    """A word with a long generic word or a place written to its end, as two (VisionLabsEurope)."""
    rest = without_long_tail(token.plain)
    return [_token(rest), _token(token.plain[len(rest) :])] if rest else [token]


def _place_weight(token: NameToken, is_place: bool, in_brackets: bool, last: bool) -> float:
    """How much a word may tell as a place: less in brackets, all where it is none."""
    if is_place or (is_country_code(token.plain) and (in_brackets or last)):
        return PLACE_IN_BRACKETS if in_brackets else PLACE
    return 1.0


def _less(token: NameToken, most: float, *, last: bool) -> NameToken:
    """Weigh what says little about whose firm it is."""
    if token.plain in LINKS:
        return replace(token, weight=_LINK)
    if most < 1:
        return replace(token, weight=min(token.weight, most))
    if is_of_a_form(token.plain) or (last and like_a_form(token.plain)):
        return replace(token, weight=min(token.weight, _FORM))
    return replace(token, weight=min(token.weight, SMALL)) if token.plain in GENERIC else token


def _numbered(tokens: list[NameToken]) -> list[NameToken]:
    """Ordinals with digits, and little weight for the words that announce a number, and for it beside longer names."""
    found = []
    for token, plain in zip(tokens, arabic([token.plain for token in tokens]), strict=True):
        one = token if token.plain == plain else _token(plain)
        found.append(replace(one, weight=_LINK) if plain in NUMBER_WORDS and len(tokens) > 1 else one)
    return found


def _ordinals(tokens: list[NameToken], *, words: int) -> list[NameToken]:
    """Numbers of up to four digits beside ``words`` words that tell weigh little."""
    if sum(token.weight > SMALL and not token.plain.isdigit() for token in tokens) < words:
        return tokens
    return [
        replace(token, weight=min(token.weight, SMALL)) if token.plain.isdigit() and len(token.plain) < 5 else token
        for token in tokens
    ]


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
    other = with_letters(spelled, person=person) if spelled not in GENERATIONS else ()
    if person and other:
        spelled, other = other[0], other[1:]
    if alike := look_alike(word):
        other = (*other, latin(alike))
    parts = re.findall(r"[a-z0-9]+", spelled)
    if not word.isascii() and len(parts) == 1 and _is_han(word):
        return tuple(replace(_token(part), syllabic=True) for part in _syllables(word))
    if len(parts) == 1 and other:
        return (_alternatively(_token(parts[0]), other),)
    return tuple(_token(part) for part in parts)


def _initials(word: str) -> tuple[str, ...]:
    """The two letters of a word that is no name, so that they stand for two given names (JC); else the word."""
    two = len(word) == 2 and word.isascii() and word.isalpha() and word.isupper()
    return tuple(word) if two and not set(word) & set("AEIOUY") and word not in _NO_INITIALS else (word,)


def _alternatively(token: NameToken, spelled: Sequence[str]) -> NameToken:
    """The word with the forms of other readings of the same letters as well."""
    return replace(token, forms=tuple(dict.fromkeys((*token.forms, *(form for one in spelled for form in forms(one))))))


def _is_han(word: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in word)


def _syllables(word: str) -> list[str]:
    """Return the surname's syllable, then the given name together, as Chinese names are spelled abroad."""
    read = [spelled for letter in word if (spelled := re.sub(r"[^a-z0-9]", "", latin(letter)))]
    return [read[0], "".join(read[1:])] if 2 <= len(read) <= 3 else ["".join(read)]


def _hangul(spelled: tuple[str, ...]) -> NameToken:
    found = tuple(dict.fromkeys(form for one in spelled for form in forms(one)))
    plain = next((one for one in spelled if len(one) > 1), spelled[0])  # a single vowel is no initial
    return NameToken(plain, found, max(_weight(plain), _WEIGHTS[2]), syllabic=True)


def _unvoiced(word: str) -> tuple[NameToken, ...]:
    bare = without_marks(word)
    if bare in ("ال", "آل"):
        return (_token("al"),)
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
    return NameToken(word, forms(word), _weight(word), consonants(word), skeleton=skeleton(word))


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
    return [replace(token, weight=PATRONYM) if at == found[0] else token for at, token in enumerate(tokens)]


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
    """Write ``s c johnson`` as ``sc johnson``: initials are set apart or not at will, anywhere three of them."""
    found: list[NameToken] = []
    for is_initial, run in groupby(tokens, lambda token: len(token.plain) == 1):
        together = list(run)
        if is_initial and len(together) > (1 if not found else 2):
            together = [_token("".join(token.plain for token in together))]
        found += together
    return found


def keys(form: str) -> tuple[str, ...]:
    """Return the form and, from four letters on, the form with each one letter left out.

    Two words one letter apart share a key (Source: symmetric delete, as in SymSpell), so a table of keys finds them.
    """
    if len(form) < 4 or form.isdigit():
        return (form,)
    return tuple(dict.fromkeys((form, *(form[:at] + form[at + 1 :] for at in range(len(form))))))
