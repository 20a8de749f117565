"""Metering: from uses to units per price group and month, and from those to exact amounts.

In: operations with their features, units and times; changes in the number of stored faces. Out: lines with ``Decimal``
amounts. Tiers count per calendar month (UTC) and group. A call that was refused or failed counts no units, so it costs
nothing. It does not read the log and makes no invoice (``billing``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from custodes.ledger.verifier.invoices.prices import UNPRICED, PriceList


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, t: int) -> Month:
        """The month of a time in ms since the epoch."""
        moment = datetime.fromtimestamp(t // 1000, UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2026-03``. Raises ValueError for anything else."""
        moment = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        result = cls(moment.year, moment.month)
        if str(result) != text:
            raise ValueError(f"not a month: {text!r}")
        return result

    @property
    def begin(self) -> int:
        """First millisecond."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1000

    @property
    def end(self) -> int:
        """First millisecond of the next month."""
        return (Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)).begin

    def __str__(self) -> str:
        """Like ``2026-03``."""
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Charge:
    """One line: units of a price group in a month.

    Attributes:
        group: id of the price group.
        title: what it is called.
        unit: what is counted.
        parts: how many of them cost how much each.
        operations: the calls by operation.
    """

    group: str
    title: str
    unit: str
    parts: tuple[tuple[Decimal, Decimal], ...]
    operations: tuple[tuple[str, int], ...] = ()

    @property
    def quantity(self) -> Decimal:
        """How many."""
        return sum((count for count, _ in self.parts), Decimal(0))

    @property
    def amount(self) -> Decimal:
        """What they cost, exactly."""
        return sum((count * price for count, price in self.parts), Decimal(0))


@dataclass(slots=True)
class Meter:
    """Counts one account's use in one month."""

    prices: PriceList
    _units: Counter[str] = field(default_factory=Counter)
    _calls: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, facts: dict[str, object], units: int, calls: int = 1) -> None:
        """Count calls of one kind: ``op`` and ``features`` of their bodies say where, ``units`` how much in all."""
        operation = facts.get("op")
        operation = operation if isinstance(operation, str) else "not disclosed"
        listed = facts.get("features")
        features = [str(feature) for feature in listed] if isinstance(listed, list) else []
        for group in [group.id for group in self.prices.groups_of(operation, features)] or [UNPRICED]:
            self._units[group] += units
            self._calls.setdefault(group, Counter())[operation] += calls

    def charges(self) -> list[Charge]:
        """Lines in the order of the price list, then what has no price."""
        lines = []
        for group in self.prices.groups:
            if group.id in self._calls:
                split = group.split(0, self._units[group.id])
                parts = tuple((Decimal(count), price) for count, price in split)
                lines.append(self._line(group.id, group.title, group.unit, parts))
        if UNPRICED in self._calls:
            parts = ((Decimal(self._units[UNPRICED]), Decimal(0)),)
            lines.append(self._line(UNPRICED, "Calls without a price", "unit", parts))
        return lines

    def _line(self, group: str, title: str, unit: str, parts: tuple[tuple[Decimal, Decimal], ...]) -> Charge:
        return Charge(group, title, unit, parts, tuple(sorted(self._calls[group].items())))
