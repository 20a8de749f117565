"""What an account may use up: rates, requests at a time, stored things. Names, defaults, and overrides.

In: the server's own limits and what is set for one account. Out: the numbers that hold for it. Overrides are whole
numbers by name, so that they can stand in an account's record; a name that is not known is refused when it is set, and
left alone when it is read, because an older program may meet a newer record. It counts nothing itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace

from custodes.core.errors import InvalidParameterError

RATE_OF = "rate."
BURST_OF = "burst."
"""Before the name of an operation: its own rate and burst."""
MAX_VALUE = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """Limits of one account; 0 is none at all for rates, and nothing at all for the others.

    Attributes:
        rate: requests a second for each operation, on average; 0 for as many as there come.
        burst: requests of one operation that may come at once after a pause.
        in_flight: requests that may be held at the same time, all operations together.
        collections: collections that may exist.
        faces_per_collection: faces in one collection.
        users_per_collection: users in one collection.
    """

    rate: int = 1000
    burst: int = 2000
    in_flight: int = 192
    collections: int = 10_000
    faces_per_collection: int = 20_000_000
    users_per_collection: int = 10_000_000

    def overridden(self, overrides: Mapping[str, int]) -> AccountLimits:
        """With what is set for an account; rates of single operations are asked for by ``pace``."""
        own = {name: number for name, number in overrides.items() if name in _NAMES}
        return replace(self, **own) if own else self


_NAMES = frozenset(item.name for item in fields(AccountLimits))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast requests of one operation may come: ``rate`` a second on average, ``burst`` at once; rate 0: any."""

    rate: int
    burst: int


def pace(limits: AccountLimits, overrides: Mapping[str, int], operation: str) -> Pace:
    """What holds for ``operation``. An operation with a rate of its own and no burst of its own bursts to two seconds
    of that rate."""
    rate = overrides.get(RATE_OF + operation)
    burst = overrides.get(BURST_OF + operation)
    if burst is None:
        burst = limits.burst if rate is None else 2 * rate
    return Pace(limits.rate if rate is None else rate, max(1, burst))


def check_limits(overrides: Mapping[str, int], operations: Collection[str] | None = None) -> Mapping[str, int]:
    """``overrides`` if each has a known name and a possible number.

    Args:
        overrides: by name.
        operations: names of the service's operations; None lets any word pass for one.

    Raises:
        InvalidParameterError: naming the first that has not.
    """
    for name, number in sorted(overrides.items()):
        known = name in _NAMES or any(
            name.startswith(prefix) and _is_operation(name.removeprefix(prefix), operations)
            for prefix in (RATE_OF, BURST_OF)
        )
        if not known:
            raise InvalidParameterError(f"there is no limit {name}; docs/limits.md lists them")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_VALUE:
            raise InvalidParameterError(f"the limit {name} is a whole number from 0 to {MAX_VALUE}")
    return overrides


def _is_operation(name: str, operations: Collection[str] | None) -> bool:
    return name.isascii() and name.isalpha() if operations is None else name in operations
