"""Which rules can matter for a call, and which facts their outcome can still depend on: told from their text alone.

In: a rule in Cedar's JSON form, an operation with its groups, facts that are known. Out: whether the rule can apply at
all, and what it reads. A rule is left out only where Cedar itself would find it not satisfied without an error, so the
rules that are left decide exactly as all of them do. What is not understood here is kept. Nothing is decided.

Source: Cedar policy language reference, evaluation of conditions (``&&`` and ``||`` stop at the first operand that
settles them; several conditions are joined by ``&&`` in their order) and its JSON policy format.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import ge, gt, le, lt

Node = Mapping[str, object]
Value = str | int | bool

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


def reads(rule: Node) -> frozenset[str] | None:
    """Names of the facts that ``rule`` looks at; None when it looks at anything else of a call but its operation."""
    if any(_node(rule.get(scope)).get("op") != "All" for scope in ("principal", "resource")):
        return None
    found: set[str] = set()
    for condition in _list(rule.get("conditions")):
        if not _collect(condition.get("body"), found):
            return None
    return frozenset(found)


def _collect(value: object, found: set[str]) -> bool:
    """Add the facts that an expression names; False when it uses a variable in another way."""
    if isinstance(value, list):
        return all(_collect(item, found) for item in value)
    if not isinstance(value, Mapping):
        return True
    fact = _fact(value)
    if fact is not None:
        found.add(fact)
        return True
    return not value.keys() & {"Var", "Slot"} and all(_collect(item, found) for item in value.values())


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
