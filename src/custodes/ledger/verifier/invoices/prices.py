"""Price lists: which operation belongs to which group, and what a unit costs in which tier.

In: the JSON of a price list, an operation with its features, a number of units that came before in the month. Out:
groups, and exact amounts as ``Decimal``. No float is ever made from a price. It does not know who used what
(``billing_meter``). The default list is data beside this file and can be replaced.

Source of the default: AWS's public price page for us-east-1; prices marked as assumptions in our notes (user
operations, top tier of group 2, liveness) should be checked before anybody is billed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

_PRICE = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?")
_BASE_FEATURE = "GENERAL_LABELS"
UNPRICED = "unpriced"


class PriceError(ValueError):
    """A price list is malformed; the message says where."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to number ``up_to`` of a month (None: all further ones) cost ``price`` each."""

    up_to: int | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class PriceGroup:
    """Operations that are counted together; with ``feature``, only calls that ask for this feature."""

    id: str
    title: str
    unit: str
    operations: frozenset[str]
    feature: str | None
    tiers: tuple[Tier, ...]

    def cost(self, before: int, units: int) -> Decimal:
        """Exact price of ``units`` that follow ``before`` units of the same month."""
        return sum((count * price for count, price in self.split(before, units)), Decimal(0))

    def split(self, before: int, units: int) -> list[tuple[int, Decimal]]:
        """How many of ``units`` that follow ``before`` units of the same month cost how much each."""
        parts, start = [], before
        for tier in self.tiers:
            end = before + units if tier.up_to is None else min(before + units, tier.up_to)
            if end > start:
                parts.append((end - start, tier.price))
                start = end
        return parts


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in one currency. ``storage`` is the price of one face kept for one whole month."""

    name: str
    currency: str
    groups: tuple[PriceGroup, ...]
    storage: Decimal

    def groups_of(self, operation: str, features: Sequence[str] = ()) -> list[PriceGroup]:
        """The groups in which one call counts: none when it is free or unknown, several when it asks for more.

        A call that names features counts as an ordinary call only if it also asks for general labels.
        """
        found = [group for group in self.groups if operation in group.operations]
        special = [group for group in found if group.feature is not None and group.feature in features]
        if special and _BASE_FEATURE not in features:
            return special
        return [group for group in found if group.feature is None] + special


def parse_prices(value: object) -> PriceList:
    """Read a price list from parsed JSON.

    Raises:
        PriceError: a member is missing or out of range, tiers do not rise, or an operation is in two plain groups.
    """
    top = _members(value, "the price list")
    currency = _text(top, "currency")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise PriceError("the currency is not a code of three letters")
    groups = tuple(_group(row) for row in _list(top, "groups"))
    plain = [operation for group in groups if group.feature is None for operation in group.operations]
    if len(set(plain)) != len(plain) or len({group.id for group in groups}) != len(groups):
        raise PriceError("an operation, or a group's id, appears twice")
    storage = _price(_members(top.get("storage"), "storage").get("price"))
    return PriceList(_text(top, "name"), currency, groups, storage)


def _group(value: object) -> PriceGroup:
    row = _members(value, "a group")
    tiers = tuple(_tier(item) for item in _list(row, "tiers"))
    bounds = [tier.up_to for tier in tiers]
    finite = [bound for bound in bounds[:-1] if bound is not None]
    if not tiers or bounds[-1] is not None or len(finite) != len(tiers) - 1 or finite != sorted(set(finite)):
        raise PriceError("the tiers of a group must rise, and only the last one is open")
    operations = _list(row, "operations")
    if not all(isinstance(name, str) for name in operations):
        raise PriceError("an operation is no text")
    feature = _text(row, "feature") if "feature" in row else None
    names = frozenset(cast(list[str], operations))
    return PriceGroup(_text(row, "id"), _text(row, "title"), _text(row, "unit"), names, feature, tiers)


def _tier(value: object) -> Tier:
    row = _members(value, "a tier")
    bound = row.get("up_to")
    if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int) or bound <= 0):
        raise PriceError("the bound of a tier is no count")
    return Tier(bound, _price(row.get("price")))


def _price(value: object) -> Decimal:
    # As text only: 0.1 in JSON would become a binary fraction in most readers.
    if not isinstance(value, str) or not _PRICE.fullmatch(value):
        raise PriceError("a price is a decimal number written as text")
    return Decimal(value)


def _members(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PriceError(f"{what} is no object")
    return cast(dict[str, object], value)


def _list(row: Mapping[str, object], name: str) -> list[object]:
    value = row.get(name)
    if not isinstance(value, list):
        raise PriceError(f"{name!r} is no list")
    return value


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise PriceError(f"{name!r} is missing")
    return value
