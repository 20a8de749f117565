"""Words and forms that accounts are described by, and the one check for each.

In: text from an operator. Out: the same text, or an error that says what was expected. The sectors, purposes, legal
bases and places are those of the provider's rules; nothing else can be stated, and ``unknown`` never.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from custodes.core.errors import InvalidParameterError
from custodes.governance.provider.guardrails import VOCABULARIES

UNSTATED = "unstated"
OPERATOR_SECTOR = "operator"
LAW_ENFORCEMENT = "law-enforcement"
NO_COUNTRY = "ZZ"
"""The operator's country until somebody states it; ISO 3166 leaves this code to its users."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_SCHEME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VALUE = re.compile(r"[A-Za-z0-9 ./_:-]{1,64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAX_NAME = 300


def choices(fact: str) -> tuple[str, ...]:
    """What can be stated for a fact of the provider's rules, in alphabetical order."""
    return tuple(sorted(VOCABULARIES[fact] - {"unknown"}))


def sectors() -> tuple[str, ...]:
    """Sectors that a customer can have."""
    return tuple(word for word in choices("sector") if word != OPERATOR_SECTOR)


def check_word(fact: str, word: str) -> str:
    """``word`` if it can be stated for ``fact``. Raises InvalidParameterError naming the choices."""
    if word not in choices(fact):
        raise InvalidParameterError(f"{fact.replace('_', ' ')} is one of: {', '.join(choices(fact))}")
    return word


def check_words(fact: str, words: Iterable[str]) -> tuple[str, ...]:
    """The same for several, each once, in order."""
    return tuple(dict.fromkeys(check_word(fact, word) for word in words))


def check_country(code: str) -> str:
    """An ISO 3166 alpha-2 code. Raises InvalidParameterError."""
    if not _COUNTRY.fullmatch(code):
        raise InvalidParameterError("a country is two capital letters, like NL (ISO 3166-1 alpha-2)")
    return code


def check_name(text: str, what: str) -> str:
    """A name of an organisation without blanks around it. Raises InvalidParameterError."""
    name = " ".join(text.split())
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise InvalidParameterError(f"{what} has 1 to {_MAX_NAME} printable characters")
    return name


def check_date(text: str) -> str:
    """A day like 2026-12-01 (ISO 8601). Raises InvalidParameterError."""
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise InvalidParameterError("a date is a day like 2026-12-01")


def check_identifier(scheme: str, value: str) -> tuple[str, str]:
    """An entry in a register, like ``lei`` or ``nl-kvk`` and its number. Raises InvalidParameterError."""
    if not _SCHEME.fullmatch(scheme) or not _VALUE.fullmatch(value):
        raise InvalidParameterError("an identifier is a register and a number, like lei=5493001KJTIIGC8Y1R12")
    return scheme, value
