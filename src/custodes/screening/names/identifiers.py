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
_DASHES = r"\u2010-\u2015\u2212\u00ad"
_LABEL = re.compile(
    r"(?P<tax>i\.?n\.?n|инн|t\.?i\.?n(?![a-z])|tax(?:payer)?|fiscal)"
    r"|(?P<register>o\.?g\.?r\.?n|огрн|regist|reg\.|primary state)|(?P<lei>\blei\b|legal entity)|(?P<imo>\bimo\b)"
    r"|(?P<edrpou>єдрпоу|edrpou|едрпоу)|(?P<kvk>\bkvk)|(?P<unp>\bunp\b|\bунп\b)|(?P<siren>\bsiren\b)"
    r"|(?P<kbo>\bkbo\b|\bbce\b)",
    re.IGNORECASE,
)
# A run of digits as registers give them; blanks and dots within it only where few digits stand together.
_RUN = re.compile(r"(?<![\d])(?:\d{7,20}|\d(?:[ .]?\d{1,7}){3,8})(?!\d)")
_LETTERS_AND_DIGITS = re.compile(r"\b[0-9A-Z]{18}\d\d\b")
_NEEDS_LABEL = {
    "imo": "imo",
    "ua-edrpou": "edrpou",
    "nl-kvk": "kvk",
    "by-unp": "unp",
    "fr-siren": "siren",
    "be-kbo": "kbo",
}
_UNLABELLED = ("ru-inn", "ru-ogrn", "lei")
_NOT_THESE = re.compile(r"(?:passport|phone|fax|tel|account|snils|паспорт|тел|счет|счёт)\w*[\s.:№#+]*$", re.IGNORECASE)
_LABEL_REACH = 48


MAX_TEXT = 20_000
"""Letters of a text that is searched for numbers."""


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
    """Pairs for the numbers of registers in prose, with their labels or without.

    Tax and state registration numbers of Russia and LEIs are known by their length and check digits alone, wherever
    they stand; shorter numbers, which chance makes too often, need their register's abbreviation before them. Dashes of
    all kinds, several numbers in one field and labels behind their number are read.
    """
    text = re.sub(f"[{_DASHES}]", "-", text[:MAX_TEXT])
    seen: set[tuple[str, str]] = set()
    for found in _LETTERS_AND_DIGITS.finditer(text.upper()):
        if re.search("[A-Z]", found.group()) and is_sound("lei", found.group()):
            seen.add(("lei", found.group()))
    for found in _RUN.finditer(text):
        if not _NOT_THESE.search(text[: found.start()]):
            seen.update(_of_run(found.group(), text[max(0, found.start() - _LABEL_REACH) : found.start()]))
    yield from sorted(seen)


def unread(text: str) -> bool:
    """Whether ``text`` names a register and holds digits, but no number that the register could have given."""
    return bool(_LABEL.search(text)) and bool(re.search(r"\d{5}", text)) and not any(in_text(text))


def _of_run(written: str, before: str) -> Iterator[tuple[str, str]]:
    number = canonical(written)
    labels = [name for found in _LABEL.finditer(before) for name, value in found.groupdict().items() if value]
    nearest = labels[-1] if labels else ""
    for kind in _UNLABELLED:
        if len(written) != len(number) and not nearest:
            break  # digits in groups are many things
        if is_sound(kind, number):
            yield kind, number
    for kind, label in _NEEDS_LABEL.items():
        if nearest == label and is_sound(kind, number):
            yield kind, number
