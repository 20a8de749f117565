"""Counts of uses by month and account: all that bills are made from, without the uses themselves.

In: uses, and runs of retention, in any order. Out: per month and account how often each operation was called with which
features and for how many units; how long faces were kept. ``dump`` and ``UseTally.load`` keep the counts between runs;
they name accounts, so they are a secret file. It knows no prices.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from custodes.ledger.prover.ports import Use
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.invoices.meter import Month

_DIGEST_BYTES = 64
_Call = tuple[str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """Calls of one operation with the same features: how many, and for how many units."""

    operation: str | None
    features: tuple[str, ...]
    calls: int
    units: int

    @property
    def facts(self) -> dict[str, object]:
        """What the body of such a call says of it."""
        named = {} if self.operation is None else {"op": self.operation}
        return {**named, "features": list(self.features)}


class UseTally:
    """Counts over the first ``size`` entries of a log whose last entry has the hash ``last``."""

    def __init__(self) -> None:
        """Nothing counted."""
        self.size = 0
        self.last = b""
        self.seen = 0
        """How long the log was when uses were counted last: what it says from there on may concern those counted."""
        self.billed: dict[str, int] = {}
        """Index of the newest ``bil`` entry of each month that has one."""
        self._calls: dict[str, dict[str, dict[_Call, list[int]]]] = {}
        self._faces: dict[str, dict[str, list[int]]] = {}

    @classmethod
    def of(cls, uses: Iterable[Use]) -> UseTally:
        """The counts of these uses."""
        tally = cls()
        for use in uses:
            tally.add(use)
        return tally

    def add(self, use: Use) -> None:
        """Count one use, with the faces that it added or removed."""
        facts = use.facts
        listed, named = facts.get("features"), facts.get("op")
        features = tuple(str(one) for one in listed) if isinstance(listed, list) else ()
        accounts = self._calls.setdefault(str(Month.of(use.t)), {})
        counted = accounts.setdefault(use.account, {}).setdefault(
            (named if isinstance(named, str) else None, features), [0, 0]
        )
        counted[0] += 1
        counted[1] += use.units
        self.add_retention(use)

    def add_retention(self, run: Use) -> None:
        """Count the faces that a run of retention removed: they are stored no longer, though nobody's use took them."""
        delta = run.facts.get("faces_delta", 0)
        if isinstance(delta, int) and not isinstance(delta, bool) and delta:
            kept = self._faces.setdefault(run.account, {}).setdefault(str(Month.of(run.t)), [0, 0])
            kept[0] += delta
            kept[1] += delta * run.t

    def accounts(self, month: Month) -> set[str]:
        """Whoever made a call in ``month``, or ever kept a face."""
        return {*self._calls.get(str(month), ()), *self._faces}

    def calls(self, account: str, month: Month) -> Iterator[CountedCalls]:
        """The calls of ``account`` in ``month``."""
        for (operation, features), (calls, units) in self._calls.get(str(month), {}).get(account, {}).items():
            yield CountedCalls(operation, features, calls, units)

    def face_ms(self, account: str, month: Month) -> int:
        """For how many milliseconds of ``month`` faces of ``account`` were kept, all of them together."""
        total = 0
        for when, (delta, delta_t) in self._faces.get(account, {}).items():
            if when < str(month):
                total += delta * (month.end - month.begin)
            elif when == str(month):
                total += delta * month.end - delta_t
        return total

    def dump(self) -> bytes:
        """The counts, to go on from later; names accounts."""
        text = canonical(
            {
                "billed": self.billed,
                "calls": {
                    month: {account: [_row(call, row) for call, row in rows.items()] for account, rows in found.items()}
                    for month, found in self._calls.items()
                },
                "faces": self._faces,
                "last": self.last.hex(),
                "seen": self.seen,
                "size": self.size,
            }
        )
        return sha256(text).hexdigest().encode() + text

    @classmethod
    def load(cls, data: bytes) -> UseTally:
        """The counts whose ``dump`` is ``data``.

        Raises:
            ValueError: it is damaged; then count again from the log.
        """
        text = data[_DIGEST_BYTES:]
        if sha256(text).hexdigest().encode() != data[:_DIGEST_BYTES]:
            raise ValueError("the counts of uses are damaged")
        members, tally = json.loads(text), cls()
        tally.size, tally.seen, tally.billed = members["size"], members["seen"], members["billed"]
        tally.last = bytes.fromhex(members["last"])
        tally._calls = {month: _accounts(found) for month, found in members["calls"].items()}
        tally._faces = members["faces"]
        return tally


def _row(call: _Call, row: list[int]) -> list[object]:
    return [call[0], list(call[1]), *row]


def _accounts(found: Mapping[str, list[tuple[str | None, list[str], int, int]]]) -> dict[str, dict[_Call, list[int]]]:
    return {
        account: {(operation, tuple(features)): [calls, units] for operation, features, calls, units in rows}
        for account, rows in found.items()
    }
