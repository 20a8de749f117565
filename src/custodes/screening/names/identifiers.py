"""Numbers that registers give: which register, the number in one spelling, and whether its check digits hold.

In: a kind or the label and country that a list gives, and the number as written. Out: a pair of kind and number. Only a
number that its register could have given may decide a match; others, like placeholders of zeros, alert at most.
Sources: the registers' published rules: INN and OGRN (Federal Tax Service), EDRPOU (Ukraine), UNP (Belarus), ISO 17442
(LEI), IMO A.600, SIREN (Luhn), the Belgian enterprise number (modulo 97).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_WEIGHTS = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _inn(number: str) -> bool:
    if len(number) == 10:
        return _weighted(number[:9], _WEIGHTS[2:]) % 11 % 10 == int(number[9])
    first = _weighted(number[:10], _WEIGHTS[1:]) % 11 % 10
    return first == int(number[10]) and _weighted(number[:11], _WEIGHTS) % 11 % 10 == int(number[11])


def _ogrn(number: str) -> bool:
    return int(number[:-1]) % (len(number) - 2) % 10 == int(number[-1])


def _lei(number: str) -> bool:
    return int("".join(str(int(letter, 36)) for letter in number)) % 97 == 1


def _imo(number: str) -> bool:
    return _weighted(number[:6], range(7, 1, -1)) % 10 == int(number[6])


def _edrpou(number: str) -> bool:
    low = range(1, 8) if not 30_000_000 <= int(number) <= 60_000_000 else (7, 1, 2, 3, 4, 5, 6)
    rest = _weighted(number[:7], low) % 11
    if rest == 10:
        rest = _weighted(number[:7], [weight + 2 for weight in low]) % 11 % 10
    return rest == int(number[7])


def _unp(number: str) -> bool:
    return _weighted(number[:8], (29, 23, 19, 17, 13, 7, 5, 3)) % 11 == int(number[8])


def _luhn(number: str) -> bool:
    doubled = "".join(str(int(digit) * (1 + at % 2)) for at, digit in enumerate(reversed(number)))
    return sum(map(int, doubled)) % 10 == 0


def _kbo(number: str) -> bool:
    return 97 - int(number[:-2]) % 97 == int(number[-2:])


def _unchecked(_number: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Register:
    """What its numbers look like, whether their check digits hold, and by which words lists name it."""

    pattern: str
    holds: Callable[[str], bool]
    country: str
    label: str


REGISTERS = {
    "ru-inn": Register(r"\d{10}|\d{12}", _inn, "ru", r"\binn\b|tax|fiscal|инн"),
    "ru-ogrn": Register(r"\d{13}|\d{15}", _ogrn, "ru", r"ogrn|regist|regnumber|огрн"),
    "lei": Register(r"[0-9A-Z]{18}\d\d", _lei, "", r"\blei\b|legal entity"),
    "imo": Register(r"\d{7}", _imo, "", r"\bimo\b"),
    "nl-kvk": Register(r"\d{8}", _unchecked, "nl", r"kvk|commerce|regist|regnumber"),
    "gb-coh": Register(r"\d{8}|[A-Z]{2}\d{6}", _unchecked, "gb", r"regist|regnumber|company|commerce"),
    "ua-edrpou": Register(r"\d{8}", _edrpou, "ua", r"edrpou|regist|regnumber|tax|fiscal|єдрпоу"),
    "by-unp": Register(r"\d{9}", _unp, "by", r"\bunp\b|regist|regnumber|tax|fiscal"),
    "fr-siren": Register(r"\d{9}", _luhn, "fr", r"siren|regist|regnumber|commerce"),
    "be-kbo": Register(r"[01]\d{9}", _kbo, "be", r"kbo|bce|enterprise|regist|regnumber"),
}
_IN_TEXT = re.compile(
    r"\b(?P<label>INN|OGRN|ИНН|ОГРН|LEI|IMO|ЄДРПОУ|EDRPOU|KvK)(?:\s+(?:number|no\.?|code))?\s*[:#№-]?\s*"
    r"(?P<number>[0-9A-Z]{7,20})\b",
    re.IGNORECASE,
)


def canonical(number: str) -> str:
    """A number without blanks, dots and dashes, in capitals."""
    return re.sub(r"[\s.\-/]", "", number).upper()


def is_sound(kind: str, number: str) -> bool:
    """Whether the register called ``kind`` could have given ``number``.

    A kind that is not known here has no rules: six letters or digits are enough, unless all are the same.
    """
    register = REGISTERS.get(kind)
    if len(set(number)) < 2:
        return False
    if register is None:
        return len(number) > 5
    return re.fullmatch(register.pattern, number) is not None and register.holds(number)


def labelled(label: str, country: str, number: str) -> tuple[str, str] | None:
    """The register's pair for a number that a list labels, or None where no register fits or check digits fail.

    Args:
        label: the publisher's words or code, like ``Tax ID No.`` or ``regnumber``.
        country: two-letter code of the issuing country, lower case; empty when not told.
        number: as written.
    """
    number = canonical(number)
    for kind, register in REGISTERS.items():
        if register.country and register.country != country:
            continue
        if re.search(register.label, label.lower()) and is_sound(kind, number):
            return kind, number
    return None


def in_text(text: str) -> Iterator[tuple[str, str]]:
    """Pairs for numbers that prose names with their register's abbreviation (``INN 7707083893``) and that hold."""
    for found in _IN_TEXT.finditer(text):
        label, number = found["label"].lower(), canonical(found["number"])
        for kind, register in REGISTERS.items():
            if re.search(register.label, label) and is_sound(kind, number):
                yield kind, number
                break
