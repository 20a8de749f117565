"""Which rules can matter for a call, and which facts their outcome can still depend on: told from their text alone.

In: a rule in Cedar's JSON form, an operation with its groups, facts that are known. Out: whether the rule can apply at
all, and what it reads. A rule is left out only where Cedar itself would find it not satisfied without an error, so the
rules that are left decide exactly as all of them do. What is not understood here is kept. Nothing is decided.

Source: Cedar policy language reference, evaluation of conditions (``&&`` and ``||`` stop at the first operand that
settles them; several conditions are joined by ``&&`` in their order) and its JSON policy format.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection, Mapping
from operator import ge, gt, le, lt

Node = Mapping[str, object]
Value = str | int | bool

# A date, or a time of day in UTC to the second or the millisecond.
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z)?")
_ORDER: Mapping[str, Callable[[int, int], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def concerns(rule: Node, operation: str, groups: Collection[str]) -> bool:
    """Whether the scope of ``rule`` admits ``operation``, in ``groups``; the other scopes are not looked at."""
    scope = _node(rule.get("action"))
    kind, listed = scope.get("op"), scope.get("entities", [scope.get("entity")])
    names = [_node(entity).get("id") for entity in listed] if isinstance(listed, list) else [None]
    if kind not in ("==", "in") or not all(isinstance(name, str) for name in names):
        return True
    return operation in names or (kind == "in" and any(group in names for group in groups))


def holds(rule: Node, known: Mapping[str, Value]) -> bool | None:
    """Whether the conditions of ``rule`` are met when facts are as ``known``; None when that is not settled."""
    for condition in _list(rule.get("conditions")):
        value = _value(_node(condition.get("body")), known)
        if not isinstance(value, bool):
            return None
        if value is (condition.get("kind") == "unless"):
            return False
    return True


def reads(rule: Node) -> Mapping[str, frozenset[int] | None] | None:
    """Facts that ``rule`` looks at; None when it looks at anything else of a call but its operation.

    A fact that is only compared with constants comes with the points at which the outcome can change: between two
    neighbouring points (the lower one included) it is the same. Moments count in ms since the epoch.
    """
    if any(_node(rule.get(scope)).get("op") != "All" for scope in ("principal", "resource")):
        return None
    found: dict[str, frozenset[int] | None] = {}
    for condition in _list(rule.get("conditions")):
        if not _collect(condition.get("body"), found):
            return None
    return found


def _collect(value: object, found: dict[str, frozenset[int] | None]) -> bool:
    """Add the facts that an expression names; False when it uses a variable in another way."""
    if isinstance(value, list):
        return all(_collect(item, found) for item in value)
    if not isinstance(value, Mapping):
        return True
    fact, points = _compared(value)
    if fact is None:
        fact = _fact(value)
    if fact is not None:
        known = found.get(fact, frozenset())
        found[fact] = None if known is None or points is None else known | points
        return True
    return not value.keys() & {"Var", "Slot"} and all(_collect(item, found) for item in value.values())


def _compared(node: Node) -> tuple[str | None, frozenset[int] | None]:
    """The fact of ``context.fact < constant`` and the like, and where the outcome of that changes."""
    for name in (*_ORDER, "==", "!="):
        operands = _node(node.get(name))
        for one, other in (("left", "right"), ("right", "left")):
            fact, constant = _fact(_node(operands.get(one))), _constant(_node(operands.get(other)))
            if fact is not None and constant is not None:
                return fact, frozenset({constant, constant + 1})
    return None, None


def _constant(node: Node) -> int | None:
    """A whole number, or a moment in ms; of moments, what Python reads as Cedar does."""
    value = node.get("Value")
    if type(value) is int:
        return value
    literal = _list(node.get("datetime"))
    text = literal[0].get("Value") if len(literal) == 1 else None
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return round(moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp() * 1000)


def _value(node: Node, known: Mapping[str, Value]) -> Value | None:
    """Value of an expression, or None when it is not settled by ``known`` or not of the few forms read here."""
    if len(node) != 1:
        return None
    (name, inner), *_ = node.items()
    if name == "Value":
        return inner if isinstance(inner, str | int) else None
    fact = _fact(node)
    if fact is not None:
        return known.get(fact)
    operands = _node(inner)
    left = _value(_node(operands.get("arg" if name == "!" else "left")), known)
    if left is None or name == "!":
        return not left if isinstance(left, bool) else None
    if (name, left) in (("&&", False), ("||", True)):
        return left
    return _operation(name, left, _value(_node(operands.get("right")), known))


def _operation(name: str, left: Value, right: Value | None) -> bool | None:
    """Values of one type only: what Cedar makes of others is its own affair."""
    if type(left) is not type(right):
        return None
    if name in ("&&", "||"):  # the first operand has left it to the second
        return right if isinstance(right, bool) else None
    if name in ("==", "!="):
        return (left == right) is (name == "==")
    if name in _ORDER and type(left) is int and type(right) is int:
        return _ORDER[name](left, right)
    return None


def _fact(node: Node) -> str | None:
    """``sector`` of ``context.sector``."""
    inner = _node(node.get("."))
    attribute = inner.get("attr")
    return attribute if inner.get("left") == {"Var": "context"} and isinstance(attribute, str) else None


def _node(value: object) -> Node:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Node]:
    return [_node(item) for item in value] if isinstance(value, list) else []
