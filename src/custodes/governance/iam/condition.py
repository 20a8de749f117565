"""Conditions of a statement: parsed once, then held against the context of a request.

In: the Condition block of a statement. Out: for a request, whether all of it holds: true, false, or None where a value
of the request is of the wrong kind. All operators and all keys of a block must hold; of several values of the policy
one suffices (or, for a negated operator, none may match).

Source: IAM User Guide, "Multivalued context keys", "Condition operators", "IfExists".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custodes.governance.iam.comparison import Family, Operand, Quantifier, Test, compare, parse_operand, parse_test
from custodes.governance.iam.pattern import Context, PolicyError

# Global keys a server can fill, and those of the service authorization table; a key beyond these could only be absent.
SINGLE_KEYS = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "sts:externalid",
        "sts:rolesessionname",
    }
)
SET_KEYS = frozenset({"aws:tagkeys", "custodes:labelnames"})
_TAG_KEY = re.compile(r"aws:(requesttag|resourcetag|principaltag)/.{1,128}", re.DOTALL)
MAX_VALUES = 200


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key with the policy's values."""

    test: Test
    key: str
    operands: tuple[Operand, ...]

    def holds(self, context: Context) -> bool | None:
        """Whether the request satisfies it; None when a value of the request is not of the operator's kind."""
        values = context.get(self.key, ())
        if self.test.operator.family is Family.NULL:
            return any(operand == (not values) for operand in self.operands)
        if not values:
            return self._absent()
        answers = [self._one(value, context) for value in values]
        if self.test.quantifier is Quantifier.ANY:
            return _any(answers)
        if self.test.quantifier is Quantifier.ALL:
            return _all(answers)
        return answers[0] if len(answers) == 1 else None

    def _absent(self) -> bool:
        if self.test.if_exists or self.test.quantifier is Quantifier.ALL:
            return True
        return self.test.operator.negated and self.test.quantifier is Quantifier.ONE

    def _one(self, value: str, context: Context) -> bool | None:
        found = _any([compare(self.test.operator, operand, value, context) for operand in self.operands])
        if found is None:
            return None
        return found is not self.test.operator.negated


def all_hold(conditions: Iterable[Condition], context: Context) -> bool | None:
    """Whether every condition holds; false wins over undecidable."""
    return _all([condition.holds(context) for condition in conditions])


def is_known_key(key: str) -> bool:
    """Whether a request can ever carry this condition key (in lower case)."""
    return key in SINGLE_KEYS or key in SET_KEYS or _TAG_KEY.fullmatch(key) is not None


def parse_conditions(block: object, where: str, *, variables: bool, any_key: bool) -> tuple[Condition, ...]:
    """Read a Condition block.

    Args:
        block: the JSON value.
        where: path to it.
        variables: whether the document's version knows policy variables.
        any_key: the statement is about other services only, so their keys may stand here.

    Raises:
        PolicyError: an operator, key or value that is not understood.
    """
    conditions = []
    for name, keys in _mapping(block, where).items():
        test = parse_test(name, where)
        for key, values in _mapping(keys, f"{where}.{name}").items():
            place = f"{where}.{name}.{key}"
            conditions.append(_condition(test, key, values, place, variables=variables, any_key=any_key))
    return tuple(conditions)


def _condition(test: Test, key: str, values: object, where: str, *, variables: bool, any_key: bool) -> Condition:
    folded = key.lower()
    if not any_key and not is_known_key(folded):
        raise PolicyError(where, "no request carries this condition key")
    if folded in SET_KEYS and test.quantifier is Quantifier.ONE and test.operator.family is not Family.NULL:
        raise PolicyError(where, "a key of several values needs ForAnyValue or ForAllValues")
    texts = scalars(values, where)
    for text in texts:
        if variables and test.operator.family not in (Family.TEXT, Family.ARN) and "${" in text:
            raise PolicyError(where, "a policy variable has no meaning here")
    operands = tuple(parse_operand(test.operator, text, where, variables=variables) for text in texts)
    for operand in operands:
        check_variables(getattr(operand, "variables", frozenset)(), where)
    return Condition(test, folded, operands)


def check_variables(keys: Iterable[str], where: str) -> None:
    """Refuse variables that no request can fill. Raises PolicyError."""
    for key in keys:
        if not is_known_key(key) or key in SET_KEYS:
            raise PolicyError(where, f"no request has one value for the policy variable {key}")


def scalars(values: object, where: str) -> list[str]:
    """One value or a list of them as text; JSON's true and numbers are what their text says. Raises PolicyError."""
    listed = values if isinstance(values, list) else [values]
    if not 1 <= len(listed) <= MAX_VALUES:
        raise PolicyError(where, f"1 to {MAX_VALUES} values are expected")
    texts = []
    for value in listed:
        if isinstance(value, bool):
            texts.append(str(value).lower())
        elif isinstance(value, str | int | float):
            texts.append(str(value))
        else:
            raise PolicyError(where, "a text, number or boolean is expected")
    return texts


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not value:
        raise PolicyError(where, "a JSON object that is not empty is expected")
    return value


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True
