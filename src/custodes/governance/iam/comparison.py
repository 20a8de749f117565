"""Condition operators: how one value of a request is compared with one value of a policy.

In: an operator's name as written. Out: its parts, and comparisons that are true, false or, when the request's value is
not of the operator's kind, undecidable (None). Who asks decides what undecidable means: an Allow does not apply, a Deny
does. An operator that is not in the table is refused when a document is stored.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from custodes.governance.iam.pattern import (
    Context,
    Pattern,
    PolicyError,
    arn_matches,
    glyphs_match,
    matches,
    parse_pattern,
)

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")
_EPOCH = re.compile(r"[0-9]{1,11}")


class Family(Enum):
    """What kind of value an operator compares."""

    TEXT = "String"
    NUMBER = "Numeric"
    DATE = "Date"
    BOOL = "Bool"
    BINARY = "Binary"
    ADDRESS = "IpAddress"
    ARN = "Arn"
    NULL = "Null"


class Quantifier(Enum):
    """How many of a key's values must satisfy the operator."""

    ONE = ""
    ANY = "ForAnyValue"
    ALL = "ForAllValues"


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Operand = Pattern | Decimal | datetime.datetime | bool | bytes | Network
Ordering = Callable[[Any, Any], bool]
"""Compares two values of one family; their types are settled before."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its family, whether it asks for the opposite, and how it compares.

    Attributes:
        family: kind of values.
        negated: true for ``...Not...``: none of the policy's values may match.
        fold: letters' case does not count.
        wildcards: ``*`` and ``?`` in the policy's value have a meaning.
        ordering: comparison of request to policy value; equality where nothing else is said.
    """

    family: Family
    negated: bool = False
    fold: bool = False
    wildcards: bool = False
    ordering: Ordering = operator.eq


def _ordered(family: Family) -> dict[str, Operator]:
    name = family.value
    return {
        f"{name}Equals": Operator(family),
        f"{name}NotEquals": Operator(family, negated=True),
        f"{name}LessThan": Operator(family, ordering=operator.lt),
        f"{name}LessThanEquals": Operator(family, ordering=operator.le),
        f"{name}GreaterThan": Operator(family, ordering=operator.gt),
        f"{name}GreaterThanEquals": Operator(family, ordering=operator.ge),
    }


OPERATORS = {
    "StringEquals": Operator(Family.TEXT),
    "StringNotEquals": Operator(Family.TEXT, negated=True),
    "StringEqualsIgnoreCase": Operator(Family.TEXT, fold=True),
    "StringNotEqualsIgnoreCase": Operator(Family.TEXT, negated=True, fold=True),
    "StringLike": Operator(Family.TEXT, wildcards=True),
    "StringNotLike": Operator(Family.TEXT, negated=True, wildcards=True),
    **_ordered(Family.NUMBER),
    **_ordered(Family.DATE),
    "Bool": Operator(Family.BOOL),
    "BinaryEquals": Operator(Family.BINARY),
    "IpAddress": Operator(Family.ADDRESS),
    "NotIpAddress": Operator(Family.ADDRESS, negated=True),
    # AWS documents ArnEquals and ArnLike as behaving alike.
    "ArnEquals": Operator(Family.ARN, wildcards=True),
    "ArnLike": Operator(Family.ARN, wildcards=True),
    "ArnNotEquals": Operator(Family.ARN, negated=True, wildcards=True),
    "ArnNotLike": Operator(Family.ARN, negated=True, wildcards=True),
    "Null": Operator(Family.NULL),
}


@dataclass(frozen=True, slots=True)
class Test:
    """An operator as written: quantifier, operator, and whether an absent key satisfies it."""

    quantifier: Quantifier
    operator: Operator
    if_exists: bool


def parse_test(name: str, where: str) -> Test:
    """Read an operator's name like ``ForAllValues:StringLikeIfExists``.

    Raises:
        PolicyError: it is none of AWS's.
    """
    prefix, colon, rest = name.rpartition(":")
    quantifiers = {item.value: item for item in Quantifier}
    if (colon and not prefix) or prefix not in quantifiers:
        raise PolicyError(where, f"unknown condition operator {name}")
    bare = rest.removesuffix("IfExists")
    found = OPERATORS.get(bare)
    if found is None:
        raise PolicyError(where, f"unknown condition operator {name}")
    if found.family is Family.NULL and (prefix or bare != rest):
        raise PolicyError(where, "Null takes neither IfExists nor a set qualifier")
    return Test(quantifiers[prefix], found, bare != rest)


def parse_operand(test: Operator, text: str, where: str, *, variables: bool) -> Operand:
    """A policy's value in the operator's kind.

    Raises:
        PolicyError: it is not of that kind.
    """
    if test.family in (Family.TEXT, Family.ARN):
        pattern = parse_pattern(text, where, wildcards=test.wildcards, variables=variables)
        if test.family is Family.ARN and text != "*" and text.count(":") < 5 and not pattern.variables():
            raise PolicyError(where, "an ARN has six parts")
        return pattern
    value = _typed(test.family, text)
    if value is None:
        raise PolicyError(where, f"{text!r} is not a value for this operator")
    return value


def compare(test: Operator, operand: Operand, value: str, context: Context) -> bool | None:
    """Whether a request's ``value`` matches ``operand``, negation left aside; None when that cannot be said."""
    if isinstance(operand, Pattern):
        return _compare_text(test, operand, value, context)
    typed = _typed(test.family, value)
    if typed is None:
        return None
    if test.family is Family.ADDRESS:
        return _inside(typed, operand)
    return test.ordering(typed, operand)


def _compare_text(test: Operator, operand: Pattern, value: str, context: Context) -> bool | None:
    if operand.fixed is not None and not test.fold and test.family is Family.TEXT:
        return matches(operand.whole, value)
    glyphs = operand.resolve(context)
    if glyphs is None:
        return None if test.negated else False
    if test.family is Family.ARN:
        return arn_matches(glyphs, value) if value.count(":") >= 5 else None
    if test.fold:
        return "".join(str(glyph) for glyph in glyphs).casefold() == value.casefold()
    return glyphs_match(glyphs, value)


def _inside(inner: Operand, outer: Operand) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _typed(family: Family, text: str) -> Operand | None:
    if family is Family.NUMBER:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if family in (Family.BOOL, Family.NULL):
        return {"true": True, "false": False}.get(text.lower())
    try:
        if family is Family.DATE:
            return _moment(text)
        if family is Family.BINARY:
            return base64.b64decode(text, validate=True)
        return ipaddress.ip_network(text, strict=False)
    except (ValueError, OverflowError, binascii.Error):
        return None


def _moment(text: str) -> datetime.datetime | None:
    """ISO 8601 as W3C profiles it, or seconds since the epoch; without a zone it is UTC."""
    if _EPOCH.fullmatch(text):
        return datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC)
    if not _DATE.fullmatch(text):
        return None
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
